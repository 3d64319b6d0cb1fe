//! The distributed Map: a Map Run, whose iterations are child executions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde_json::Value;

use crate::definition::map::{Distribution, ItemSource};
use crate::definition::model::MapState;
use crate::engine::attempt::Attempt;
use crate::engine::execution::environment::ARN_PREFIX;
use crate::engine::execution::execution_handle::{Outcome, Status};
use crate::engine::execution::execution_run::Run;
use crate::engine::execution::map_item::MapItem;
use crate::engine::failure::Failure;
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::{Details, EventType};
use crate::engine::map::child_executions::{ChildExecution, ChildExecutions};
use crate::engine::map::item_batcher::batches;
use crate::engine::map::map_items::select;
use crate::engine::map::map_limits::{MapLimits, over_threshold, threshold_exceeded};
use crate::engine::map::{item_reader, result_writer};
use crate::engine::run_execution::run_execution;

/// The most child executions that AWS runs at once.
const DISTRIBUTED_CONCURRENCY: usize = 10_000;

/// The time limit of an EXPRESS execution.
pub(crate) const EXPRESS_LIMIT: Duration = Duration::from_mins(5);

/// Runs the processor for every item or batch of items as a child execution.
///
/// `known` is `None` if an `ItemReader` has yet to read the items.
pub(crate) async fn perform(
    attempt: &Attempt<'_>,
    thread: &mut FlowThread,
    map: &MapState,
    input: &Value,
    known: Option<Vec<MapItem>>,
    limits: MapLimits,
) -> Result<Value, Failure> {
    let run = attempt.run;
    let environment = &run.environment;
    let label = map
        .label
        .clone()
        .unwrap_or_else(|| attempt.state.name.clone());
    let arn = format!(
        "{ARN_PREFIX}:mapRun:{}/{label}:{}",
        environment.names.machine,
        environment.uuid()
    );
    thread.last = run
        .recorder
        .record(thread.last, EventType::MapRunStarted, || Details {
            map_run_arn: Some(arn.clone()),
            ..Details::default()
        })?;
    let mut open = OpenMapRun {
        run,
        thread,
        running: true,
    };
    let ended = map_run(attempt, map, input, known, limits, &label, &arn).await;
    open.running = false;
    drop(open);
    match ended {
        Ok(output) => {
            // The next event follows `MapRunStarted`, as in recordings after 2024; in older ones it follows
            // `MapRunSucceeded`.
            let succeeded = run.record_plain(thread.last, EventType::MapRunSucceeded)?;
            thread.inner_success = Some(run.record_plain(succeeded, EventType::MapStateSucceeded)?);
            Ok(output)
        }
        Err(failure) => {
            thread.last = run
                .recorder
                .record(thread.last, EventType::MapRunFailed, || Details {
                    error: failure.error.clone(),
                    cause: failure.cause.clone(),
                    ..Details::default()
                })?;
            Err(failure)
        }
    }
}

/// A Map Run in progress; dropping it in a branch or an iteration records that it was aborted.
struct OpenMapRun<'a> {
    /// The execution to which the Map Run belongs.
    run: &'a Run,
    /// The thread that waits for the Map Run.
    thread: &'a FlowThread,
    /// `true` until the Map Run has ended.
    running: bool,
}

impl Drop for OpenMapRun<'_> {
    fn drop(&mut self) {
        if self.running && self.thread.nested {
            self.run
                .recorder
                .abort(self.thread.last, EventType::MapRunAborted, Details::default);
        }
    }
}

/// The child execution of one item or batch; dropping it records that the child was aborted, unless it has ended.
struct OpenExecution(Arc<Run>);

impl Drop for OpenExecution {
    fn drop(&mut self) {
        self.0
            .recorder
            .close(0, EventType::ExecutionAborted, Details::default);
    }
}

