//! The `ItemReader`, which reads items from objects in S3.

use futures::StreamExt;
use serde_json::{Map, Value, json};

use crate::definition::map::{HeaderLocation, InputType, ItemReader, ManifestType};
use crate::definition::{QueryLanguage, Resource, ResourceKind};
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::execution::map_item::MapItem;
use crate::engine::failure::Failure;
use crate::engine::inspection_data::InspectedStep;
use crate::engine::map::csv_rows::{self, CsvRows};
use crate::engine::map::map_items::{keyed, numbered};
use crate::engine::map::map_limits::integer;
use crate::engine::map::object_body::{byte_stream, read_all};
use crate::engine::map::object_call::{ObjectCall, call};
use crate::engine::port::task_handler::TaskOutput;

/// The ARN of the resource that reads one object from S3.
const GET_OBJECT: &str = "arn:aws:states:::s3:getObject";

/// Fails if `MaxItems` is not a whole number, which AWS checks before the Map starts.
pub(crate) fn check(
    attempt: &Attempt<'_>,
    reader: &ItemReader,
    input: &Value,
) -> Result<(), Failure> {
    match &reader.max_items {
        Some(setting) => integer(attempt, setting, FieldData::of(input)).map(drop),
        None => Ok(()),
    }
}

/// Reads the items, at most `MaxItems` of them.
pub(crate) async fn read(
    attempt: &Attempt<'_>,
    reader: &ItemReader,
    input: &Value,
) -> Result<Vec<MapItem>, Failure> {
    let data = FieldData::of(input);
    let parameters = match &reader.parameters {
        Some(parameters) => attempt.payload(parameters, field(attempt), data)?,
        None => Value::Object(Map::new()),
    };
    let max_items = match &reader.max_items {
        Some(setting) => {
            usize::try_from(integer(attempt, setting, data)?).map_err(|_negative| {
                Failure::item_reader("field MaxItems must be positive".to_owned())
            })?
        }
        None => 0,
    };
    // Zero means no limit, as recorded.
    let limit = if max_items == 0 {
        usize::MAX
    } else {
        max_items
    };
    let lists = matches!(reader.resource.kind(), ResourceKind::Integration { call, .. } if call == "listObjectsV2");
    let source = ObjectReader {
        attempt,
        reader,
        limit,
    };
    let given = attempt
        .run
        .environment
        .inspection
        .as_ref()
        .and_then(|inspection| inspection.item_reader_data.clone());
    let mut items = if let Some(data) = given {
        source
            .decode(TaskOutput::object(data), reader.input_type)
            .await?
    } else if lists {
        source.objects(parameters).await?
    } else {
        let object = source.get(&reader.resource, parameters.clone()).await?;
        match reader.manifest_type {
            Some(ManifestType::Inventory) => source.inventory(&parameters, object).await?,
            Some(ManifestType::Athena) => source.athena(object).await?,
            None => source.decode(object, reader.input_type).await?,
        }
    };
    items.truncate(limit);
    for (index, item) in items.iter_mut().enumerate() {
        item.index = index;
    }
    Ok(items)
}

