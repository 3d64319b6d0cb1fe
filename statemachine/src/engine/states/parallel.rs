//! The Parallel state.

use serde_json::Value;

use crate::definition::model::Flow;
use crate::engine::attempt::Attempt;
use crate::engine::failure::Failure;
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::EventType;
use crate::engine::inner_flows::InnerFlows;

/// Runs all branches concurrently and returns their outputs in the order of the branches.
///
/// The first failure aborts the other branches.
pub(crate) async fn perform(
    attempt: &Attempt<'_>,
    thread: &mut FlowThread,
    branches: &[Flow],
    input: &Value,
) -> Result<Value, Failure> {
    let run = attempt.run;
    thread.last = run.record_plain(thread.last, EventType::ParallelStateStarted)?;
    let mut flows = InnerFlows::new();
    for (index, branch) in branches.iter().enumerate() {
        let own = FlowThread {
            nested: true,
            ..thread.clone()
        };
        flows.start(run, branch, input.clone(), own, index, None);
    }
    let mut outputs = vec![Value::Null; branches.len()];
    while let Some(ended) = flows.next().await {
        thread.last = ended.last;
        match ended.output {
            Ok(output) => outputs[ended.index] = output,
            Err(failure) => {
                flows.abort_all();
                return Err(failure.leaving());
            }
        }
    }
    thread.inner_success = Some(run.record_plain(thread.last, EventType::ParallelStateSucceeded)?);
    Ok(Value::Array(outputs))
}
