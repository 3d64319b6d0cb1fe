//! Lines of states inside a state: the branches of a Parallel, the iterations of an inline Map.

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

/// The lines that run at once inside one state.
pub(crate) struct InnerFlows<'a>(FuturesUnordered<BoxFuture<'a, EndedFlow>>);

/// A line that came to its end.
pub(crate) struct EndedFlow {
    pub(crate) index: usize,
    pub(crate) output: Result<Value, Failure>,
    /// The last event of the line.
    pub(crate) last: u64,
}

/// A line that runs; dropping it records that it was given up, if it is an iteration.
struct RunningFlow<'a> {
    run: &'a Run,
    thread: FlowThread,
    index: usize,
    /// The Map state, for an iteration that has not ended.
    map: Option<&'a Arc<str>>,
}

impl<'a> InnerFlows<'a> {
    pub(crate) fn new() -> Self {
        Self(FuturesUnordered::new())
    }

    /// Starts a line; `map` names the Map state that it is an iteration of.
    pub(crate) fn start(
        &mut self,
        run: &'a Arc<Run>,
        flow: &'a Flow,
        input: Value,
        thread: FlowThread,
        index: usize,
        map: Option<&'a Arc<str>>,
    ) {
        let mut line = RunningFlow {
            run,
            thread,
            index,
            map,
        };
        self.0.push(Box::pin(async move {
            let output = run_flow(run, flow, input, &mut line.thread).await;
            line.map = None;
            EndedFlow {
                index,
                output: output.map(StateData::into_value),
                last: line.thread.last,
            }
        }));
    }

    /// Waits for the next line that ends.
    pub(crate) async fn next(&mut self) -> Option<EndedFlow> {
        self.0.next().await
    }

    /// Drops what still runs beside a line that failed, in the order in which it was started.
    ///
    /// What is recorded then is in an order that does not change from run to run.
    pub(crate) fn give_up(self) {
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

/// Names an iteration.
fn iteration(map: &Arc<str>, index: usize) -> Details {
    Details {
        name: Some(map.clone()),
        index: Some(index),
        ..Details::default()
    }
}
