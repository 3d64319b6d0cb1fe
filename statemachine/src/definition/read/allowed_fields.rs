//! The fields that each type of state may have, by query language.

use crate::definition::QueryLanguage;

/// The fields that states of one type may have, besides those that every state may have.
pub(crate) struct AllowedFields {
    /// The state type as `Type` writes it.
    pub(crate) state: &'static str,
    /// The fields that are allowed in both query languages.
    pub(crate) both: &'static [&'static str],
    /// The fields that are allowed only in a `JSONPath` state.
    pub(crate) json_path: &'static [&'static str],
    /// The fields that are allowed only in a `JSONata` state.
    pub(crate) jsonata: &'static [&'static str],
}

/// The fields that every state may have.
pub(crate) const EVERY_STATE: &[&str] = &["Type", "Comment", "QueryLanguage"];

/// The top-level fields that a definition may have.
pub(crate) const MACHINE: &[&str] = &[
    "Comment",
    "StartAt",
    "States",
    "TimeoutSeconds",
    "Version",
    "QueryLanguage",
];
/// The fields that a branch of a Parallel state may have.
pub(crate) const BRANCH: &[&str] = &["Comment", "StartAt", "States"];
/// The fields that an item processor of a Map state may have.
pub(crate) const PROCESSOR: &[&str] = &["Comment", "StartAt", "States", "ProcessorConfig"];

/// The fields of each state type. The parser and its messages read this table.
pub(crate) const STATES: &[AllowedFields] = &[
    AllowedFields {
        state: "Task",
        both: &[
            "Next",
            "End",
            "Assign",
            "Resource",
            "TimeoutSeconds",
            "HeartbeatSeconds",
            "Retry",
            "Catch",
            "Credentials",
        ],
        json_path: &[
            "InputPath",
            "OutputPath",
            "Parameters",
            "ResultSelector",
            "ResultPath",
            "TimeoutSecondsPath",
            "HeartbeatSecondsPath",
        ],
        jsonata: &["Arguments", "Output"],
    },
    AllowedFields {
        state: "Pass",
        both: &["Next", "End", "Assign"],
        json_path: &[
            "InputPath",
            "OutputPath",
            "Parameters",
            "Result",
            "ResultPath",
        ],
        jsonata: &["Output"],
    },
    AllowedFields {
        state: "Choice",
        both: &["Assign", "Choices", "Default"],
        json_path: &["InputPath", "OutputPath"],
        jsonata: &["Output"],
    },
    AllowedFields {
        state: "Wait",
        both: &["Next", "End", "Assign", "Seconds", "Timestamp"],
        json_path: &["InputPath", "OutputPath", "SecondsPath", "TimestampPath"],
        jsonata: &["Output"],
    },
    AllowedFields {
        state: "Succeed",
        both: &[],
        json_path: &["InputPath", "OutputPath"],
        jsonata: &["Output"],
    },
    AllowedFields {
        state: "Fail",
        both: &["Error", "Cause"],
        json_path: &["ErrorPath", "CausePath"],
        jsonata: &[],
    },
    AllowedFields {
        state: "Parallel",
        both: &["Next", "End", "Assign", "Branches", "Retry", "Catch"],
        json_path: &[
            "InputPath",
            "OutputPath",
            "Parameters",
            "ResultSelector",
            "ResultPath",
        ],
        jsonata: &["Arguments", "Output"],
    },
    AllowedFields {
        state: "Map",
        both: &[
            "Next",
            "End",
            "Assign",
            "Retry",
            "Catch",
            "ItemProcessor",
            "Iterator",
            "ItemSelector",
            "ItemReader",
            "ItemBatcher",
            "ResultWriter",
            "MaxConcurrency",
            "ToleratedFailurePercentage",
            "ToleratedFailureCount",
            "Label",
        ],
        json_path: &[
            "InputPath",
            "OutputPath",
            "Parameters",
            "ResultSelector",
            "ResultPath",
            "ItemsPath",
            "MaxConcurrencyPath",
            "ToleratedFailurePercentagePath",
            "ToleratedFailureCountPath",
        ],
        jsonata: &["Items", "Output"],
    },
];

impl AllowedFields {
    /// Finds the fields of a state type by the word in `Type`; `None` if there is no such type.
    pub(crate) fn of(state: &str) -> Option<&'static Self> {
        STATES.iter().find(|vocabulary| vocabulary.state == state)
    }

    /// Returns the fields that are allowed only in states of this query language.
    pub(crate) fn in_language(&self, language: QueryLanguage) -> &'static [&'static str] {
        match language {
            QueryLanguage::JsonPath => self.json_path,
            QueryLanguage::Jsonata => self.jsonata,
        }
    }

    /// Returns `true` if states of the type take `End` or `Next`, unlike Choice, Succeed and Fail.
    pub(crate) fn may_end(&self) -> bool {
        self.both.contains(&"End")
    }
}
