//! The items of a Map that come from its input, and the input of an iteration.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::map::ItemSource;
use crate::definition::model::MapState;
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::execution::map_item::MapItem;
use crate::engine::failure::Failure;
use crate::engine::inspection_data::InspectedStep;
use crate::error::Error;

/// Returns the items that a Map takes from its input. The module `item_reader` reads the items of an `ItemReader`.
pub(crate) fn items(
    attempt: &Attempt<'_>,
    map: &MapState,
    input: &Value,
) -> Result<Vec<MapItem>, Failure> {
    let (value, place) = match &map.items {
        ItemSource::Input | ItemSource::Reader(_) => (input.clone(), "$"),
        ItemSource::Path(selector) => {
            let value = attempt.query(selector, input)?;
            let value = value.map_err(|error| missing_step(&error, input))?;
            (value, selector.text.as_str())
        }
        ItemSource::Items { text, items } => {
            let value = attempt.payload(items, "Items", FieldData::of(input))?;
            if !value.is_array() && !value.is_object() {
                let text = text.as_deref().unwrap_or_default();
                return Err(attempt.unexpected_type(text, "Items", "array", &value));
            }
            (value, "")
        }
    };
    if let (ItemSource::Path(_), Value::Array(_)) = (&map.items, &value) {
        attempt.inspect(InspectedStep::ItemsPath, &value);
    }
    match value {
        Value::Array(values) => Ok(numbered(values)),
        Value::Object(fields) if matches!(map.items, ItemSource::Items { .. }) => Ok(keyed(fields)),
        other => Err(match attempt.state.language {
            // AWS's text drops the first `$` of a path into the context object.
            QueryLanguage::JsonPath => attempt.runtime(&format!(
                "Reference path \"{}\" must point to array.",
                place
                    .strip_prefix('$')
                    .filter(|rest| rest.starts_with('$'))
                    .unwrap_or(place)
            )),
            QueryLanguage::Jsonata => attempt.evaluation(
                None,
                &format!("Map state input must be an array but was: {other}"),
            ),
        }),
    }
}

/// Builds the failure of an `ItemsPath` that finds nothing, which AWS words as a path step that does not apply to the
/// data. An error without a step is quoted whole.
fn missing_step(error: &Error, input: &Value) -> Failure {
    match error.path_step() {
        Some(step) => Failure::conflict(step, input),
        None => Failure::conflict(&error.to_string(), input),
    }
}

/// Returns an item for each value of an array, numbered from 0.
pub(crate) fn numbered(values: Vec<Value>) -> Vec<MapItem> {
    let item = |(index, value)| MapItem {
        index,
        key: None,
        value,
    };
    values.into_iter().enumerate().map(item).collect()
}

/// Returns an item for each field of an object, with the field's name as its key.
pub(crate) fn keyed(fields: serde_json::Map<String, Value>) -> Vec<MapItem> {
    let item = |(index, (key, value))| MapItem {
        index,
        key: Some(key),
        value,
    };
    fields.into_iter().enumerate().map(item).collect()
}

/// Builds an iteration's input: the value of `ItemSelector`, or the item itself if there is none.
pub(crate) fn select(
    attempt: &Attempt<'_>,
    map: &MapState,
    input: &Value,
    item: &MapItem,
) -> Result<Value, Failure> {
    match (&map.selector, &item.key) {
        (Some((field, selector)), _) => {
            attempt.payload_for_item(selector, field, FieldData::of(input), Some(item))
        }
        (None, Some(key)) => Ok(serde_json::json!({"Key": key, "Value": item.value})),
        (None, None) => Ok(item.value.clone()),
    }
}
