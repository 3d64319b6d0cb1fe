//! One execution on this machine, in virtual or in real time.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use drivetrain_statemachine::mocks::{MissingMock, MockCase, MockHandler};
use drivetrain_statemachine::{
    Engine, HistorySink, Machine, Outcome, TaskCall, TaskFailure, TaskHandler, TaskOutput,
};
use futures::future::BoxFuture;
use serde_json::Value;

use super::buckets::Buckets;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::signals;

/// What an execution depends on.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The machine.
    pub machine: Machine,
    /// Its name, as ARNs and the context object show it.
    pub name: String,
    /// The execution's input.
    pub input: Value,
    /// The date at which it starts.
    pub start_time: DateTime<Utc>,
    /// What random numbers, jitter and UUIDs are made from.
    pub seed: u64,
    /// How many events it may have; that of its type where nothing is said.
    pub max_events: Option<MaxEvents>,
    /// What tasks answer.
    pub mocks: MockCase,
    /// What Map states read from and write to.
    pub buckets: Buckets,
    /// Waits take as long as they say, instead of no time.
    pub real_time: bool,
    /// What tasks are called with is kept.
    pub keeps_inputs: bool,
    /// Ctrl-C stops the execution rather than the process.
    pub interruptible: bool,
}

/// How many events an execution may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxEvents {
    /// So many.
    Limit(NonZeroU64),
    /// Any number.
    None,
}

impl MaxEvents {
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
            let message = format!("expected a number above 0 or `none`, got `{text}`");
            Error::new(ErrorKind::Usage, message)
        })
    }
}

/// What a simulation gave.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// How often each state has called, for those that have.
    pub calls: BTreeMap<String, u64>,
    /// What the tasks of each state were called with, where that is kept.
    pub inputs: Inputs,
}

/// What tasks were called with, by state, in the order of the calls.
pub type Inputs = BTreeMap<String, Vec<Value>>;

/// How a simulation ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The execution came to an end, a good or a bad one.
    Execution(Outcome),
    /// A task called that has no answer.
    MissingMock(MissingMock),
}

impl Simulation {
    /// Runs the execution and sends its events on, those of child executions included.
    ///
    /// # Errors
    /// `Usage` for an input that AWS would not take, `Failed` if the system refuses a runtime or signals.
    pub fn run(self, sink: impl HistorySink + 'static) -> Result<Ran> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(!self.real_time);
        if self.interruptible {
            runtime.enable_io();
        }
        let runtime = runtime
            .build()
            .context(ErrorKind::Failed, "cannot start the runtime")?;
        runtime.block_on(self.execute(sink))
    }

    async fn execute(self, sink: impl HistorySink + 'static) -> Result<Ran> {
        let mut handler = MockHandler::new(self.mocks);
        if !self.buckets.is_empty() {
            handler = handler.objects(self.buckets);
        }
        let inputs = Arc::new(Mutex::default());
        let recording = Recording {
            mocks: handler.clone(),
            inputs: self.keeps_inputs.then(|| Arc::clone(&inputs)),
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
        Ok(Ran {
            ended,
            calls: handler.calls(),
            inputs: std::mem::take(&mut *inputs.lock().unwrap_or_else(PoisonError::into_inner)),
        })
    }
}

/// Keeps what tasks are called with, and lets the mocks answer.
struct Recording {
    mocks: MockHandler,
    inputs: Option<Arc<Mutex<Inputs>>>,
}

impl TaskHandler for Recording {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        if let Some(inputs) = &self.inputs {
            let mut inputs = inputs.lock().unwrap_or_else(PoisonError::into_inner);
            let of_state = inputs.entry(call.state.clone()).or_default();
            of_state.push(call.input.clone());
        }
        self.mocks.call(call)
    }
}
