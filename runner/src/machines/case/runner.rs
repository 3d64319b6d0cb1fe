//! Runs test cases and compares their results with the expectations.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drivetrain_statemachine::trace::{Facts, Trace};
use drivetrain_statemachine::{Event, HistorySink, Outcome};
use serde_json::Value;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::case::difference::{Difference, Strictness, cut, differences};
use crate::machines::case::expected::Expected;
use crate::machines::case::file::Case;
use crate::machines::definition::machine_name;
use crate::machines::simulation::{Ended, Inputs, Simulation};

/// The stack size of a thread that runs cases: as large as that of the main thread, because definitions may nest
/// deeply.
const STACK_BYTES: usize = 8 << 20;

/// The most entered states that are kept for comparison, so that an endless loop cannot exhaust the memory.
const MOST_VISITS: usize = 1_000_000;

/// The result of running a case, compared with its expectations.
#[derive(Clone, Debug)]
pub struct JudgedCase {
    /// The differences from the expectations; empty if the case passed.
    pub differences: Vec<Difference>,
    /// The states, transitions, retriers and catchers that the execution reached, for the coverage report.
    pub facts: Facts,
    /// The wall-clock time that the case took.
    pub took: Duration,
}

/// Runs all cases on `threads` threads and returns their results in the order of the cases.
///
/// # Errors
/// `Failed` if the system cannot start the threads.
pub fn run_all(cases: &[Case], threads: NonZeroUsize) -> Result<Vec<JudgedCase>> {
    let next = AtomicUsize::new(0);
    let judged: Mutex<BTreeMap<usize, JudgedCase>> = Mutex::default();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { return };
            let one = run(case);
            judged
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(index, one);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.get().min(cases.len()) {
            std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, work)
                .context(
                    ErrorKind::Failed,
                    "cannot start the threads that run the cases",
                )?;
        }
        Ok::<_, Error>(())
    })?;
    let judged = judged.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(judged.into_values().collect())
}

/// Runs one case in virtual time and compares its result with the expectations.
fn run(case: &Case) -> JudgedCase {
    let began = Instant::now();
    let watched = CaseHistory {
        trace: Trace::new().of_machine(&case.machine),
        visits: case.expected.is_about_visits().then(Arc::default),
    };
    let simulation = Simulation {
        machine: case.machine.clone(),
        name: machine_name(&case.definition),
        input: case.input.clone(),
        start_time: case.start_time,
        seed: case.seed,
        max_events: case.max_events,
        mocks: case.mocks.clone(),
        stand_ins: case.stand_ins.clone(),
        real_time: false,
        keeps_inputs: !case.expected.inputs_include.is_empty(),
        interruptible: false,
    };
    let differences = match simulation.run(watched.clone()) {
        Ok(ran) => match ran.ended {
            Ended::Execution(outcome) => {
                let mut found = judge(&case.expected, &outcome, &watched.visits(), &ran.calls);
                judge_inputs(&case.expected, &ran.inputs, &mut found);
                found
            }
            Ended::MissingMock(missing) => vec![Difference::new(
                "mocks",
                format!(
                    "an answer for call {} of the state `{}`",
                    missing.call, missing.state
                ),
                "no answer; calls are numbered from 0",
            )],
        },
        Err(error) => vec![Difference::new(
            "start of the execution",
            "no error",
            error.to_string(),
        )],
    };
    JudgedCase {
        differences,
        facts: watched.trace.finish().facts,
        took: began.elapsed(),
    }
}

/// Sink that keeps a trace of the execution and, if an expectation needs them, the names of the entered states.
#[derive(Clone)]
struct CaseHistory {
    /// The trace, from which the reached states and transitions are taken.
    trace: Trace,
    /// The names of the entered states in order; `None` if no expectation needs them.
    visits: Option<Arc<Mutex<Vec<String>>>>,
}

impl HistorySink for CaseHistory {
    fn record(&self, event: &Event) {
        self.trace.record(event);
        let Some(visits) = &self.visits else { return };
        if event.event_type.as_str().ends_with("StateEntered")
            && let Some(name) = &event.details.name
        {
            let mut visits = visits.lock().unwrap_or_else(PoisonError::into_inner);
            if visits.len() < MOST_VISITS {
                visits.push(name.to_string());
            }
        }
    }
}

