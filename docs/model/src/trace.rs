//! Prints a trace with the step numbers of `docs/commit-protocol.md`.

use crate::configuration::{Actor, Configuration};
use crate::search::Step;
use crate::state::{PARTS, State};
use crate::steps::{Event, Taken};

/// Formats a trace, one line per step.
pub fn lines(
    world: &impl AsRef<Configuration>,
    trace: &[Step<crate::check::Checked>],
) -> Vec<String> {
    let configuration = world.as_ref();
    trace
        .iter()
        .flat_map(|step| of_event(configuration, &step.before, &step.event))
        .collect()
}

fn of_event(configuration: &Configuration, before: &State, event: &Event) -> Vec<String> {
    match event {
        Event::Store { key, record, note } => {
            let about = about(configuration, before, *record, *key);
            vec![format!("{:<22} {note}{about}", "store")]
        }
        Event::Steps {
            who,
            attempt,
            taken,
        } => {
            let who = process(configuration, *who, *attempt);
            let taken = taken.iter().flatten();
            taken
                .map(|taken| of_step(configuration, before, &who, taken))
                .collect()
        }
    }
}

fn of_step(configuration: &Configuration, before: &State, who: &str, taken: &Taken) -> String {
    let Taken {
        step,
        record,
        key,
        note,
    } = taken;
    let about = about(configuration, before, *record, *key);
    let outcome = match (about.is_empty(), note.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(": {note}"),
        (false, true) => format!(":{about}"),
        (false, false) => format!(":{about} {note}"),
    };
    format!("{who:<22} {step}{outcome}")
}

fn process(configuration: &Configuration, who: usize, attempt: u8) -> String {
    let name = match configuration.actor(who) {
        Actor::Run(plan) => {
            let run = configuration.plans[usize::from(plan)].run;
            format!("run R{run} attempt {attempt}")
        }
        other => format!("{other:?}").to_lowercase(),
    };
    format!("P{} {name}", who + 1)
}

fn about(configuration: &Configuration, before: &State, record: u8, key: Option<usize>) -> String {
    if record > 0 {
        return format!(" record {record}");
    }
    let Some(key) = key else {
        return String::new();
    };
    let attempt = u8::try_from(key / PARTS).unwrap_or_default();
    let run = configuration.plan_of(&before.store, attempt).run;
    format!(" part {} of R{run} attempt {attempt}", key % PARTS + 1)
}
