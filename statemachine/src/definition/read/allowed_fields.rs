//! The fields that each type of state may have, by query language.

use crate::definition::QueryLanguage;
use crate::definition::model::StateType;

/// The fields that states of one type may have, in addition to [`EVERY_STATE`].
pub(crate) struct AllowedFields {
    /// The fields that are allowed in both query languages.
    pub(crate) both: &'static [&'static str],
    /// The fields that are allowed only in a `JSONPath` state.
    pub(crate) json_path: &'static [&'static str],
    /// The fields that are allowed only in a `JSONata` state.
    pub(crate) jsonata: &'static [&'static str],
}

/// The fields that a state of any type may have, in both query languages.
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

impl AllowedFields {
    /// Returns the fields that states of a type may have. The parser and its messages read this table.
    pub(crate) fn of(state_type: StateType) -> &'static Self {
        match state_type {
            StateType::Task => &Self {
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
            StateType::Pass => &Self {
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
            StateType::Choice => &Self {
                both: &["Assign", "Choices", "Default"],
                json_path: &["InputPath", "OutputPath"],
                jsonata: &["Output"],
            },
            StateType::Wait => &Self {
                both: &["Next", "End", "Assign", "Seconds", "Timestamp"],
                json_path: &["InputPath", "OutputPath", "SecondsPath", "TimestampPath"],
                jsonata: &["Output"],
            },
            StateType::Succeed => &Self {
                both: &[],
                json_path: &["InputPath", "OutputPath"],
                jsonata: &["Output"],
            },
            StateType::Fail => &Self {
                both: &["Error", "Cause"],
                json_path: &["ErrorPath", "CausePath"],
                jsonata: &[],
            },
            StateType::Parallel => &Self {
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
            StateType::Map => &Self {
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
        }
    }

    /// Returns the fields that are allowed only in states of this query language.
    pub(crate) fn in_language(&self, language: QueryLanguage) -> &'static [&'static str] {
        match language {
            QueryLanguage::JsonPath => self.json_path,
            QueryLanguage::Jsonata => self.jsonata,
        }
    }

    /// Returns `true` if states of the type have `End` or `Next`, which Choice, Succeed and Fail do not.
    pub(crate) fn may_end(&self) -> bool {
        self.both.contains(&"End")
    }
}
