//! Runs one execution of a state machine on this computer, in virtual or in real time.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use drivetrain_statemachine::mocks::{MissingMock, MockCase, MockHandler};
use drivetrain_statemachine::{
    Engine, HistorySink, Machine, Outcome, TaskCall, TaskFailure, TaskHandler, TaskOutput,
    TaskRouter,
};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::stand_ins::StandIns;
use crate::terminal::signals;

/// An execution to run, with everything that its result depends on.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The state machine to execute.
    pub machine: Machine,
    /// The machine's name in ARNs and in the context object.
    pub name: String,
    /// The input with which the execution starts.
    pub input: Value,
    /// The date and time at which the execution starts.
    pub start_time: DateTime<Utc>,
    /// The seed of random numbers, jitter and UUIDs.
    pub seed: u64,
    /// The limit of events in the history; `None` for AWS's quota of the machine's type.
    pub max_events: Option<MaxEvents>,
    /// The answers to task calls; a call without an answer ends the simulation.
    pub mocks: MockCase,
    /// The local services that answer tasks in place of AWS services.
    pub stand_ins: StandIns,
    /// `true` if waits take real time; `false` if the clock is virtual and jumps to the next timer.
    pub real_time: bool,
    /// Whether to keep the inputs of task calls for [`Ran::inputs`].
    pub keeps_inputs: bool,
    /// `true` if Ctrl-C stops the execution instead of the process.
    pub interruptible: bool,
}

/// The limit of events in the history of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxEvents {
    /// The most events that the history may have.
    Limit(NonZeroU64),
    /// No limit, written as `none`.
    None,
}

impl MaxEvents {
    /// Converts the limit for the engine, where `None` means no limit.
    fn limit(self) -> Option<u64> {
        match self {
            Self::Limit(limit) => Some(limit.get()),
            Self::None => None,
        }
    }
}

impl FromStr for MaxEvents {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self::None);
        }
        text.parse().map(Self::Limit).map_err(|_| {
            let message = format!("expected a whole number above 0, or `none`, got `{text}`");
            Error::new(ErrorKind::Usage, message)
        })
    }
}

/// The end of a simulation and the task calls that it made.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The outcome of the execution, or the task call for which the mocks have no answer.
    pub ended: Ended,
    /// The number of task calls per state; states without a call are absent.
    pub calls: BTreeMap<String, u64>,
    /// The inputs of task calls; empty unless the simulation keeps them.
    pub inputs: Inputs,
}

/// The inputs of task calls per state, in the order of the calls.
pub type Inputs = BTreeMap<String, Vec<Value>>;

/// The reason why a simulation ended: its execution ended, or a task made a call that no mock answers.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The execution ended, with success or failure.
    Execution(Outcome),
    /// A task made a call for which the mocks have no answer.
    MissingMock(MissingMock),
}

impl Simulation {
    /// Runs the execution to its end; `sink` records the events of the execution and of its child executions.
    ///
    /// # Errors
    /// `Usage` for an input that AWS would refuse; `Failed` if the runtime or the signal handlers cannot be set up.
    pub fn run(self, sink: impl HistorySink + 'static) -> Result<Ran> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(!self.real_time);
        if self.interruptible {
            runtime.enable_io();
        }
        let runtime = runtime.build().context(
            ErrorKind::Failed,
            "cannot start the Tokio runtime that executes the state machine",
        )?;
        runtime.block_on(self.execute(sink))
    }

    /// Runs the execution on the current Tokio runtime, whose clock may be paused.
    ///
    /// A call without a mocked answer must not fail its task, because a machine that catches all errors would hide the
    /// missing mock. Such a call is never answered; it ends the simulation.
    async fn execute(self, sink: impl HistorySink + 'static) -> Result<Ran> {
        let handler = MockHandler::new(self.mocks);
        let calls = Arc::new(Mutex::default());
        let recording = Recording {
            tasks: self.stand_ins.router(handler.clone()),
            keeps_inputs: self.keeps_inputs,
            calls: Arc::clone(&calls),
        };
        let mut engine = Engine::new(recording)
            .history(sink)
            .start_time(self.start_time)
            .seed(self.seed)
            .machine_name(self.name);
        if let Some(max_events) = self.max_events {
            engine = engine.max_events(max_events.limit());
        }
        let execution = engine
            .start(&self.machine, self.input)
            .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
        if self.interruptible {
            let control = execution.control();
            signals::at_first(move || control.stop(None, None))?;
        }
        let ended = tokio::select! {
            biased;
            missing = handler.missing() => Ended::MissingMock(missing),
            outcome = execution.result() => Ended::Execution(outcome),
        };
        let RecordedCalls { counts, inputs } =
            std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Ran {
            ended,
            calls: counts,
            inputs,
        })
    }
}

/// Handler that records task calls before it routes them to mocks and stand-ins.
struct Recording {
    /// Router that passes each call to a stand-in or to the mocks.
    tasks: TaskRouter,
    /// Whether to keep the inputs of the calls.
    keeps_inputs: bool,
    /// The calls so far.
    calls: Arc<Mutex<RecordedCalls>>,
}

/// The task calls of an execution so far.
#[derive(Debug, Default)]
struct RecordedCalls {
    /// The number of calls per state.
    counts: BTreeMap<String, u64>,
    /// The inputs of the calls; empty unless they are kept.
    inputs: Inputs,
}

impl TaskHandler for Recording {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.counts.entry(call.state.clone()).or_default() += 1;
        if self.keeps_inputs {
            let of_state = calls.inputs.entry(call.state.clone()).or_default();
            of_state.push(call.input.clone());
        }
        drop(calls);
        self.tasks.call(call)
    }
}
