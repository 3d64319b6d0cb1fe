//! The `ItemBatcher`, which puts several items into the input of one child execution.

use serde_json::{Map, Value};

use crate::definition::map;
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::Failure;
use crate::engine::map::map_limits::count;
use crate::payload_size::length;

/// Groups items into the inputs of child executions: `{"BatchInput": .., "Items": [..]}`.
pub(crate) fn batches(
    attempt: &Attempt<'_>,
    batcher: &map::ItemBatcher,
    input: &Value,
    items: Vec<Value>,
) -> Result<Vec<Value>, Failure> {
    let data = FieldData::of(input);
    let limit = |setting: &Option<_>| {
        setting
            .as_ref()
            .map(|setting| count(attempt, setting, data))
            .transpose()
    };
    let max_items = limit(&batcher.max_items)?
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let max_bytes = limit(&batcher.max_input_bytes)?
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let batch_input = match &batcher.batch_input {
        Some(batch_input) => Some(attempt.payload(batch_input, "BatchInput", data)?),
        None => None,
    };
    let build = |items: Vec<Value>| {
        let mut batch = Map::new();
        if let Some(batch_input) = &batch_input {
            batch.insert("BatchInput".to_owned(), batch_input.clone());
        }
        batch.insert("Items".to_owned(), Value::Array(items));
        Value::Object(batch)
    };
    let frame_bytes = length(&build(Vec::new()));
    let mut grouped = Vec::new();
    let mut current = Vec::new();
    let mut bytes = frame_bytes;
    for item in items {
        let item_bytes = length(&item) + 1;
        if !current.is_empty() && (current.len() >= max_items || bytes + item_bytes > max_bytes) {
            grouped.push(build(std::mem::take(&mut current)));
            bytes = frame_bytes;
        }
        bytes += item_bytes;
        current.push(item);
    }
    if !current.is_empty() {
        grouped.push(build(current));
    }
    Ok(grouped)
}
