//! The Map state: its items, its limits, and its iterations where they are inline.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::fields::whole;
use crate::definition::map::{ItemSource, Map};
use crate::definition::selector::{Setting, SettingSource};
use crate::engine::failure::{Failure, FailureClass, names};
use crate::engine::flow::{Thread, run_inner};
use crate::engine::frame::{Data, Frame};
use crate::engine::history::{Details, EventType};
use crate::engine::inspection::{Mock, Step};
use crate::engine::item_batcher::batches;
use crate::engine::item_reader;
use crate::engine::map_run::{self, threshold_exceeded};
use crate::engine::run::Item;

/// How many inline iterations AWS runs at once, whatever the definition allows.
const INLINE_CONCURRENCY: usize = 40;

/// Runs the processor for every item.
pub(crate) async fn perform(
    frame: &Frame<'_>,
    thread: &mut Thread,
    map: &Map,
    input: &Value,
) -> Result<Value, Failure> {
    // Items that are still to be read are read later, and not counted, as AWS does.
    let items = match &map.items {
        ItemSource::Reader(_) => None,
        _ => Some(items(frame, map, input)?),
    };
    let max_concurrency = max_concurrency(frame, map, input)?;
    thread.last = frame
        .run
        .recorder
        .record(thread.last, EventType::MapStateStarted, || Details {
            length: Some(items.as_ref().map_or(0, Vec::len)),
            ..Details::default()
        })?;
    // AWS looks at what is tolerated only now, and numbers its failure as if the state had not started.
    let tolerance = tolerance(frame, map, input).inspect_err(|_| thread.last = frame.entered)?;
    match (frame.mock(), map.distributed, items) {
        (Some(mock), _, items) => {
            rehearse(frame, map, input, items).await?;
            mocked(mock, tolerance)
        }
        (None, None, Some(items)) => {
            inline(frame, thread, map, input, items, max_concurrency).await
        }
        (None, _, items) => {
            let limits = Limits {
                max_concurrency,
                tolerance,
            };
            map_run::perform(frame, thread, map, input, items, limits).await
        }
    }
}

/// Shows what the iterations of a tested state would get.
async fn rehearse(
    frame: &Frame<'_>,
    map: &Map,
    input: &Value,
    items: Option<Vec<Item>>,
) -> Result<(), Failure> {
    let given = frame
        .run
        .shared
        .inspection
        .as_ref()
        .is_some_and(|inspection| inspection.item_reader_data.is_some());
    let items = match (items, &map.items) {
        (Some(items), _) => items,
        (None, ItemSource::Reader(reader)) if given => {
            item_reader::read(frame, reader, input).await?
        }
        (None, _) => return Ok(()),
    };
    let mut inputs = Vec::with_capacity(items.len());
    for item in &items {
        inputs.push(select(frame, map, input, item)?);
    }
    if map.selector.is_some() {
        frame.inspect(Step::ItemSelector, &Value::Array(inputs.clone()));
    }
    if let Some(batcher) = &map.batcher {
        frame.inspect(
            Step::ItemBatcher,
            &Value::Array(batches(frame, batcher, input, inputs)?),
        );
    }
    Ok(())
}

/// Gives what a test of the state puts in the place of its iterations.
fn mocked(mock: &Mock, tolerance: Tolerance) -> Result<Value, Failure> {
    let result = mock.result.clone()?;
    let total = result.as_array().map_or(0, Vec::len);
    // As recorded, a test without thresholds tolerates everything.
    let has_threshold = tolerance.count.is_some() || tolerance.percentage.is_some();
    match mock.failed_iterations {
        Some(failed) if has_threshold && threshold_exceeded(tolerance, failed, total) => {
            Err(map_run::over_threshold())
        }
        _ => Ok(result),
    }
}

/// What a Map allows, its paths and expressions evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// 0 for no limit.
    pub(crate) max_concurrency: usize,
    pub(crate) tolerance: Tolerance,
}

/// How many failed items a Map Run takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tolerance {
    pub(crate) count: Option<usize>,
    pub(crate) percentage: Option<f64>,
}

