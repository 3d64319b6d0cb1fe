//! Everything that an execution shares with the child executions of its distributed Maps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::clock::Clock;
use crate::engine::history::history_sink::HistorySink;
use crate::engine::inspection_data::Inspection;
use crate::engine::port::task_handler::TaskHandler;
use crate::engine::port::task_tokens::Tokens;
use crate::engine::stop_request::StopSignal;
use crate::scope::Host;

/// The number of transitions after which the engine yields, so that a stop works even in an endless loop.
const TRANSITIONS_PER_YIELD: u64 = 500;

/// Everything that an execution shares with the child executions of its distributed Maps.
pub(crate) struct Environment {
    /// The handler of all calls, those that Maps make for their objects included.
    pub(crate) handler: Arc<dyn TaskHandler>,
    /// The receiver of all events; `None` if no history is kept.
    pub(crate) sink: Option<Arc<dyn HistorySink>>,
    /// The clock, which child executions share, so that their dates agree.
    pub(crate) clock: Clock,
    /// The tokens of waiting tasks.
    pub(crate) tokens: Tokens,
    /// The date and the random numbers that evaluations read.
    pub(crate) host: Mutex<Host>,
    /// The names that ARNs and the context object show.
    pub(crate) names: ExecutionNames,
    /// The number of events at which each execution fails; `None` for no limit.
    pub(crate) event_limit: Option<u64>,
    /// The record of the data's path in the test of a state; `None` in executions.
    pub(crate) inspection: Option<Inspection>,
    /// The signal that stops the execution.
    pub(crate) stop: Arc<StopSignal>,
    /// The number of transitions so far, those of child executions included.
    transitions: AtomicU64,
}

/// The region of every execution: nothing here runs in a real one.
pub(crate) const REGION: &str = "us-east-1";

/// The beginning of every ARN of Step Functions, with the region and an account that exists nowhere.
pub(crate) const ARN_PREFIX: &str = "arn:aws:states:us-east-1:111111111111";

/// The role of an execution unless its caller names one.
pub(crate) const ROLE_ARN: &str = "arn:aws:iam::111111111111:role/StepFunctionsRole";

/// The names that the ARNs and the context object of an execution show.
#[derive(Debug, Clone)]
pub(crate) struct ExecutionNames {
    /// The machine's name.
    pub(crate) machine: String,
    /// The ARN of the role; `None` only in the test of a state without a role.
    pub(crate) role_arn: Option<String>,
}

impl Environment {
    /// Creates the environment of an execution that has not started.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call, from the engine's builder, names each part once"
    )]
    pub(crate) fn new(
        handler: Arc<dyn TaskHandler>,
        sink: Option<Arc<dyn HistorySink>>,
        clock: Clock,
        tokens: Tokens,
        host: Host,
        names: ExecutionNames,
        event_limit: Option<u64>,
        inspection: Option<Inspection>,
    ) -> Self {
        Self {
            handler,
            sink,
            clock,
            tokens,
            host: Mutex::new(host),
            names,
            event_limit,
            inspection,
            stop: Arc::default(),
            transitions: AtomicU64::new(0),
        }
    }

    /// Returns the clock and the random numbers for one evaluation.
    pub(crate) fn host(&self) -> MutexGuard<'_, Host> {
        let mut host = self.randomness();
        host.now = self.clock.now();
        host
    }

    /// Returns the host without updating its clock, for evaluations that never read the time.
    pub(crate) fn randomness(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a transition; returns `true` every time the engine should yield.
    pub(crate) fn transition(&self) -> bool {
        self.transitions.fetch_add(1, Ordering::Relaxed) % TRANSITIONS_PER_YIELD
            == TRANSITIONS_PER_YIELD - 1
    }

    /// Returns the number of transitions so far, those of child executions included.
    pub(crate) fn transitions(&self) -> u64 {
        self.transitions.load(Ordering::Relaxed)
    }

    /// Draws a UUID.
    pub(crate) fn uuid(&self) -> String {
        self.randomness().random.uuid()
    }
}
