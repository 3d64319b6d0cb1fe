//! Reads Map states.

use serde_json::Value;

use crate::definition::field_values::Payload;
use crate::definition::map::{
    Distribution, HeaderLocation, InputType, ItemBatcher, ItemReader, ItemSource, ManifestType,
    ResultWriter, Transformation,
};
use crate::definition::model::{Flow, MachineType, MapState, QueryLanguage, StateKind};
use crate::definition::read::allowed_fields::PROCESSOR;
use crate::definition::read::field_values::Expected;
use crate::definition::read::flow::{InheritedSettings, read_flow};
use crate::definition::read::object_fields::Fields;
use crate::definition::task::Resource;
use crate::diagnostics::diagnostic::Code;
use crate::jsonata::expression_text;

/// The most items that a Map may read.
const MOST_ITEMS: u64 = 100_000_000;
/// The range of a field that holds a count: any whole number that fits 32 bits.
const ANY_COUNT: Expected = Expected::Whole(0, u32::MAX as u64);

impl Fields<'_> {
    /// Reads the fields of a Map state, including those that only distributed mode allows.
    pub(crate) fn map(&self, language: QueryLanguage, around: InheritedSettings) -> StateKind {
        self.at_most_one(&["ItemProcessor", "Iterator"]);
        self.at_most_one(&["ItemSelector", "Parameters"]);
        let (processor, distributed) = self.processor(around);
        let selector_name = if self.has("ItemSelector") {
            "ItemSelector"
        } else {
            "Parameters"
        };
        let map = MapState {
            processor,
            processor_field: self.processor_field(),
            distributed,
            items: self.items(language),
            selector: if language == QueryLanguage::JsonPath || selector_name == "ItemSelector" {
                self.payload(selector_name, language)
                    .map(|payload| (selector_name, payload))
            } else {
                None
            },
            max_concurrency: self.setting(
                "MaxConcurrency",
                "MaxConcurrencyPath",
                language,
                ANY_COUNT,
            ),
            tolerated_failure_count: self.setting(
                "ToleratedFailureCount",
                "ToleratedFailureCountPath",
                language,
                ANY_COUNT,
            ),
            tolerated_failure_percentage: self.setting(
                "ToleratedFailurePercentage",
                "ToleratedFailurePercentagePath",
                language,
                Expected::Percentage,
            ),
            batcher: self.inner("ItemBatcher", |fields| fields.batcher(language)),
            writer: self.inner("ResultWriter", |fields| fields.writer(language)),
            label: self.label(),
        };
        if map.distributed.is_some() && around.machine_type == MachineType::Express {
            self.refuse(
                "",
                "Express state machine does not support Map states in DISTRIBUTED mode",
            );
        }
        if map.distributed.is_none() {
            for name in ["ItemReader", "ItemBatcher", "ResultWriter", "Label"] {
                if self.has(name) {
                    self.refuse(
                        "",
                        format!("Field '{name}' is not supported in an inline Map state"),
                    );
                }
            }
        }
        StateKind::Map(Box::new(map))
    }

    /// Reads the object in field `name` with `read`; `None` if it is absent or not an object.
    fn inner<T>(&self, name: &str, read: impl FnOnce(Fields<'_>) -> T) -> Option<T> {
        let pointer = self.at(name);
        Fields::of(self.get(name)?, &pointer, self.problems).map(read)
    }

    /// Returns the name of the field that holds the processor: `ItemProcessor` if it is present, or else the older
    /// `Iterator`.
    fn processor_field(&self) -> &'static str {
        if self.has("ItemProcessor") {
            "ItemProcessor"
        } else {
            "Iterator"
        }
    }

    /// Reads the item processor. If its child executions are Express workflows, its states obey the rules of Express.
    fn processor(&self, around: InheritedSettings) -> (Flow, Option<Distribution>) {
        let name = self.processor_field();
        if !self.has(name) {
            self.require(&["ItemProcessor"]);
            return (Flow::default(), None);
        }
        self.inner(name, |fields| {
            fields.only(&[PROCESSOR]);
            let distributed = fields
                .inner("ProcessorConfig", |config| config.processor_config())
                .flatten();
            let around = match distributed {
                Some(Distribution { express: true }) => InheritedSettings {
                    machine_type: MachineType::Express,
                    ..around
                },
                _ => around,
            };
            (read_flow(&fields, around), distributed)
        })
        .unwrap_or_default()
    }

    /// Reads `ProcessorConfig`; `None` for an inline Map.
    fn processor_config(&self) -> Option<Distribution> {
        self.only(&[&["Mode", "ExecutionType"]]);
        let distributed = self
            .word("Mode", &[("INLINE", false), ("DISTRIBUTED", true)])
            .unwrap_or(false);
        if !distributed {
            if self.has("ExecutionType") {
                self.refuse("", "Field 'ExecutionType' is not supported");
            }
            return None;
        }
        self.require(&["ExecutionType"]);
        let express = self.word("ExecutionType", &[("STANDARD", false), ("EXPRESS", true)]);
        Some(Distribution {
            express: express.unwrap_or(false),
        })
    }

    /// Reads the source of the items; an `ItemReader` takes precedence over `ItemsPath` and `Items`.
    fn items(&self, language: QueryLanguage) -> ItemSource {
        if self.has("ItemReader") {
            return match self
                .inner("ItemReader", |fields| fields.reader(language))
                .flatten()
            {
                Some(reader) => ItemSource::Reader(Box::new(reader)),
                None => ItemSource::Input,
            };
        }
        match language {
            QueryLanguage::JsonPath => match self.get("ItemsPath") {
                Some(Value::String(text)) if text == "$" => ItemSource::Input,
                Some(_) => self
                    .path("ItemsPath")
                    .map_or(ItemSource::Input, ItemSource::Path),
                None => ItemSource::Input,
            },
            QueryLanguage::Jsonata => {
                let Some(value) = self.get("Items") else {
                    return ItemSource::Input;
                };
                let text = value
                    .as_str()
                    .and_then(expression_text)
                    .map(|text| text.trim().to_owned());
                if text.is_none() && !value.is_array() && !value.is_object() {
                    self.refuse("Items", "Expected value of type [ARRAY]");
                }
                match self.payload("Items", language) {
                    Some(items) => ItemSource::Items { text, items },
                    None => ItemSource::Input,
                }
            }
        }
    }

    /// Reads the `Label`; reports characters that an ARN cannot contain.
    fn label(&self) -> Option<String> {
        let text = self.text("Label")?;
        let allowed = |character: char| {
            !character.is_control() && !" ?*<>{}[]\"#%\\^|~`$&,;:/".contains(character)
        };
        if text.is_empty() || text.chars().count() > 40 || !text.chars().all(allowed) {
            self.refuse_as(
                Code::InvalidLabelName,
                "Label",
                "Labels must have between 1 and 40 characters, all of which an ARN can contain",
            );
        }
        Some(text.to_owned())
    }

    /// Reads the arguments of a reader's or writer's call: `Parameters` or `Arguments`, depending on the language.
    fn arguments(&self, language: QueryLanguage) -> Option<Payload> {
        match language {
            QueryLanguage::JsonPath => self.payload("Parameters", language),
            QueryLanguage::Jsonata => self.payload("Arguments", language),
        }
    }

    /// Reads an `ItemReader`; `None` if it has no readable `Resource`.
    fn reader(&self, language: QueryLanguage) -> Option<ItemReader> {
        let arguments = if language == QueryLanguage::JsonPath {
            "Parameters"
        } else {
            "Arguments"
        };
        self.only(&[&["Resource", "ReaderConfig", arguments]]);
        if !self.require(&["Resource"]) {
            return None;
        }
        let mut reader = ItemReader {
            resource: Resource::parse(self.text("Resource")?),
            parameters: self.arguments(language),
            input_type: None,
            header_location: None,
            headers: Vec::new(),
            delimiter: b',',
            max_items: None,
            items_pointer: None,
            manifest_type: None,
            loads_objects: false,
        };
        self.inner("ReaderConfig", |config| {
            config.reader_config(&mut reader, language);
        });
        Some(reader)
    }

    /// Reads a `ReaderConfig` and stores its values in `reader`.
    fn reader_config(&self, reader: &mut ItemReader, language: QueryLanguage) {
        self.only(&[&[
            "InputType",
            "CSVHeaderLocation",
            "CSVHeaders",
            "CSVDelimiter",
            "MaxItems",
            "MaxItemsPath",
            "ItemsPointer",
            "ManifestType",
            "Transformation",
        ]]);
        reader.input_type = self.word(
            "InputType",
            &[
                ("CSV", InputType::Csv),
                ("JSON", InputType::Json),
                ("JSONL", InputType::JsonLines),
                ("MANIFEST", InputType::Manifest),
                ("PARQUET", InputType::Parquet),
            ],
        );
        reader.header_location = self.word(
            "CSVHeaderLocation",
            &[
                ("FIRST_ROW", HeaderLocation::FirstRow),
                ("GIVEN", HeaderLocation::Given),
            ],
        );
        if reader.header_location == Some(HeaderLocation::Given) {
            self.require(&["CSVHeaders"]);
        }
        for header in self.array("CSVHeaders").unwrap_or_default() {
            match header.as_str() {
                Some(text) => reader.headers.push(text.to_owned()),
                None => self.refuse("CSVHeaders", "Headers must be strings"),
            }
        }
        if let Some(delimiter) = self.word(
            "CSVDelimiter",
            &[
                ("COMMA", b','),
                ("PIPE", b'|'),
                ("SEMICOLON", b';'),
                ("SPACE", b' '),
                ("TAB", b'\t'),
            ],
        ) {
            reader.delimiter = delimiter;
        }
        let items = Expected::Whole(0, MOST_ITEMS);
        reader.max_items = self.setting("MaxItems", "MaxItemsPath", language, items);
        reader.items_pointer = self.text("ItemsPointer").map(str::to_owned);
        let manifests = [
            ("S3_INVENTORY", ManifestType::Inventory),
            ("ATHENA_DATA", ManifestType::Athena),
        ];
        // Older definitions name an inventory by its input type.
        let named = reader.input_type == Some(InputType::Manifest);
        reader.manifest_type = self
            .word("ManifestType", &manifests)
            .or(named.then_some(ManifestType::Inventory));
        reader.loads_objects = self
            .word(
                "Transformation",
                &[("NONE", false), ("LOAD_AND_FLATTEN", true)],
            )
            .unwrap_or_default();
    }

    /// Reads an `ItemBatcher`, which must limit the items or the bytes of a batch.
    fn batcher(&self, language: QueryLanguage) -> ItemBatcher {
        self.only(&[&[
            "MaxItemsPerBatch",
            "MaxItemsPerBatchPath",
            "MaxInputBytesPerBatch",
            "MaxInputBytesPerBatchPath",
            "BatchInput",
        ]]);
        let counts = Expected::Whole(1, u64::from(u32::MAX));
        let bytes = Expected::Whole(1, 262_144);
        let batcher = ItemBatcher {
            max_items: self.setting("MaxItemsPerBatch", "MaxItemsPerBatchPath", language, counts),
            max_input_bytes: self.setting(
                "MaxInputBytesPerBatch",
                "MaxInputBytesPerBatchPath",
                language,
                bytes,
            ),
            batch_input: self.payload("BatchInput", language),
        };
        if batcher.max_items.is_none() && batcher.max_input_bytes.is_none() {
            self.refuse("", "At least one of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]");
        }
        batcher
    }

    /// Reads a `ResultWriter`. The default of `Transformation` is `NONE` for a writer that exports the results, and
    /// `COMPACT` for any other.
    fn writer(&self, language: QueryLanguage) -> ResultWriter {
        let (arguments, other) = match language {
            QueryLanguage::JsonPath => ("Parameters", "Arguments"),
            QueryLanguage::Jsonata => ("Arguments", "Parameters"),
        };
        let resource = self.text("Resource").map(Resource::parse);
        let exports = resource.is_some();
        // If the field that names the destination is missing, AWS does not also reject the other language's field for
        // the destination.
        if exports && !self.require(&[arguments]) {
            self.only(&[&["Resource", "WriterConfig", other]]);
        } else {
            self.only(&[&["Resource", "WriterConfig", arguments]]);
        }
        let mut writer = ResultWriter {
            resource,
            parameters: self.arguments(language),
            transformation: if exports {
                Transformation::None
            } else {
                Transformation::Compact
            },
            lines: false,
        };
        self.inner("WriterConfig", |config| {
            config.only(&[&["OutputType", "Transformation"]]);
            let transformations = [
                ("NONE", Transformation::None),
                ("COMPACT", Transformation::Compact),
                ("FLATTEN", Transformation::Flatten),
            ];
            if let Some(transformation) = config.word("Transformation", &transformations) {
                writer.transformation = transformation;
            }
            writer.lines = config
                .word("OutputType", &[("JSON", false), ("JSONL", true)])
                .unwrap_or(false);
        });
        writer
    }
}