/// Returns the name of the field that holds the request's parameters, for the messages of its failures.
fn field(attempt: &Attempt<'_>) -> &'static str {
    match attempt.state.language {
        QueryLanguage::JsonPath => "ItemReader/Parameters",
        QueryLanguage::Jsonata => "ItemReader/Arguments",
    }
}

/// The reader of one Map's items.
struct ObjectReader<'f, 'a> {
    /// The attempt of the Map state.
    attempt: &'f Attempt<'a>,
    /// The parsed `ItemReader` field of the Map state.
    reader: &'f ItemReader,
    /// The most items to read; `usize::MAX` for no limit.
    limit: usize,
}

impl ObjectReader<'_, '_> {
    /// Calls a resource and returns its output. If the call fails, the ItemReader fails with the cause of the call.
    async fn get(&self, resource: &Resource, parameters: Value) -> Result<TaskOutput, Failure> {
        let request = ObjectCall {
            resource: resource.clone(),
            input: parameters,
            body: None,
        };
        call(self.attempt, request).await.map_err(|error| {
            Failure::item_reader(error.cause.or(error.error).unwrap_or_else(|| {
                format!("The call of '{}' failed without a cause.", resource.arn())
            }))
        })
    }

    /// Lists objects page by page. Each entry becomes an item. If `Transformation` is `LOAD_AND_FLATTEN`, the items in
    /// each listed object replace the entry of that object.
    async fn objects(&self, parameters: Value) -> Result<Vec<MapItem>, Failure> {
        let mut items = Vec::new();
        let mut request = parameters.clone();
        while items.len() < self.limit {
            let page = self
                .get(&self.reader.resource, request.clone())
                .await?
                .value;
            let entries = page
                .get("Contents")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            if self.reader.loads_objects {
                for entry in entries {
                    let object =
                        json!({"Bucket": parameters.get("Bucket"), "Key": entry.get("Key")});
                    let object = self.get(&Resource::parse(GET_OBJECT), object).await?;
                    items.extend(self.decode(object, self.reader.input_type).await?);
                    if items.len() >= self.limit {
                        break;
                    }
                }
            } else {
                items.extend(numbered(entries.into_iter().map(listed).collect()));
            }
            match (page.get("NextContinuationToken"), &mut request) {
                (Some(token), Value::Object(fields)) if !token.is_null() => {
                    fields.insert("ContinuationToken".to_owned(), token.clone());
                }
                _ => break,
            }
        }
        Ok(items)
    }

    /// Decodes the items of an object in the given format, by default JSON.
    async fn decode(
        &self,
        object: TaskOutput,
        input_type: Option<InputType>,
    ) -> Result<Vec<MapItem>, Failure> {
        match input_type {
            Some(InputType::Csv) => self.csv(object).await.map(numbered),
            Some(InputType::JsonLines) => self.json_lines(object).await.map(numbered),
            // The handler has decoded the object.
            Some(InputType::Parquet) => iterable(object.value),
            Some(InputType::Json | InputType::Manifest) | None => {
                let bytes = read_all(object).await?;
                let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
                    Failure::item_reader(format!("The JSON file cannot be parsed: {error}"))
                })?;
                let pointer = self.reader.items_pointer.as_ref();
                match pointer.filter(|pointer| !pointer.is_empty()) {
                    // An object's fields are items only if a pointer leads to the object.
                    None if value.is_object() => Err(not_iterable()),
                    None => iterable(value),
                    Some(pointer) => match value.pointer(pointer) {
                        Some(items) => {
                            self.attempt.inspect(InspectedStep::ItemsPointer, items);
                            iterable(items.clone())
                        }
                        None => Err(Failure::item_reader(
                            "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON \
                             structure."
                                .to_owned(),
                        )),
                    },
                }
            }
        }
    }

    /// Decodes rows of CSV as they arrive, and stops at the limit.
    async fn csv(&self, object: TaskOutput) -> Result<Vec<Value>, Failure> {
        let mut headers: Option<Vec<String>> = match self.reader.header_location {
            Some(HeaderLocation::Given) => Some(unique(self.reader.headers.clone())?),
            _ => None,
        };
        let mut items = Vec::new();
        let mut take = |rows: Vec<Vec<String>>| -> Result<bool, Failure> {
            for row in rows {
                match &headers {
                    None => headers = Some(unique(row)?),
                    Some(headers) if items.len() < self.limit => {
                        items.push(csv_rows::item(headers, row));
                    }
                    Some(_) => return Ok(false),
                }
            }
            Ok(true)
        };
        let mut rows = CsvRows::new(self.reader.delimiter);
        let mut chunks = byte_stream(object);
        while let Some(chunk) = chunks.next().await {
            if !take(rows.push(&chunk?))? {
                return Ok(items);
            }
        }
        take(rows.finish())?;
        Ok(items)
    }

    /// Decodes one item per line, up to the limit; empty lines are skipped.
    async fn json_lines(&self, object: TaskOutput) -> Result<Vec<Value>, Failure> {
        let bytes = read_all(object).await?;
        bytes
            .split(|byte| *byte == b'\n')
            .zip(1_u64..)
            .filter(|(line, _)| !line.trim_ascii().is_empty())
            .take(self.limit)
            .map(|(line, number)| {
                serde_json::from_slice(line).map_err(|error| {
                    Failure::item_reader(format!(
                        "Line {number} of the JSONL file is not valid JSON at column {}.",
                        error.column()
                    ))
                })
            })
            .collect()
    }

    /// Reads the files of a query that Athena exported with UNLOAD. The manifest lists one file per line; `InputType`
    /// is the format of these files.
    async fn athena(&self, object: TaskOutput) -> Result<Vec<MapItem>, Failure> {
        let input_type = match self.reader.input_type {
            None | Some(InputType::Manifest) => InputType::JsonLines,
            Some(input_type) => input_type,
        };
        let bytes = read_all(object).await?;
        let text = String::from_utf8_lossy(&bytes);
        let mut items = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let place = line
                .trim_matches('"')
                .strip_prefix("s3://")
                .and_then(|place| place.split_once('/'));
            let (bucket, key) = place.ok_or_else(|| {
                Failure::item_reader(format!("A line of the manifest is not an S3 URI: {line}"))
            })?;
            let request = json!({"Bucket": bucket, "Key": key});
            let object = self.get(&Resource::parse(GET_OBJECT), request).await?;
            items.extend(self.decode(object, Some(input_type)).await?);
            if items.len() >= self.limit {
                break;
            }
        }
        Ok(items)
    }

    /// Reads the rows of the files that an S3 inventory lists.
    async fn inventory(
        &self,
        parameters: &Value,
        object: TaskOutput,
    ) -> Result<Vec<MapItem>, Failure> {
        let bytes = read_all(object).await?;
        let mut items = Vec::new();
        let manifest: Value = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::item_reader(format!("The manifest cannot be parsed: {error}"))
        })?;
        let text = |name: &str| manifest.get(name).and_then(Value::as_str);
        let headers: Vec<String> = text("fileSchema")
            .ok_or_else(|| Failure::item_reader("The manifest has no fileSchema.".to_owned()))?
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        let bucket = text("destinationBucket")
            .map(|bucket| bucket.rsplit(':').next().unwrap_or(bucket))
            .or_else(|| parameters.get("Bucket").and_then(Value::as_str));
        for file in manifest
            .get("files")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let object = json!({"Bucket": bucket, "Key": file.get("key")});
            let bytes = read_all(self.get(&Resource::parse(GET_OBJECT), object).await?).await?;
            let mut rows = CsvRows::new(b',');
            let complete = rows.push(&bytes);
            let entries = complete.into_iter().chain(rows.finish());
            items.extend(numbered(
                entries.map(|row| csv_rows::item(&headers, row)).collect(),
            ));
            if items.len() >= self.limit {
                break;
            }
        }
        Ok(items)
    }
}

