//! One execution from its first event to its last.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::definition::model::Flow;
use crate::engine::clock::sleep;
use crate::engine::execution::execution_handle::{Outcome, Status};
use crate::engine::execution::execution_run::Run;
use crate::engine::failure::Failure;
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::{Details, EventType};
use crate::engine::run_flow::run_flow;
use crate::json_text::JsonText;

/// Runs a flow as an execution and records its start and its end; the execution times out after `limit`, if given.
pub(crate) async fn run_execution(
    run: &Arc<Run>,
    flow: &Flow,
    input: Value,
    limit: Option<Duration>,
) -> Outcome {
    let started_at = run.environment.clock.now();
    let mut thread = FlowThread::default();
    let role_arn = run.environment.names.role_arn.clone();
    let started = run
        .recorder
        .record(0, EventType::ExecutionStarted, || Details {
            input: Some(JsonText::of(&input)),
            role_arn,
            ..Details::default()
        });
    let time_out = || {
        let failure = Failure::timeout(false);
        run.recorder.close(0, EventType::ExecutionTimedOut, || {
            failure_details(&failure)
        });
    };
    let ended = match started {
        Ok(_) => with_time_limit(limit, run_flow(run, flow, input, &mut thread), time_out).await,
        Err(failure) => Some(Err(failure)),
    };
    let mut outcome = Outcome::of(run, started_at);
    match ended {
        Some(Ok(mut output)) => {
            run.recorder
                .close(thread.last, EventType::ExecutionSucceeded, || Details {
                    output: Some(output.lend_text()),
                    ..Details::default()
                });
            outcome.output = Some(output.into_value());
        }
        Some(Err(failure)) => {
            run.recorder
                .close(thread.last, EventType::ExecutionFailed, || {
                    failure_details(&failure)
                });
            outcome.status = Status::Failed;
            outcome.error = failure.error;
            outcome.cause = failure.cause;
        }
        // As on AWS, only the event has the error; the execution itself has none.
        None => outcome.status = Status::TimedOut,
    }
    outcome.stopped_at = run.environment.clock.now();
    outcome.events = run.recorder.count();
    outcome
}

/// Awaits the work for at most `limit`. If it takes longer, calls `time_out`, then drops the work and returns `None`.
async fn with_time_limit<T>(
    limit: Option<Duration>,
    work: impl Future<Output = T>,
    time_out: impl FnOnce(),
) -> Option<T> {
    let Some(limit) = limit else {
        return Some(work.await);
    };
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => Some(done),
        () = sleep(limit) => {
            time_out();
            None
        }
    }
}

/// Builds the details of an event that ends an execution without success.
fn failure_details(failure: &Failure) -> Details {
    Details {
        error: failure.error.clone(),
        cause: failure.cause.clone(),
        ..Details::default()
    }
}
