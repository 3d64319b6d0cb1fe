//! A recorded execution run again, to learn in which order its machine asks for answers.

use chrono::{DateTime, Utc};
use drivetrain_statemachine::mocks::ReplayHandler;
use drivetrain_statemachine::{Engine, Machine, Outcome};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::buckets::handler::Buckets;
use crate::machines::mocks::from_history::Recorded;
use crate::machines::task_routes::task_routes;

/// What became of running it again.
#[derive(Debug)]
pub enum Replayed {
    /// The answers are in the order of the calls.
    InOrder(ReplayHandler),
    /// This state called more often than it did: the machine is another one, or its objects are not there.
    Diverged(String),
}

/// Runs a recorded execution again, in virtual time.
///
/// # Errors
/// `Usage` for a history without its input or its data.
pub fn replay(
    recorded: &Recorded,
    machine: &Machine,
    name: &str,
    buckets: &Buckets,
) -> Result<Replayed> {
    let (first, _) = run(recorded, machine, name, recorded.replay_handler()?, buckets)?;
    if matches!(first, Replayed::InOrder(_)) {
        return Ok(first);
    }
    // A branch may have come further than it did before a failure beside it; then the end is still the same.
    let handler = recorded.replay_handler()?.patient();
    let (second, outcome) = run(recorded, machine, name, handler, buckets)?;
    let is_same = outcome.is_some_and(|outcome| recorded.ended_as(&outcome));
    Ok(if is_same { second } else { first })
}

fn run(
    recorded: &Recorded,
    machine: &Machine,
    name: &str,
    handler: ReplayHandler,
    buckets: &Buckets,
) -> Result<(Replayed, Option<Outcome>)> {
    let start_time: DateTime<Utc> = recorded.start_time().unwrap_or_else(Utc::now);
    let tasks = task_routes(handler.clone(), buckets.clone().keeping_writes());
    let engine = Engine::new(tasks).start_time(start_time).machine_name(name);
    let execution = engine
        .start(machine, recorded.input()?)
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .context(ErrorKind::Failed, "cannot start the runtime")?;
    Ok(runtime.block_on(async {
        tokio::select! {
            biased;
            state = handler.diverged() => (Replayed::Diverged(state), None),
            outcome = execution.result() => (Replayed::InOrder(handler), Some(outcome)),
        }
    }))
}
