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
    pub(crate) handler: Arc<dyn TaskHandler>,
    pub(crate) sink: Option<Arc<dyn HistorySink>>,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) host: Mutex<Host>,
    pub(crate) names: ExecutionNames,
    pub(crate) event_limit: Option<u64>,
    pub(crate) inspection: Option<Inspection>,
    pub(crate) stop: Arc<StopSignal>,
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
    pub(crate) machine: String,
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

    pub(crate) fn transitions(&self) -> u64 {
        self.transitions.load(Ordering::Relaxed)
    }

    /// Draws a UUID.
    pub(crate) fn uuid(&self) -> String {
        self.randomness().random.uuid()
    }
}
