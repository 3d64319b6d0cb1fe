//! `drivetrain simulate`: runs one execution of a state machine offline.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use drivetrain_statemachine::mocks::{MissingMock, MockCase};
use drivetrain_statemachine::trace::{Trace, Traced};
use drivetrain_statemachine::{Event, HistorySink, Machine, Outcome, Status};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::SimulateArgs;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::definition::DefinitionFile;
use crate::machines::definition_cache::not_one_of;
use crate::machines::duration_text::time_span;
use crate::machines::execution_tree::tree;
use crate::machines::findings::failure_location::{FailureLocation, locate_failure};
use crate::machines::findings::finding::counted;
use crate::machines::findings::table::Diagnostics;
use crate::machines::history_file::HistoryFile;
use crate::machines::json_argument::read_json;
use crate::machines::mocks::file::{read_mocks, refused};
use crate::machines::simulation::{Ended, Simulation};
use crate::report::grouped;
use crate::terminal::printer::{Answer, Printer, ToText, Verdict};
use crate::terminal::stderr::note;

/// The most characters of an output that is printed on one line.
const MOST_CHARACTERS_OF_A_LINE: usize = 100;

/// The most lines of an indented output that is printed in full.
const MOST_LINES: usize = 60;

/// The number of characters to which an output with more than [`MOST_LINES`] lines is truncated.
const MOST_CHARACTERS: usize = 1_000;

/// Runs one execution of the machine and returns a tree for people, or an object with the whole history for programs.
///
/// # Errors
/// `Usage` for invalid input, mocks or flags, and for a task call without an answer; `InputMissing` if a file does not
/// exist.
pub fn simulate(args: &SimulateArgs, printer: Printer) -> Result<Answer, Unanswered> {
    let definition = DefinitionFile::read(&args.definition)?;
    let machine = match definition.machine(args.machine_type.into()) {
        Ok(machine) => machine,
        Err(diagnostics) => {
            let path = definition.path.display();
            let complaint = format!("`{path}` has {}", counted(&diagnostics));
            return Ok(Answer::asked(Diagnostics::of(diagnostics))
                .verdict(Verdict::Invalid)
                .complaint(complaint));
        }
    };
    let name = args.name.clone().unwrap_or_else(|| definition.name());
    let mocks = mocks(args, &name)?;
    warn_of_unknown_states(args, &machine, &mocks);
    require_distinct_files(args)?;
    let simulation = Simulation {
        input: match &args.input {
            Some(given) => read_json("--input", given)?,
            None => json!({}),
        },
        start_time: args.start_time.unwrap_or_else(Utc::now),
        seed: args.seed,
        max_events: args.max_events,
        mocks,
        stand_ins: args.stand_ins.resolve()?,
        real_time: args.real_time,
        keeps_inputs: false,
        interruptible: true,
        machine: machine.clone(),
        name,
    };
    let create = |path: &Option<PathBuf>| {
        let path = path.as_ref();
        path.map(|path| HistoryFile::create(path, args.real_time))
            .transpose()
    };
    let file = create(&args.history)?;
    let children = create(&args.children)?.map(HistoryFile::naming_executions);
    let watched = SimulationSink {
        file: file.clone(),
        children: children.clone(),
        events: (!printer.is_for_people() && file.is_none()).then(Arc::default),
        trace: printer.is_for_people().then(|| {
            let trace = Trace::new().of_machine(&machine);
            if args.show_data {
                trace.with_data()
            } else {
                trace
            }
        }),
        ..SimulationSink::default()
    };
    let ended = simulation.run(watched.clone())?.ended;
    for file in [file, children].into_iter().flatten() {
        file.finish()?;
    }
    let traced = watched.trace.as_ref().map(Trace::finish);
    match ended {
        Ended::Execution(outcome) => {
            let verdict = match outcome.status {
                Status::Succeeded => Verdict::Passed,
                _ => Verdict::Failed,
            };
            let text = match traced {
                Some(traced) => text(args, &definition, &outcome, &traced)?,
                None => String::new(),
            };
            let simulated = Simulated::of(outcome, watched.take_events(), text);
            Ok(Answer::asked(simulated).verdict(verdict))
        }
        Ended::MissingMock(missing) => {
            // The tree shows how far the execution got.
            let shown = traced.map(|traced| tree(&traced.steps));
            let error = missing_mock(args, &machine, &missing);
            Err(Unanswered { error, shown })
        }
    }
}