/// Reads the items unless they are known, runs their child executions and exports the results.
async fn map_run(
    attempt: &Attempt<'_>,
    map: &MapState,
    input: &Value,
    known: Option<Vec<MapItem>>,
    limits: MapLimits,
    label: &str,
    arn: &str,
) -> Result<Value, Failure> {
    let items = match (known, &map.items) {
        (Some(items), _) => items,
        (None, ItemSource::Reader(reader)) => item_reader::read(attempt, reader, input).await?,
        (None, _) => Vec::new(),
    };
    let selected = items
        .iter()
        .map(|item| select(attempt, map, input, item))
        .collect::<Result<Vec<Value>, Failure>>()?;
    let inputs = match &map.batcher {
        Some(batcher) => batches(attempt, batcher, input, selected)?,
        None => selected,
    };
    let children = run_children(attempt, map, inputs, limits, label).await;
    let exceeded = children.exceeded;
    // The results are exported even if more items failed than tolerated.
    let output = match &map.writer {
        Some(writer) => {
            let results = result_writer::MapRunResults {
                map_run: arn,
                label,
                children: &children,
            };
            result_writer::write(attempt, writer, input, results).await
        }
        None => Ok(Value::Array(outputs(children.ended))),
    };
    if exceeded {
        return Err(over_threshold());
    }
    output
}

/// Returns the outputs of the children that succeeded, in the order of their items.
fn outputs(children: Vec<ChildExecution>) -> Vec<Value> {
    children
        .into_iter()
        .filter(|child| child.outcome.status == Status::Succeeded)
        .filter_map(|child| child.outcome.output)
        .collect()
}

/// Runs child executions in the order of their items, as many at once as allowed, until more have failed than
/// tolerated.
async fn run_children(
    attempt: &Attempt<'_>,
    map: &MapState,
    inputs: Vec<Value>,
    limits: MapLimits,
    label: &str,
) -> ChildExecutions {
    let total = inputs.len();
    let started: Mutex<BTreeMap<usize, RunningChild>> = Mutex::default();
    let running = || started.lock().unwrap_or_else(PoisonError::into_inner);
    let (items, running) = (&inputs, &running);
    let express = map
        .distributed
        .is_some_and(|Distribution { express }| express);
    let concurrency = match limits.max_concurrency {
        0 => DISTRIBUTED_CONCURRENCY,
        limit => limit.min(DISTRIBUTED_CONCURRENCY),
    };
    let mut finished = futures::stream::iter(0..total)
        .map(|index| async move {
            let input = &items[index];
            let run = Run::of_item(attempt.run.environment.clone(), label, express, input);
            let child = OpenExecution(Arc::new(run));
            let limit = express.then_some(EXPRESS_LIMIT);
            let begun = RunningChild {
                run: child.0.clone(),
                at: attempt.run.environment.clock.now(),
            };
            running().insert(index, begun);
            let outcome = Box::pin(run_execution(
                &child.0,
                &map.processor,
                input.clone(),
                limit,
            ))
            .await;
            running().remove(&index);
            (index, child.0.recorder.execution().clone(), outcome)
        })
        .buffer_unordered(concurrency);
    let mut children: Vec<Option<(Arc<str>, Outcome)>> =
        std::iter::repeat_with(|| None).take(total).collect();
    let mut failed = 0;
    let mut exceeded = false;
    while !exceeded && let Some((index, execution, outcome)) = finished.next().await {
        failed += usize::from(outcome.status != Status::Succeeded);
        exceeded = threshold_exceeded(limits.tolerance, failed, total);
        children[index] = Some((execution, outcome));
    }
    // This stops the executions in flight.
    drop(finished);
    for (index, RunningChild { run, at }) in std::mem::take(&mut *running()) {
        let outcome = Outcome {
            status: Status::Aborted,
            ..Outcome::of(&run, at)
        };
        children[index] = Some((run.recorder.execution().clone(), outcome));
    }
    let mut ended = Vec::with_capacity(total);
    let mut pending = Vec::new();
    for (input, child) in inputs.into_iter().zip(children) {
        match child {
            Some((execution, outcome)) => ended.push(ChildExecution {
                input,
                execution,
                outcome,
            }),
            None => pending.push(input),
        }
    }
    ChildExecutions {
        ended,
        pending,
        exceeded,
    }
}

/// A child execution that has not ended, and the time of its start.
struct RunningChild {
    /// The child execution, which provides the ARN and the number of events if it is stopped.
    run: Arc<Run>,
    /// The time at which the child execution started.
    at: DateTime<Utc>,
}
