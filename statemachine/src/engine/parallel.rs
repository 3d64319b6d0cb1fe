//! The Parallel state.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use crate::definition::model::Flow;
use crate::engine::failure::Failure;
use crate::engine::flow::{Thread, run_inner};
use crate::engine::frame::Frame;
use crate::engine::history::EventType;

/// Runs every branch at once and collects their outputs in the order of the branches.
///
/// The first failure ends the others.
pub(crate) async fn perform(
    frame: &Frame<'_>,
    thread: &mut Thread,
    branches: &[Flow],
    input: &Value,
) -> Result<Value, Failure> {
    let run = frame.run;
    thread.last = run.record_plain(thread.last, EventType::ParallelStateStarted)?;
    let mut running: FuturesUnordered<_> = branches
        .iter()
        .enumerate()
        .map(|(index, branch)| {
            let mut own = Thread {
                nested: true,
                ..thread.clone()
            };
            async move {
                let output = run_inner(run, branch, input.clone(), &mut own).await;
                (index, output, own.last)
            }
        })
        .collect();
    let mut outputs = vec![Value::Null; branches.len()];
    while let Some((index, output, last)) = running.next().await {
        thread.last = last;
        outputs[index] = output.map_err(Failure::leaving)?;
    }
    run.record_plain(thread.last, EventType::ParallelStateSucceeded)?;
    Ok(Value::Array(outputs))
}