/// Evaluates how many iterations may run at once, 0 for no limit.
fn max_concurrency(frame: &Frame<'_>, map: &Map, input: &Value) -> Result<usize, Failure> {
    let limit = match &map.max_concurrency {
        Some(setting) => count(frame, setting, Data::of(input))?,
        None => 0,
    };
    frame.inspect(Step::MaxConcurrency, &limit.into());
    Ok(limit)
}

fn tolerance(frame: &Frame<'_>, map: &Map, input: &Value) -> Result<Tolerance, Failure> {
    let mut tolerance = Tolerance::default();
    if let Some(setting) = &map.tolerated_failure_count {
        let count = count(frame, setting, Data::of(input))?;
        frame.inspect(Step::ToleratedFailureCount, &count.into());
        tolerance.count = Some(count);
    }
    if let Some(setting) = &map.tolerated_failure_percentage {
        let percentage = percentage(frame, setting, Data::of(input))?;
        frame.inspect(Step::ToleratedFailurePercentage, &percentage.into());
        tolerance.percentage = Some(percentage);
    }
    Ok(tolerance)
}

/// Reads a count; one that stands behind a path may be written as text.
pub(crate) fn count(
    frame: &Frame<'_>,
    setting: &Setting,
    data: Data<'_>,
) -> Result<usize, Failure> {
    let mut value = frame.setting(setting, data)?;
    if let (SettingSource::Path(_), Some(Ok(number))) =
        (&setting.source, value.as_str().map(str::parse::<i64>))
    {
        value = number.into();
    }
    let number = whole(&value).and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| {
        let name = setting.field.trim_end_matches("Path");
        match &setting.source {
            _ if value.as_i64().is_some_and(i64::is_negative) => frame.invalid(
                Some(setting.field),
                &format!("Expected non-negative integer for {name}, got '{value}' instead."),
            ),
            SettingSource::Jsonata { text, .. } => {
                frame.unexpected_type(text, setting.field, "integer", &value)
            }
            source => frame.runtime(&format!(
                "The {} field refers to value \"{}\" which is not a valid integer: {}",
                setting.field,
                bare(&value),
                path_text(source)
            )),
        }
    })
}

fn percentage(frame: &Frame<'_>, setting: &Setting, data: Data<'_>) -> Result<f64, Failure> {
    let value = frame.setting(setting, data)?;
    let number: Option<f64> = match (&setting.source, &value) {
        (SettingSource::Path(_), Value::String(text)) => text.parse().ok(),
        _ => value.as_f64(),
    };
    let Some(number) = number else {
        return Err(match &setting.source {
            SettingSource::Jsonata { text, .. } => {
                frame.unexpected_type(text, setting.field, "number", &value)
            }
            source => frame.runtime(&format!(
                "The {} field refers to value \"{}\" which is not a valid float: {}",
                setting.field,
                bare(&value),
                path_text(source)
            )),
        });
    };
    if (0.0..=100.0).contains(&number) {
        return Ok(number);
    }
    Err(frame.invalid(
        Some(setting.field),
        "ToleratedFailurePercentage must be between 0 and 100.",
    ))
}