/// Answer for an execution that ended.
#[derive(Serialize)]
struct Simulated {
    /// The status in which the execution ended.
    status: Status,
    /// Output of the execution, if it succeeded.
    output: Option<Value>,
    /// Name of the error, if the execution failed.
    error: Option<String>,
    /// Cause of the error, if the execution failed.
    cause: Option<String>,
    /// Events of the execution; `None` if `--history` writes them to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Event>>,
    /// Tree and result for people; empty if the output is JSON.
    #[serde(skip)]
    text: String,
}

impl Simulated {
    /// Creates the answer from the outcome of an execution.
    fn of(outcome: Outcome, history: Option<Vec<Event>>, text: String) -> Self {
        Self {
            status: outcome.status,
            output: outcome.output,
            error: outcome.error,
            cause: outcome.cause,
            history,
            text,
        }
    }
}

impl ToText for Simulated {
    fn text(&self) -> String {
        self.text.clone()
    }
}

/// Failure of a simulation, with the tree of the execution that people see before the error.
pub struct Unanswered {
    /// The error; if a task call has no answer, its message names the state and the call.
    pub error: Error,
    /// Tree of the execution up to the call without an answer; `None` for other errors and for JSON.
    pub shown: Option<String>,
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self { error, shown: None }
    }
}

/// Sink that passes events on to files, memory and the trace.
///
/// AWS keeps separate histories for child executions, so `file` and `events` get only the events of the execution
/// itself.
#[derive(Clone, Default)]
struct SimulationSink {
    /// ARN of the simulated execution, taken from the first event; events with another ARN are of child executions.
    own: Arc<Mutex<Option<Arc<str>>>>,
    /// File that `--history` names.
    file: Option<HistoryFile>,
    /// File that `--children` names, for all child executions; a file per child would need too many open files.
    children: Option<HistoryFile>,
    /// Events in memory; only for JSON output without `--history`.
    events: Option<Arc<Mutex<Vec<Event>>>>,
    /// Trace for the tree, including child executions; `None` for JSON.
    trace: Option<Trace>,
}

impl HistorySink for SimulationSink {
    fn record(&self, event: &Event) {
        if let Some(trace) = &self.trace {
            trace.record(event);
        }
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if *own.get_or_insert_with(|| event.execution.clone()) != event.execution {
            if let Some(children) = &self.children {
                children.record(event);
            }
            return;
        }
        if let Some(file) = &self.file {
            file.record(event);
        }
        if let Some(events) = &self.events {
            let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
            events.push(event.clone());
        }
    }

    fn is_broken(&self) -> bool {
        let mut files = [&self.file, &self.children].into_iter().flatten();
        files.any(HistorySink::is_broken)
    }
}

impl SimulationSink {
    /// Takes the events out of memory; `None` if they were not kept.
    fn take_events(&self) -> Option<Vec<Event>> {
        let mut events = self
            .events
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut *events))
    }
}

/// Reads the chosen case of the mock file; without `--mocks`, returns a case without answers.
fn mocks(args: &SimulateArgs, machine: &str) -> Result<MockCase> {
    let Some(path) = &args.mocks else {
        return Ok(MockCase::default());
    };
    read_mocks(path, machine, args.case.as_deref())?.map_err(|findings| refused(path, &findings))
}

/// Checks that `--history` and `--children` would overwrite neither an input file nor each other.
fn require_distinct_files(args: &SimulateArgs) -> Result<()> {
    let input = args.input.as_ref().map(PathBuf::from);
    let read = [Some(&args.definition), args.mocks.as_ref(), input.as_ref()];
    for (flag, path) in [("--history", &args.history), ("--children", &args.children)] {
        if let Some(path) = path {
            not_one_of(flag, path, read.into_iter().flatten())?;
        }
    }
    if args.history.is_some() && args.history == args.children {
        let message = "`--history` and `--children` name the same file";
        return Err(Error::new(ErrorKind::Usage, message).hint("name two different files"));
    }
    Ok(())
}

