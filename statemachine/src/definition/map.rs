//! The parts of a Map state: items, batches, results.

use crate::definition::field_values::{Payload, Selector, Setting};
use crate::definition::task::Resource;

/// The configuration of a distributed Map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub(crate) express: bool,
}

/// The source of a Map's items.
#[derive(Debug)]
pub(crate) enum ItemSource {
    /// The effective input itself.
    Input,
    Path(Selector),
    Items {
        text: Option<String>,
        items: Payload,
    },
    Reader(Box<ItemReader>),
}

/// An `ItemReader` with its `ReaderConfig`.
#[derive(Debug)]
pub(crate) struct ItemReader {
    pub(crate) resource: Resource,
    pub(crate) parameters: Option<Payload>,
    pub(crate) input_type: Option<InputType>,
    pub(crate) header_location: Option<HeaderLocation>,
    pub(crate) headers: Vec<String>,
    pub(crate) delimiter: u8,
    pub(crate) max_items: Option<Setting>,
    pub(crate) items_pointer: Option<String>,
    /// The kind of list that the object is, if it is not the items themselves.
    pub(crate) manifest_type: Option<ManifestType>,
    /// `true` if the items are the contents of the listed objects.
    pub(crate) loads_objects: bool,
}

/// The kind of a manifest that lists objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManifestType {
    Inventory,
    Athena,
}

/// The format of an object with items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputType {
    Csv,
    Json,
    JsonLines,
    Manifest,
    Parquet,
}

/// The place of the headers of CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderLocation {
    FirstRow,
    Given,
}

/// An `ItemBatcher`.
#[derive(Debug)]
pub(crate) struct ItemBatcher {
    pub(crate) max_items: Option<Setting>,
    pub(crate) max_input_bytes: Option<Setting>,
    pub(crate) batch_input: Option<Payload>,
}

/// A `ResultWriter` with its `WriterConfig`.
#[derive(Debug)]
pub(crate) struct ResultWriter {
    /// `None` if the results are only transformed and stay in the state's output.
    pub(crate) resource: Option<Resource>,
    pub(crate) parameters: Option<Payload>,
    pub(crate) transformation: Transformation,
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
