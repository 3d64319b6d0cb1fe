//! Replays a recorded execution, to find the order in which the simulated machine makes its calls.
//!
//! Mocked tasks take no time, so parallel iterations make their calls in another order than was recorded. The replay
//! answers each call with the answer of the recorded call whose input is most similar.

use chrono::{DateTime, Utc};
use drivetrain_statemachine::mocks::ReplayHandler;
use drivetrain_statemachine::{Engine, Machine, Outcome};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::mocks::from_history::Recorded;
use crate::machines::stand_ins::StandIns;

/// The result of a replay: the answers in their new order, or the state that made more calls than were recorded.
#[derive(Debug)]
pub enum Replayed {
    /// The machine made no more calls than were recorded; the handler has the answers in the order of the replayed
    /// calls.
    InOrder(ReplayHandler),
    /// The named state made more calls than were recorded: the machine has changed, or objects that it reads are
    /// missing.
    Diverged(String),
}

/// Replays a recorded execution in virtual time.
///
/// # Errors
/// `Usage` for a history without inputs and outputs, or with an input that AWS would refuse; `Failed` if the runtime
/// cannot start.
pub fn replay(
    recorded: &Recorded,
    machine: &Machine,
    name: &str,
    stand_ins: &StandIns,
) -> Result<Replayed> {
    let (first, _) = run(
        recorded,
        machine,
        name,
        recorded.replay_handler()?,
        stand_ins,
    )?;
    if matches!(first, Replayed::InOrder(_)) {
        return Ok(first);
    }
    // A branch may get further than recorded before a sibling fails. A second replay never answers such calls; it is
    // used if the execution ends as recorded.
    let handler = recorded.replay_handler()?.patient();
    let (second, outcome) = run(recorded, machine, name, handler, stand_ins)?;
    let is_same = outcome.is_some_and(|outcome| recorded.ended_as(&outcome));
    Ok(if is_same { second } else { first })
}

/// Executes the machine once with the answers of `handler`; the outcome is `None` if the replay diverged.
fn run(
    recorded: &Recorded,
    machine: &Machine,
    name: &str,
    handler: ReplayHandler,
    stand_ins: &StandIns,
) -> Result<(Replayed, Option<Outcome>)> {
    let start_time: DateTime<Utc> = recorded.start_time().unwrap_or_else(Utc::now);
    let tasks = stand_ins.clone().keeping_writes().router(handler.clone());
    let engine = Engine::new(tasks).start_time(start_time).machine_name(name);
    let execution = engine
        .start(machine, recorded.input()?)
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .context(
            ErrorKind::Failed,
            "cannot start the Tokio runtime that replays the history",
        )?;
    Ok(runtime.block_on(async {
        tokio::select! {
            biased;
            state = handler.diverged() => (Replayed::Diverged(state), None),
            outcome = execution.result() => (Replayed::InOrder(handler), Some(outcome)),
        }
    }))
}
