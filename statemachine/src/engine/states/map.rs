//! The Map state, and the iterations of an inline Map.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::definition::map::ItemSource;
use crate::definition::model::MapState;
use crate::engine::attempt::Attempt;
use crate::engine::execution::map_item::MapItem;
use crate::engine::failure::{Failure, FailureClass};
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::{Details, EventType};
use crate::engine::inner_flows::{EndedFlow, InnerFlows};
use crate::engine::inspection_data::{InspectedStep, MockedResult};
use crate::engine::map::item_batcher::batches;
use crate::engine::map::item_reader;
use crate::engine::map::map_items::{items, select};
use crate::engine::map::map_limits::{
    MapLimits, Tolerance, max_concurrency, over_threshold, threshold_exceeded, tolerance,
};
use crate::engine::states::map_run;

/// The most inline iterations that AWS runs at once, whatever the definition allows.
const INLINE_CONCURRENCY: usize = 40;

/// Runs the processor for every item and returns the state's result, or applies the mock of a test.
pub(crate) async fn perform(
    attempt: &Attempt<'_>,
    thread: &mut FlowThread,
    map: &MapState,
    input: &Value,
) -> Result<Value, Failure> {
    // As on AWS, an ItemReader's items are read later and not counted here.
    let items = match &map.items {
        ItemSource::Reader(reader) => {
            item_reader::check(attempt, reader, input)?;
            None
        }
        _ => Some(items(attempt, map, input)?),
    };
    let max_concurrency = max_concurrency(attempt, map, input)?;
    thread.last = attempt
        .run
        .recorder
        .record(thread.last, EventType::MapStateStarted, || Details {
            length: Some(items.as_ref().map_or(0, Vec::len)),
            ..Details::default()
        })?;
    // AWS evaluates the tolerance only now. If that fails, the next event follows the state's entry, not its start.
    let tolerance =
        tolerance(attempt, map, input).inspect_err(|_| thread.last = attempt.entered)?;
    match (attempt.mock(), map.distributed, items) {
        (Some(mock), _, items) => {
            rehearse(attempt, map, input, items).await?;
            mocked(mock, tolerance)
        }
        (None, None, Some(items)) => {
            inline(attempt, thread, map, input, items, max_concurrency).await
        }
        (None, _, items) => {
            let limits = MapLimits {
                max_concurrency,
                tolerance,
            };
            map_run::perform(attempt, thread, map, input, items, limits).await
        }
    }
}

/// Records the inputs that the iterations would get, for the test of a Map state with a mock.
async fn rehearse(
    attempt: &Attempt<'_>,
    map: &MapState,
    input: &Value,
    items: Option<Vec<MapItem>>,
) -> Result<(), Failure> {
    let given = attempt
        .run
        .environment
        .inspection
        .as_ref()
        .is_some_and(|inspection| inspection.item_reader_data.is_some());
    let items = match (items, &map.items) {
        (Some(items), _) => items,
        (None, ItemSource::Reader(reader)) if given => {
            item_reader::read(attempt, reader, input).await?
        }
        (None, _) => return Ok(()),
    };
    let mut inputs = Vec::with_capacity(items.len());
    for item in &items {
        inputs.push(select(attempt, map, input, item)?);
    }
    if map.selector.is_some() {
        attempt.inspect(InspectedStep::ItemSelector, &Value::Array(inputs.clone()));
    }
    if let Some(batcher) = &map.batcher {
        attempt.inspect(
            InspectedStep::ItemBatcher,
            &Value::Array(batches(attempt, batcher, input, inputs)?),
        );
    }
    Ok(())
}

/// Returns the mocked result of a tested Map; fails if the mock is a failure or too many iterations failed.
fn mocked(mock: &MockedResult, tolerance: Tolerance) -> Result<Value, Failure> {
    let result = mock.result.clone()?;
    let total = result.as_array().map_or(0, Vec::len);
    // As recorded, a test without thresholds tolerates everything.
    let has_threshold = tolerance.count.is_some() || tolerance.percentage.is_some();
    match mock.failed_iterations {
        Some(failed) if has_threshold && threshold_exceeded(tolerance, failed, total) => {
            Err(over_threshold())
        }
        _ => Ok(result),
    }
}

/// Runs the iterations inside this execution, as many at once as allowed, and returns their outputs in the order of the
/// items.
async fn inline(
    attempt: &Attempt<'_>,
    thread: &mut FlowThread,
    map: &MapState,
    input: &Value,
    items: Vec<MapItem>,
    max_concurrency: usize,
) -> Result<Value, Failure> {
    let run = attempt.run;
    let name = &attempt.state.shared_name;
    let count = items.len();
    let mut outputs = vec![Value::Null; count];
    let mut waiting = VecDeque::from(items);
    let mut flows = InnerFlows::new();
    let mut free = match max_concurrency {
        0 => INLINE_CONCURRENCY,
        limit => limit.min(INLINE_CONCURRENCY),
    };
    // The first event of an iteration that starts later follows the last event inside the iteration that ended before
    // it.
    let mut follows = thread.last;
    loop {
        while free > 0
            && let Some(item) = waiting.pop_front()
        {
            free -= 1;
            let input = select(attempt, map, input, &item)?;
            let index = item.index;
            let event = EventType::MapIterationStarted;
            let started = run.recorder.record_iteration(follows, event, name, index)?;
            let own = FlowThread {
                last: started,
                variables: thread.variables.clone(),
                variable_bytes: thread.variable_bytes,
                item: Some(Arc::new(item)),
                left_at: None,
                nested: true,
                inner_success: None,
            };
            flows.start(run, &map.processor, input, own, index, Some(name));
        }
        let Some(EndedFlow {
            index,
            output,
            last,
        }) = flows.next().await
        else {
            break;
        };
        follows = last;
        free += 1;
        match output {
            Ok(output) => {
                outputs[index] = output;
                let event = EventType::MapIterationSucceeded;
                thread.last = run.recorder.record_iteration(last, event, name, index)?;
            }
            Err(failure) => {
                if failure.class != FailureClass::Runtime {
                    let event = EventType::MapIterationFailed;
                    run.recorder.record_iteration(last, event, name, index)?;
                }
                thread.last = last;
                flows.abort_all();
                return Err(failure.leaving());
            }
        }
    }
    thread.inner_success = Some(run.record_plain(thread.last, EventType::MapStateSucceeded)?);
    Ok(Value::Array(outputs))
}
