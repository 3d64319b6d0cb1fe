//! Explores configurations and mutants one after the other, and prints one line for each.

use std::time::Instant;

use crate::check::Checked;
use crate::configuration::Configuration;
use crate::mutants::Mutant;
use crate::search::search;
use crate::suites;
use crate::trace;

/// Explores configurations; returns `true` if every invariant holds in all of them.
pub fn explore(configurations: Vec<Configuration>) -> bool {
    let begun = Instant::now();
    let (mut states, mut count, mut holds) = (0, 0, true);
    println!("    states  depth  settled       s  configuration");
    for configuration in configurations {
        let begun = Instant::now();
        let name = configuration.name.clone();
        let mut checked = Checked::new(configuration);
        let found = search(&mut checked);
        println!(
            "{:>10} {:>6} {:>8} {:>7.1}  {name}",
            found.states,
            found.depth,
            checked.settled(),
            begun.elapsed().as_secs_f64(),
        );
        if found.is_cut {
            println!("CUT: the log of the model is too short for this; raise `RECORDS`");
            holds = false;
        }
        if let Some((wrong, steps)) = &found.wrong {
            println!("BROKEN: {wrong}");
            print_lines(&trace::lines(&checked, steps));
            holds = false;
        }
        states += found.states;
        count += 1;
    }
    println!(
        "{states} states in {count} configurations, {:.0} s: {}",
        begun.elapsed().as_secs_f64(),
        if holds {
            "all invariants hold"
        } else {
            "NOT all invariants hold"
        },
    );
    holds
}

/// Tries each mutant; returns `true` if the expected invariant catches each, and the harmless ones break nothing.
pub fn try_mutants(with_traces: bool) -> bool {
    let begun = Instant::now();
    let mut holds = true;
    for (mutant, expected) in Mutant::ALL {
        let configuration = suites::against(mutant);
        let mut checked = match expected {
            Some(invariant) => Checked::only(configuration, invariant),
            None => Checked::new(configuration),
        };
        let found = search(&mut checked);
        let steps = found.wrong.as_ref().map(|(_, steps)| steps);
        let outcome = match (expected, steps) {
            (Some(invariant), Some(steps)) => {
                format!("caught after {} steps by {invariant:?}", steps.len())
            }
            (Some(invariant), None) => format!("NOT CAUGHT by {invariant:?}"),
            (None, Some(_)) => "NOT HARMLESS".to_owned(),
            (None, None) => format!("harmless in {} states", found.states),
        };
        holds &= expected.is_some() == steps.is_some() && !found.is_cut;
        println!("{:<26} {outcome}", format!("{mutant:?}"));
        let is_asked = with_traces || expected.is_none();
        if let (true, Some(steps)) = (is_asked, steps) {
            print_lines(&trace::lines(&checked, steps));
        }
    }
    println!(
        "{} mutants, {:.0} s: {}",
        Mutant::ALL.len(),
        begun.elapsed().as_secs_f64(),
        if holds {
            "each as expected"
        } else {
            "NOT each as expected"
        },
    );
    holds
}

fn print_lines(lines: &[String]) {
    for line in lines {
        println!("    {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Actor;
    use crate::plan::Plan;
    use crate::state::Exit;
    use crate::steps::{Event, Step, Successors};

    /// Runs one process alone; returns the numbers of its steps, and its exit.
    fn steps_of(configuration: &Configuration) -> (Vec<&'static str>, Exit) {
        let mut state = configuration.first();
        let mut numbers = Vec::new();
        let mut out = Successors::default();
        while state.processes[0].step != Step::Exited {
            out.next.clear();
            configuration.step(&state, 0, false, &mut out);
            let next = out.next[0];
            if let Event::Steps { taken, .. } = next.event {
                numbers.extend(taken.iter().flatten().map(|taken| taken.step.number()));
            }
            assert_eq!(next.broken, None);
            state = next.state;
        }
        (numbers, state.processes[0].exit)
    }

    #[test]
    fn an_undisturbed_run_takes_the_steps_of_the_document_in_order() {
        let plans = [Plan::table(9, &[0]), Plan::table(1, &[0])];
        let (numbers, exit) = steps_of(&Configuration::new("", &plans, &[Actor::Run(1)]));
        assert_eq!(exit, Exit::Success);
        let expected = [
            "1.1", "1.2", "1.4", "2.2", "2.3", "3.1", "6.1", "7.1", "7.2", "7.9", "7.10",
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_run_that_is_in_the_log_is_done_at_once() {
        let plans = [Plan::table(1, &[0]), Plan::table(1, &[0])];
        let (numbers, exit) = steps_of(&Configuration::new("", &plans, &[Actor::Run(1)]));
        assert_eq!(exit, Exit::Success);
        assert_eq!(numbers, ["1.1", "1.2", "1.4", "2.2"]);
    }

    #[test]
    fn an_append_without_a_new_input_writes_nothing() {
        let plans = [Plan::append(9, &[0], 0b1), Plan::append(1, &[0], 0b1)];
        let (numbers, exit) = steps_of(&Configuration::new("", &plans, &[Actor::Run(1)]));
        assert_eq!(exit, Exit::Success);
        assert_eq!(numbers, ["1.1", "1.2", "1.4", "2.2", "2.3", "6.1", "7.10"]);
    }

    #[test]
    fn every_invariant_is_seen_broken_by_a_mutant() {
        use crate::invariants::Invariant;
        for invariant in Invariant::ALL {
            let mut expected = Mutant::ALL.iter().map(|(_, expected)| *expected);
            assert!(
                expected.any(|expected| expected == Some(invariant)),
                "{invariant}"
            );
        }
    }
}
