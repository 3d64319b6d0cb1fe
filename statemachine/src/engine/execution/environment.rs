//! The environment of an execution: its handler, sink, clock, tokens, random numbers and limits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::clock::Clock;
use crate::engine::history::history_sink::HistorySink;
use crate::engine::inspection_data::Inspection;
use crate::engine::port::task_handler::TaskHandler;
use crate::engine::port::task_tokens::Tokens;
use crate::engine::stop_signal::StopSignal;
use crate::scope::Host;

/// The number of transitions after which the engine yields to the runtime, so that a stop works even in an endless
/// loop.
const TRANSITIONS_PER_YIELD: u64 = 500;

/// Everything that an execution shares with the child executions of its distributed Maps.
pub(crate) struct Environment {
    /// The handler of all calls: those of tasks, and those of Maps that read items or write results.
    pub(crate) handler: Arc<dyn TaskHandler>,
    /// The receiver of all events; `None` if no history is kept.
    pub(crate) sink: Option<Arc<dyn HistorySink>>,
    /// The clock; child executions share it, so that their dates agree.
    pub(crate) clock: Clock,
    /// The tokens through which workers answer waiting tasks.
    pub(crate) tokens: Tokens,
    /// The date and the random numbers that evaluations read.
    pub(crate) host: Mutex<Host>,
    /// The names that ARNs and the context object show.
    pub(crate) names: ExecutionNames,
    /// The number of events at which each execution fails; `None` for no limit.
    pub(crate) event_limit: Option<u64>,
    /// The recorded steps and the mock in the test of a state; `None` in executions.
    pub(crate) inspection: Option<Inspection>,
    /// The signal that stops the execution together with its child executions.
    pub(crate) stop: Arc<StopSignal>,
    /// The number of states entered so far, in this execution and its child executions.
    transitions: AtomicU64,
}

/// The region that ARNs and events show; it is made up, because no execution runs in a real one.
pub(crate) const REGION: &str = "us-east-1";

/// The beginning of every ARN that the engine builds, with the region and a made-up account number.
pub(crate) const ARN_PREFIX: &str = "arn:aws:states:us-east-1:111111111111";

/// The ARN of the role that every execution shows; only the test of a state can show another one.
pub(crate) const ROLE_ARN: &str = "arn:aws:iam::111111111111:role/StepFunctionsRole";

/// The machine's name and the role, which the ARNs and the context object of an execution show.
#[derive(Debug, Clone)]
pub(crate) struct ExecutionNames {
    /// The machine's name, the last part of its ARN.
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

    /// Sets the host's date to now, and returns the locked host for one evaluation.
    pub(crate) fn host(&self) -> MutexGuard<'_, Host> {
        let mut host = self.randomness();
        host.now = self.clock.now();
        host
    }

    /// Returns the locked host without updating its date, for evaluations that never read the time.
    pub(crate) fn randomness(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the entry of a state; returns `true` if the engine should now yield to the runtime.
    pub(crate) fn transition(&self) -> bool {
        self.transitions.fetch_add(1, Ordering::Relaxed) % TRANSITIONS_PER_YIELD
            == TRANSITIONS_PER_YIELD - 1
    }

    /// Returns the number of states entered so far, in this execution and its child executions.
    pub(crate) fn transitions(&self) -> u64 {
        self.transitions.load(Ordering::Relaxed)
    }

    /// Returns a UUID made of the next random numbers, which follow from the seed.
    pub(crate) fn uuid(&self) -> String {
        self.randomness().random.uuid()
    }
}