/// Warns about mocks for states that the machine does not have: without the warning, a typo would show late or never.
fn warn_of_unknown_states(args: &SimulateArgs, machine: &Machine, mocks: &MockCase) {
    let states = machine.states();
    let unknown: Vec<&str> = mocks
        .states()
        .filter(|name| states.iter().all(|state| state.name != *name))
        .collect();
    if unknown.is_empty() {
        return;
    }
    let definition = args.definition.display();
    let names = unknown.join("`, `");
    note(&format!(
        "warning: the case `{}` has answers for states that `{definition}` does not have: `{names}`",
        mocks.name()
    ));
}

/// Creates the error for a call without an answer, with a hint that depends on the type of the state.
fn missing_mock(args: &SimulateArgs, machine: &Machine, missing: &MissingMock) -> Error {
    let MissingMock { state, call, .. } = missing;
    let states = machine.states();
    let is_map = states
        .iter()
        .any(|one| one.name == *state && one.state_type == "Map");
    let hint = match (is_map, &args.mocks) {
        (true, _) => {
            "pass `--s3 BUCKET=DIR` to use a local folder in place of the S3 bucket".to_owned()
        }
        (false, Some(path)) => {
            format!(
                "add an answer for this call to `{}`; calls are numbered from 0",
                path.display()
            )
        }
        (false, None) => {
            "pass the answers of tasks with `--mocks FILE --case NAME`; calls are numbered from 0"
                .to_owned()
        }
    };
    let message = if args.mocks.is_some() {
        missing.to_string()
    } else {
        format!("there is no answer for call {call} of the state `{state}`: no mocks were given")
    };
    Error::new(ErrorKind::Usage, message).hint(hint)
}

/// Formats an output: on one line if it is short, indented if it is longer, and truncated if it is very long.
fn shown(output: &Value) -> Result<String> {
    let line = output.to_string();
    if line.chars().count() <= MOST_CHARACTERS_OF_A_LINE {
        return Ok(line);
    }
    let pretty = serde_json::to_string_pretty(output).context(
        ErrorKind::Failed,
        "the execution's output cannot be converted to JSON; this is a bug",
    )?;
    if pretty.lines().count() <= MOST_LINES {
        return Ok(pretty.replace('\n', "\n  "));
    }
    let beginning: String = line.chars().take(MOST_CHARACTERS).collect();
    let length = grouped(line.len() as u64);
    Ok(format!(
        "{beginning}.. ({length} bytes; `--output-format json` prints the whole output)"
    ))
}

/// Formats the tree and the result of an execution, and the location in the definition that caused a failure.
fn text(
    args: &SimulateArgs,
    definition: &DefinitionFile,
    outcome: &Outcome,
    traced: &Traced,
) -> Result<String> {
    let mut text = tree(&traced.steps);
    let took = time_span(outcome.stopped_at - outcome.started_at);
    let kind = if args.real_time {
        ""
    } else {
        " of virtual time"
    };
    let status = outcome.status.as_str();
    let events = grouped(outcome.events);
    text += &format!("{status} after {took}{kind}, {events} events\n");
    if let Some(output) = &outcome.output {
        text += &format!("  output: {}\n", shown(output)?);
    }
    for (name, part) in [("error", &outcome.error), ("cause", &outcome.cause)] {
        if let Some(part) = part {
            text += &format!("  {name}: {part}\n");
        }
    }
    if outcome.status == Status::Failed
        && let Some(found) = locate_failure(&traced.steps, &definition.text)
    {
        let FailureLocation {
            state,
            field,
            place,
        } = found;
        let path = definition.path.display();
        let field = if field.is_empty() {
            String::new()
        } else {
            format!(", field `{}`", field.trim_start_matches('/'))
        };
        let (line, column) = (place.line, place.column);
        text += &format!("  where: state `{state}`{field}, {path}:{line}:{column}\n");
    }
    Ok(text)
}