fn path_text(source: &SettingSource) -> &str {
    match source {
        SettingSource::Path(selector) => &selector.text,
        SettingSource::Jsonata { text, .. } => text,
        SettingSource::Literal(_) => "",
    }
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Finds the items that stand in the data; those of an ItemReader are read elsewhere.
pub(crate) fn items(frame: &Frame<'_>, map: &Map, input: &Value) -> Result<Vec<Item>, Failure> {
    let (value, place) = match &map.items {
        ItemSource::Input | ItemSource::Reader(_) => (input.clone(), "$"),
        ItemSource::Path(selector) => {
            let value = frame.query(selector, input)?;
            let value = value.map_err(|error| missing_step(frame, &error.to_string(), input))?;
            (value, selector.text.as_str())
        }
        ItemSource::Items { text, items } => {
            let value = frame.payload(items, "Items", Data::of(input))?;
            if !value.is_array() && !value.is_object() {
                let text = text.as_deref().unwrap_or_default();
                return Err(frame.unexpected_type(text, "Items", "array", &value));
            }
            (value, "")
        }
    };
    if let (ItemSource::Path(_), Value::Array(_)) = (&map.items, &value) {
        frame.inspect(Step::ItemsPath, &value);
    }
    match value {
        Value::Array(values) => Ok(numbered(values)),
        Value::Object(fields) if matches!(map.items, ItemSource::Items { .. }) => {
            let items = fields
                .into_iter()
                .enumerate()
                .map(|(index, (key, value))| Item {
                    index,
                    key: Some(key),
                    value,
                });
            Ok(items.collect())
        }
        other => Err(match frame.state.language {
            // The context object's own `$` is not shown.
            QueryLanguage::JsonPath => frame.runtime(&format!(
                "Reference path \"{}\" must point to array.",
                place
                    .strip_prefix('$')
                    .filter(|rest| rest.starts_with('$'))
                    .unwrap_or(place)
            )),
            QueryLanguage::Jsonata => frame.evaluation(
                None,
                &format!("Map state input must be an array but was: {other}"),
            ),
        }),
    }
}

/// Builds the failure of an ItemsPath that leads nowhere, in AWS's words for a step that does not apply.
fn missing_step(frame: &Frame<'_>, reason: &str, input: &Value) -> Failure {
    let step = reason
        .rsplit_once("['")
        .and_then(|(_, rest)| rest.split_once("']"));
    let step = step.map_or(reason, |(step, _)| step);
    frame.failure(
        FailureClass::Ordinary,
        names::REFERENCE_PATH_CONFLICT,
        &format!("Unable to apply step \"{step}\" to input {input}"),
    )
}

pub(crate) fn numbered(values: Vec<Value>) -> Vec<Item> {
    let item = |(index, value)| Item {
        index,
        key: None,
        value,
    };
    values.into_iter().enumerate().map(item).collect()
}

/// Builds an iteration's input: what the selector makes of the item, or the item.
pub(crate) fn select(
    frame: &Frame<'_>,
    map: &Map,
    input: &Value,
    item: &Item,
) -> Result<Value, Failure> {
    match (&map.selector, &item.key) {
        (Some((field, selector)), _) => {
            frame.payload_for_item(selector, field, Data::of(input), Some(item))
        }
        (None, Some(key)) => Ok(serde_json::json!({"Key": key, "Value": item.value})),
        (None, None) => Ok(item.value.clone()),
    }
}

/// Runs the iterations inside this execution, as many at once as allowed, results in the order of the items.
async fn inline(
    frame: &Frame<'_>,
    thread: &mut Thread,
    map: &Map,
    input: &Value,
    items: Vec<Item>,
    max_concurrency: usize,
) -> Result<Value, Failure> {
    let run = frame.run;
    let name = &frame.state.name;
    let recorded = |index: usize| Details {
        name: Some(name.clone()),
        index: Some(index),
        ..Details::default()
    };
    let count = items.len();
    let mut outputs = vec![Value::Null; count];
    let mut waiting = VecDeque::from(items);
    let mut running = FuturesUnordered::new();
    let mut free = match max_concurrency {
        0 => INLINE_CONCURRENCY,
        limit => limit.min(INLINE_CONCURRENCY),
    };
    // Each iteration follows the event before the one that made room for it.
    let mut follows = thread.last;
    loop {
        while free > 0
            && let Some(item) = waiting.pop_front()
        {
            free -= 1;
            let input = select(frame, map, input, &item)?;
            let index = item.index;
            let started = run
                .recorder
                .record(follows, EventType::MapIterationStarted, || recorded(index))?;
            let mut own = Thread {
                last: started,
                variables: thread.variables.clone(),
                variable_bytes: thread.variable_bytes,
                item: Some(Arc::new(item)),
            };
            running.push(async move {
                let output = run_inner(run, &map.processor, input, &mut own).await;
                (index, output, own.last)
            });
        }
        let Some((index, output, last)) = running.next().await else {
            break;
        };
        follows = last;
        free += 1;
        match output {
            Ok(output) => {
                outputs[index] = output;
                thread.last =
                    run.recorder
                        .record(last, EventType::MapIterationSucceeded, || recorded(index))?;
            }
            Err(failure) => {
                run.recorder
                    .record(last, EventType::MapIterationFailed, || recorded(index))?;
                thread.last = last;
                return Err(failure.leaving());
            }
        }
    }
    run.record_plain(thread.last, EventType::MapStateSucceeded)?;
    Ok(Value::Array(outputs))
}