impl CaseHistory {
    /// Takes the names of the entered states out of the sink; returns an empty list if they were not recorded.
    fn visits(&self) -> Vec<String> {
        let Some(visits) = &self.visits else {
            return Vec::new();
        };
        std::mem::take(&mut *visits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Compares an execution with all expectations except those about task inputs.
fn judge(
    expected: &Expected,
    outcome: &Outcome,
    visits: &[String],
    calls: &BTreeMap<String, u64>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let status = outcome.status.as_str();
    if expected.status != status {
        let why = match (&outcome.error, &outcome.cause) {
            (None, None) => String::new(),
            (error, cause) => format!(
                ": {}: {}",
                error.as_deref().unwrap_or("no error name"),
                cut(cause.as_deref().unwrap_or("no cause"))
            ),
        };
        found.push(Difference::new(
            "status",
            &expected.status,
            format!("{status}{why}"),
        ));
    }
    judge_output(expected, outcome.output.as_ref(), &mut found);
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::String);
    for (what, expected, got) in [
        ("error", &expected.error, text(&outcome.error)),
        ("cause", &expected.cause, text(&outcome.cause)),
    ] {
        if let Some(expected) = expected {
            found.extend(differences(what, expected, &got, Strictness::Whole));
        }
    }
    if let Some(part) = &expected.cause_includes
        && !outcome
            .cause
            .as_ref()
            .is_some_and(|cause| cause.contains(part))
    {
        let got = outcome.cause.as_deref().unwrap_or("no cause");
        found.push(Difference::new("cause_includes", part, cut(got)));
    }
    judge_visits(expected, visits, &mut found);
    for (state, expected) in &expected.calls {
        let got = calls.get(state).copied().unwrap_or(0);
        if got != *expected {
            let what = format!("calls of `{state}`");
            found.push(Difference::new(what, expected.to_string(), got.to_string()));
        }
    }
    if let Some(expected) = expected.duration_seconds {
        let got = outcome.stopped_at - outcome.started_at;
        let expected_time = Duration::try_from_secs_f64(expected).unwrap_or(Duration::MAX);
        // Times in a history have milliseconds, so a finer difference is not an error.
        let got = got.to_std().unwrap_or_default();
        if got.abs_diff(expected_time) >= Duration::from_millis(1) {
            let what = "duration_seconds";
            found.push(Difference::new(
                what,
                expected.to_string(),
                got.as_secs_f64().to_string(),
            ));
        }
    }
    found
}

/// Compares the recorded inputs of task calls with the expected parts.
fn judge_inputs(expected: &Expected, inputs: &Inputs, found: &mut Vec<Difference>) {
    for (state, call, expected) in &expected.inputs_include {
        let what = format!("input of call {call} of `{state}`");
        match inputs.get(state).and_then(|calls| calls.get(*call)) {
            Some(got) => found.extend(differences(&what, expected, got, Strictness::Part)),
            None => {
                found.push(Difference::new(
                    what,
                    cut(&expected.to_string()),
                    "no call with this number",
                ));
            }
        }
    }
}

/// Compares the output with `output`, `output_includes` and `output_at`.
fn judge_output(expected: &Expected, output: Option<&Value>, found: &mut Vec<Difference>) {
    let whole = [
        ("output", &expected.output, Strictness::Whole),
        (
            "output_includes",
            &expected.output_includes,
            Strictness::Part,
        ),
    ];
    for (what, expected, strictness) in whole {
        match (expected, output) {
            (Some(expected), Some(got)) => {
                found.extend(differences(what, expected, got, strictness));
            }
            (Some(expected), None) => {
                found.push(Difference::new(
                    what,
                    cut(&expected.to_string()),
                    "no output",
                ));
            }
            (None, _) => {}
        }
    }
    for (path, query, expected) in &expected.output_at {
        let what = format!("output_at {path}");
        match output.map(|output| query.evaluate_on(output)) {
            Some(Ok(got)) => found.extend(differences(&what, expected, &got, Strictness::Whole)),
            Some(Err(error)) => {
                found.push(Difference::new(
                    what,
                    cut(&expected.to_string()),
                    error.to_string(),
                ));
            }
            None => {
                found.push(Difference::new(
                    what,
                    cut(&expected.to_string()),
                    "no output",
                ));
            }
        }
    }
}

/// Compares the entered states. For `visits`, reports only the first difference, with the rest of both lists.
fn judge_visits(expected: &Expected, visits: &[String], found: &mut Vec<Difference>) {
    if let Some(expected) = &expected.visits {
        let longest = expected.len().max(visits.len());
        let differs = (0..longest).find(|index| expected.get(*index) != visits.get(*index));
        if let Some(index) = differs {
            let from = |list: &[String]| match list.get(index..) {
                None | Some([]) => "no more states".to_owned(),
                Some(rest) => cut(&rest.join(", ")),
            };
            let what = format!("visits from state number {}", index + 1);
            found.push(Difference::new(what, from(expected), from(visits)));
        }
    }
    for state in &expected.visits_include {
        if !visits.contains(state) {
            let what = "visits_include";
            found.push(Difference::new(
                what,
                format!("`{state}` is entered"),
                format!("`{state}` is never entered"),
            ));
        }
    }
    for state in &expected.visits_exclude {
        if let Some(at) = visits.iter().position(|visited| visited == state) {
            let what = "visits_exclude";
            let got = format!("`{state}` is entered as state number {}", at + 1);
            found.push(Difference::new(
                what,
                format!("`{state}` is never entered"),
                got,
            ));
        }
    }
}