/// Converts an entry of a listing to an item as AWS does: `ETag` becomes `Etag`, and the date becomes seconds since
/// 1970.
fn listed(entry: Value) -> Value {
    let Value::Object(fields) = entry else {
        return entry;
    };
    let renamed = fields
        .into_iter()
        .map(|(name, value)| match (name.as_str(), &value) {
            ("ETag", _) => ("Etag".to_owned(), value),
            ("LastModified", Value::String(text)) => {
                let date = chrono::DateTime::parse_from_rfc3339(text);
                let seconds = date.map(|date| Value::from(date.timestamp()));
                (name, seconds.unwrap_or(value))
            }
            _ => (name, value),
        });
    Value::Object(renamed.collect())
}

/// Returns the items of an array or the fields of an object; fails for any other value.
fn iterable(value: Value) -> Result<Vec<MapItem>, Failure> {
    match value {
        Value::Array(items) => Ok(numbered(items)),
        Value::Object(fields) => Ok(keyed(fields)),
        _ => Err(not_iterable()),
    }
}

/// Builds the failure of an object whose value cannot be read as items.
fn not_iterable() -> Failure {
    Failure::item_reader("Attempting to map over non-iterable node.".to_owned())
}

/// Returns the headers; fails if two of them are equal.
fn unique(headers: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut sorted: Vec<&String> = headers.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Failure::item_reader(
            "CSV headers cannot contain duplicates.".to_owned(),
        ));
    }
    Ok(headers)
}
