//! The parts of a Map state: items, batches, results.

use crate::definition::field_values::{Payload, Selector, Setting};
use crate::definition::task::Resource;

/// The configuration of a distributed Map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// `true` if child executions are Express workflows rather than Standard ones.
    pub(crate) express: bool,
}

/// The source of a Map's items.
#[derive(Debug)]
pub(crate) enum ItemSource {
    /// The effective input itself.
    Input,
    /// The array at `ItemsPath`.
    Path(Selector),
    /// The JSONata field `Items`.
    Items {
        /// The expression without `{%` and `%}`, for causes; `None` if `Items` is a literal array or object.
        text: Option<String>,
        /// The parsed value, which must yield an array or an object.
        items: Payload,
    },
    /// The items of an object or of a listing, which `ItemReader` fetches.
    Reader(Box<ItemReader>),
}

/// An `ItemReader` with its `ReaderConfig`.
#[derive(Debug)]
pub(crate) struct ItemReader {
    /// The service call that fetches the object or lists objects.
    pub(crate) resource: Resource,
    /// `Parameters` or `Arguments` of the call, such as bucket and key.
    pub(crate) parameters: Option<Payload>,
    /// The `InputType`; `None` if it is absent, as for a listing.
    pub(crate) input_type: Option<InputType>,
    /// The `CSVHeaderLocation`; `None` if it is absent.
    pub(crate) header_location: Option<HeaderLocation>,
    /// The `CSVHeaders`, which count only for [`HeaderLocation::Given`].
    pub(crate) headers: Vec<String>,
    /// The byte that separates the fields of CSV, a comma unless `CSVDelimiter` names another.
    pub(crate) delimiter: u8,
    /// The `MaxItems`, past which further items are not read.
    pub(crate) max_items: Option<Setting>,
    /// The JSON pointer to the array of items inside a JSON object.
    pub(crate) items_pointer: Option<String>,
    /// The kind of list that the object is, if it is not the items themselves.
    pub(crate) manifest_type: Option<ManifestType>,
    /// `true` if the items are the contents of the listed objects.
    pub(crate) loads_objects: bool,
}

/// The kind of a manifest that lists objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManifestType {
    /// An S3 inventory.
    Inventory,
    /// The manifest of a result that Athena unloaded.
    Athena,
}

/// The format of an object with items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputType {
    /// Rows of CSV, each an object by its headers.
    Csv,
    /// One JSON document, whose items are an array or at `ItemsPointer`.
    Json,
    /// One JSON value per line.
    JsonLines,
    /// `MANIFEST`, the older word for an S3 inventory.
    Manifest,
    /// Rows of a Parquet file.
    Parquet,
}

/// The place of the headers of CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderLocation {
    /// The first row of the object.
    FirstRow,
    /// The definition's `CSVHeaders`; the first row is then an item.
    Given,
}

/// An `ItemBatcher`.
#[derive(Debug)]
pub(crate) struct ItemBatcher {
    /// The most items per batch.
    pub(crate) max_items: Option<Setting>,
    /// The most bytes of a batch as JSON.
    pub(crate) max_input_bytes: Option<Setting>,
    /// The fixed data that every batch gets as `BatchInput`.
    pub(crate) batch_input: Option<Payload>,
}

/// A `ResultWriter` with its `WriterConfig`.
#[derive(Debug)]
pub(crate) struct ResultWriter {
    /// `None` if the results are only transformed and stay in the state's output.
    pub(crate) resource: Option<Resource>,
    /// `Parameters` or `Arguments` of the resource, such as bucket and prefix.
    pub(crate) parameters: Option<Payload>,
    /// The part of each result that is written or returned.
    pub(crate) transformation: Transformation,
    /// `true` to write one JSON value per line (`JSONL`) rather than one array.
    pub(crate) lines: bool,
}

/// The part of each child execution's result that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Transformation {
    /// The output with the description of its execution.
    None,
    /// Only the outputs.
    #[default]
    Compact,
    /// Only the outputs, arrays merged into one.
    Flatten,
}
