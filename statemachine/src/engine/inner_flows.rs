//! Flows inside a state: the branches of a Parallel, the iterations of an inline Map.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use crate::definition::model::Flow;
use crate::engine::execution::execution_run::Run;
use crate::engine::failure::Failure;
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::{Details, EventType};
use crate::engine::run_flow::run_flow;
use crate::engine::state_data::StateData;

/// The flows that run concurrently inside one state.
pub(crate) struct InnerFlows<'a>(FuturesUnordered<BoxFuture<'a, EndedFlow>>);

/// The result of a branch or an iteration that has ended.
pub(crate) struct EndedFlow {
    /// The number of the branch or iteration, from 0.
    pub(crate) index: usize,
    /// The output, or the failure that ended the flow.
    pub(crate) output: Result<Value, Failure>,
    /// The number of the last event of the flow's thread.
    pub(crate) last: u64,
}

/// A branch or an iteration in progress; dropping an iteration before its end records that it was aborted.
struct RunningFlow<'a> {
    /// The execution that the flow is part of.
    run: &'a Run,
    /// The thread of the flow, with its last event and its variables.
    thread: FlowThread,
    /// The number of the branch or iteration, from 0.
    index: usize,
    /// The name of the Map state; `None` for a branch, or once the iteration has ended.
    map: Option<&'a Arc<str>>,
}

impl<'a> InnerFlows<'a> {
    /// Creates an empty set of flows.
    pub(crate) fn new() -> Self {
        Self(FuturesUnordered::new())
    }

    /// Adds a flow, which runs while [`next`](Self::next) is awaited. `map` is the name of the Map state if the flow is
    /// an iteration.
    pub(crate) fn start(
        &mut self,
        run: &'a Arc<Run>,
        flow: &'a Flow,
        input: Value,
        thread: FlowThread,
        index: usize,
        map: Option<&'a Arc<str>>,
    ) {
        let mut running = RunningFlow {
            run,
            thread,
            index,
            map,
        };
        self.0.push(Box::pin(async move {
            let output = run_flow(run, flow, input, &mut running.thread).await;
            running.map = None;
            EndedFlow {
                index,
                output: output.map(StateData::into_value),
                last: running.thread.last,
            }
        }));
    }

    /// Waits for the next flow that ends; `None` if none is left.
    pub(crate) async fn next(&mut self) -> Option<EndedFlow> {
        self.0.next().await
    }

    /// Drops the flows that still run after one has failed, in the order in which they were started.
    ///
    /// The fixed order makes the events of aborted iterations the same in every run.
    pub(crate) fn abort_all(self) {
        let mut left: Vec<_> = self.0.into_iter().collect();
        while let Some(oldest) = left.pop() {
            drop(oldest);
        }
    }
}

impl Drop for RunningFlow<'_> {
    fn drop(&mut self) {
        if let Some(map) = self.map {
            self.run
                .recorder
                .abort(self.thread.last, EventType::MapIterationAborted, || {
                    iteration(map, self.index)
                });
        }
    }
}

/// Builds the details of an iteration's event: the name of the Map state and the number of the iteration.
fn iteration(map: &Arc<str>, index: usize) -> Details {
    Details {
        name: Some(map.clone()),
        index: Some(index),
        ..Details::default()
    }
}
