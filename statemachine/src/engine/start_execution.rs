//! The engine: the settings of executions, and their start.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::definition::{Machine, MachineType};
use crate::engine::clock::Clock;
use crate::engine::execution::environment::{Environment, ExecutionNames, ROLE_ARN};
use crate::engine::execution::execution_handle::{Execution, Outcome};
use crate::engine::execution::execution_run::Run;
use crate::engine::history::history_sink::HistorySink;
use crate::engine::history::recorder::STANDARD_EVENT_LIMIT;
use crate::engine::port::task_handler::TaskHandler;
use crate::engine::port::task_tokens::Tokens;
use crate::engine::run_execution::run_execution;
use crate::engine::states::map_run::EXPRESS_LIMIT;
use crate::error::{Error, ErrorKind};
use crate::evaluation_budget::{MAX_DEPTH, nests_too_deeply};
use crate::payload_size::{PAYLOAD_LIMIT_BYTES, exceeds};
use crate::scope::{Host, Random};

/// An engine that starts executions: the task handler, and everything else that an execution depends on.
///
/// The same machine, input, start time, seed and answers of the handler give the same history, on any computer.
///
/// ```
/// use drivetrain_statemachine::{Engine, History, Machine, Status, TaskCall, TaskFailure};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "Ask", "States": {"Ask": {
///     "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 60, "End": true,
///     "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "MaxAttempts": 2}]
/// }}}"#)?;
/// let history = History::default();
/// let engine = Engine::new(|call: TaskCall| async move {
///     match call.retry_count {
///         0 => Err(TaskFailure::new("Busy", "try again")),
///         _ => Ok(json!("an answer")),
///     }
/// })
/// .history(history.clone())
/// .start_time("2026-01-01T00:00:00Z".parse()?)
/// .seed(7);
///
/// let outcome = engine.start(&machine, json!({}))?.result().await;
/// assert_eq!(outcome.status, Status::Succeeded);
/// assert_eq!(outcome.stopped_at.to_string(), "2026-01-01 00:00:10 UTC");
/// let types: Vec<&str> = history.events().iter().map(|event| event.event_type.as_str()).collect();
/// assert_eq!(types[2..6], ["TaskScheduled", "TaskStarted", "TaskFailed", "TaskScheduled"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Engine {
    /// The handler of all calls: those of tasks, and those of Maps that read items or write results.
    pub(super) handler: Arc<dyn TaskHandler>,
    /// The receiver of all events; `None` if no history is kept.
    sink: Option<Arc<dyn HistorySink>>,
    /// The date at which each execution starts.
    pub(super) start_time: DateTime<Utc>,
    /// The seed of each execution's random numbers.
    pub(super) seed: u64,
    /// The tokens of waiting tasks, which all executions share.
    pub(super) tokens: Tokens,
    /// The names that ARNs and the context object show.
    pub(super) names: ExecutionNames,
    /// The most events that each execution may have.
    max_events: EventLimit,
}

/// The most events that an execution may have.
#[derive(Debug, Clone, Copy)]
enum EventLimit {
    /// AWS's limit: 25,000 for a STANDARD machine, none for an EXPRESS one.
    OfMachineType,
    /// The caller's limit; `None` for no limit.
    Set(Option<u64>),
}

impl Engine {
    /// Creates an engine that sends all work to a handler.
    ///
    /// By default its executions start at the Unix epoch with seed 0, and no history is kept.
    #[must_use]
    pub fn new(handler: impl TaskHandler + 'static) -> Self {
        Self {
            handler: Arc::new(handler),
            sink: None,
            start_time: DateTime::UNIX_EPOCH,
            seed: 0,
            tokens: Tokens::default(),
            names: ExecutionNames {
                machine: "StateMachine".to_owned(),
                role_arn: Some(ROLE_ARN.to_owned()),
            },
            max_events: EventLimit::OfMachineType,
        }
    }

    /// Sends all events to a sink, those of child executions included.
    #[must_use]
    pub fn history(mut self, sink: impl HistorySink + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Sets the date at which executions start.
    #[must_use]
    pub fn start_time(mut self, start_time: DateTime<Utc>) -> Self {
        self.start_time = start_time;
        self
    }

    /// Sets the seed of random numbers, jitter and UUIDs.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the list of task tokens; workers answer waiting tasks through a clone of it.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets the name of the machine, as ARNs and the context object show it.
    #[must_use]
    pub fn machine_name(mut self, name: impl Into<String>) -> Self {
        self.names.machine = name.into();
        self
    }

    /// Sets the most events that an execution may have before it fails; `None` for no limit.
    ///
    /// The default is AWS's limit: 25,000 for a STANDARD machine, none for an EXPRESS one. The engine itself keeps no
    /// events: [`JsonLines`](crate::JsonLines) writes any number of them in constant memory.
    #[must_use]
    pub fn max_events(mut self, max_events: Option<u64>) -> Self {
        self.max_events = EventLimit::Set(max_events);
        self
    }

    /// Starts an execution, which makes progress while its result is awaited.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the input is larger than 256 KiB or nests too deeply.
    pub fn start(&self, machine: &Machine, input: Value) -> Result<Execution, Error> {
        if nests_too_deeply(&input) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the input must nest fewer than {MAX_DEPTH} levels deep"),
            ));
        }
        if exceeds(&input, PAYLOAD_LIMIT_BYTES) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the input must be at most {PAYLOAD_LIMIT_BYTES} bytes of JSON text"),
            ));
        }
        let machine = machine.clone();
        let definition = machine.definition();
        let event_limit = match (self.max_events, definition.machine_type) {
            (EventLimit::Set(limit), _) => limit,
            (EventLimit::OfMachineType, MachineType::Standard) => Some(STANDARD_EVENT_LIMIT),
            (EventLimit::OfMachineType, MachineType::Express) => None,
        };
        let express = (definition.machine_type == MachineType::Express).then_some(EXPRESS_LIMIT);
        let limit = definition.timeout.into_iter().chain(express).min();
        let environment = Environment::new(
            self.handler.clone(),
            self.sink.clone(),
            Clock::starting_at(self.start_time),
            self.tokens.clone(),
            Host {
                now: self.start_time,
                random: Random::from_seed(self.seed),
            },
            self.names.clone(),
            event_limit,
            None,
        );
        let run = Arc::new(Run::of_machine(
            Arc::new(environment),
            definition.machine_type,
            &input,
        ));
        let driven = run.clone();
        Ok(Execution::new(run, async move {
            run_execution(&driven, &machine.definition().flow, input, limit).await
        }))
    }

    /// Runs an execution from its start to its end.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the input is larger than 256 KiB or nests too deeply. A failed execution is not
    /// an error: see [`Outcome::status`].
    pub async fn run(&self, machine: &Machine, input: Value) -> Result<Outcome, Error> {
        Ok(self.start(machine, input)?.result().await)
    }
}
