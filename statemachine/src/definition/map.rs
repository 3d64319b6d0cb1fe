//! The parts of a Map state: items, batches, results.

use crate::definition::field_values::{Payload, Selector, Setting};
use crate::definition::task::Resource;

/// The configuration of a distributed Map, from `ProcessorConfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// `true` if child executions are Express workflows rather than Standard ones.
    pub(crate) express: bool,
}

/// The source of a Map's items.
#[derive(Debug)]
pub(crate) enum ItemSource {
    /// The state's effective input, if no field names another source.
    Input,
    /// The array that the path in `ItemsPath` selects.
    Path(Selector),
    /// The JSONata field `Items`.
    Items {
        /// The expression without `{%` and `%}`, for causes; `None` if `Items` is a literal array or object.
        text: Option<String>,
        /// The parsed value, which must yield an array or an object.
        items: Payload,
    },
    /// The items that an `ItemReader` fetches: the contents of an S3 object, or a list of objects.
    Reader(Box<ItemReader>),
}

/// An `ItemReader` with its `ReaderConfig`: where the items come from and how they are parsed.
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
    /// The `CSVHeaders`, which are used only with [`HeaderLocation::Given`].
    pub(crate) headers: Vec<String>,
    /// The byte that separates the fields of CSV, a comma unless `CSVDelimiter` names another.
    pub(crate) delimiter: u8,
    /// The `MaxItems`: the number of items after which reading stops.
    pub(crate) max_items: Option<Setting>,
    /// The `ItemsPointer`: the JSON pointer of the items inside a JSON document.
    pub(crate) items_pointer: Option<String>,
    /// The kind of manifest that the fetched object is; `None` if the object contains the items themselves.
    pub(crate) manifest_type: Option<ManifestType>,
    /// `true` if the items are the contents of the listed objects, rather than the entries of the list.
    pub(crate) loads_objects: bool,
}

/// The kind of a manifest that lists objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManifestType {
    /// An S3 inventory, which lists the objects of a bucket.
    Inventory,
    /// The manifest of the objects that Athena's `UNLOAD` wrote.
    Athena,
}

/// The format of the S3 object that contains the items, by `InputType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputType {
    /// CSV; each row becomes an object whose keys are the headers.
    Csv,
    /// One JSON document, which is the list of items, or contains the list at `ItemsPointer`.
    Json,
    /// One JSON value per line.
    JsonLines,
    /// `MANIFEST`, the older name for an S3 inventory.
    Manifest,
    /// A Parquet file, each row of which is an item.
    Parquet,
}

/// The source of the column names of CSV items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderLocation {
    /// The first row of the object.
    FirstRow,
    /// The definition's `CSVHeaders`; the first row is then an item.
    Given,
}

/// An `ItemBatcher`: the limits of a batch, and the data that is added to every batch.
#[derive(Debug)]
pub(crate) struct ItemBatcher {
    /// The most items per batch; `None` if only the bytes are limited.
    pub(crate) max_items: Option<Setting>,
    /// The most bytes of a batch's JSON text; `None` if only the number of items is limited.
    pub(crate) max_input_bytes: Option<Setting>,
    /// The value of `BatchInput`, which is added to every batch.
    pub(crate) batch_input: Option<Payload>,
}

/// A `ResultWriter` with its `WriterConfig`: where the results go and in which form.
#[derive(Debug)]
pub(crate) struct ResultWriter {
    /// The call that exports the results; `None` if the results are only transformed and stay in the state's output.
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
    /// Each output together with the description of its child execution.
    None,
    /// Only the outputs, one array item per child execution.
    #[default]
    Compact,
    /// Only the outputs; outputs that are arrays are merged into one array.
    Flatten,
}
