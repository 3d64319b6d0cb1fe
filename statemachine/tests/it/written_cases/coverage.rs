//! Checks that the written cases mention every part of the language.

use drivetrain_statemachine::Code;
use drivetrain_statemachine::intrinsics::FUNCTIONS;

use super::case::Case;
use super::files::{FOLDERS, read};

/// The operators that compare a Choice rule's `Variable` with a value or a path.
const COMPARISONS: [&str; 16] = [
    "BooleanEquals",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "StringEquals",
    "StringGreaterThan",
    "StringGreaterThanEquals",
    "StringLessThan",
    "StringLessThanEquals",
    "TimestampEquals",
    "TimestampGreaterThan",
    "TimestampGreaterThanEquals",
    "TimestampLessThan",
    "TimestampLessThanEquals",
];

/// The operators of Choice rules that have no form with a path.
const OTHER_OPERATORS: [&str; 10] = [
    "And",
    "IsBoolean",
    "IsNull",
    "IsNumeric",
    "IsPresent",
    "IsString",
    "IsTimestamp",
    "Not",
    "Or",
    "StringMatches",
];

/// The fields of states, Map states included, that take a path, a template, an expression or a bound.
const FIELDS: [&str; 58] = [
    "Arguments",
    "Assign",
    "BackoffRate",
    "BatchInput",
    "CSVDelimiter",
    "CSVHeaderLocation",
    "CSVHeaders",
    "Catch",
    "Cause",
    "CausePath",
    "Condition",
    "Credentials",
    "Default",
    "Error",
    "ErrorPath",
    "ExecutionType",
    "HeartbeatSeconds",
    "HeartbeatSecondsPath",
    "InputPath",
    "InputType",
    "IntervalSeconds",
    "ItemBatcher",
    "ItemProcessor",
    "ItemReader",
    "ItemSelector",
    "Items",
    "ItemsPath",
    "ItemsPointer",
    "Iterator",
    "JitterStrategy",
    "MaxAttempts",
    "MaxConcurrency",
    "MaxConcurrencyPath",
    "MaxDelaySeconds",
    "MaxInputBytesPerBatch",
    "MaxInputBytesPerBatchPath",
    "MaxItems",
    "MaxItemsPath",
    "MaxItemsPerBatch",
    "MaxItemsPerBatchPath",
    "Output",
    "OutputPath",
    "Parameters",
    "Result",
    "ResultPath",
    "ResultSelector",
    "ResultWriter",
    "Retry",
    "Seconds",
    "SecondsPath",
    "TimeoutSeconds",
    "TimeoutSecondsPath",
    "Timestamp",
    "TimestampPath",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
];

/// The error names that the language defines and that an execution can end with, or a retrier or catcher can name.
const ERROR_NAMES: [&str; 11] = [
    "States.ALL",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.ItemReaderFailed",
    "States.QueryEvaluationError",
    "States.ReferencePathConflict",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

/// The errors that AWS reports for a definition; the crate's other codes are its own advice.
const REFUSALS: [Code; 12] = [
    Code::SchemaValidationFailed,
    Code::MissingTransitionTarget,
    Code::MissingEndState,
    Code::InvalidJsonDescription,
    Code::InvalidResource,
    Code::DuplicateStateName,
    Code::InvalidStateName,
    Code::DuplicateLabelName,
    Code::InvalidLabelName,
    Code::TooDeeplyNested,
    Code::InvalidJsonataExpression,
    Code::UnsupportedJsonataExpression,
];

#[test]
fn written_cases_cover_the_language() {
    let cases = read().unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
    let text = |folders: &[&str]| -> String {
        let chosen = cases
            .iter()
            .filter(|(folder, _)| folders.is_empty() || folders.contains(&folder.as_str()));
        chosen
            .flat_map(|(_, cases)| cases)
            .map(Case::text)
            .collect()
    };
    let mut missing = Vec::new();
    let mut look_for = |text: &str, wanted: &str| {
        if !text.contains(wanted) {
            missing.push(wanted.to_owned());
        }
    };
    let intrinsics = text(&["intrinsics"]);
    for function in FUNCTIONS {
        look_for(&intrinsics, &format!("{}(", function.name));
    }
    let choice = text(&["choice"]);
    for operator in COMPARISONS {
        look_for(&choice, &format!("\"{operator}\":"));
        look_for(&choice, &format!("\"{operator}Path\":"));
    }
    for operator in OTHER_OPERATORS {
        look_for(&choice, &format!("\"{operator}\":"));
    }
    let executed: Vec<&str> = FOLDERS
        .into_iter()
        .filter(|name| *name != "validation")
        .collect();
    let executed = text(&executed);
    for field in FIELDS {
        look_for(&executed, &format!("\"{field}\":"));
    }
    let all = text(&[]);
    for name in ERROR_NAMES {
        look_for(&all, &format!("\"{name}\""));
    }
    for state in [
        "Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait",
    ] {
        look_for(&all, &format!("\"Type\":\"{state}\""));
    }
    let validation = text(&["validation"]);
    for code in REFUSALS {
        look_for(&validation, &format!("\"{}\"", code.as_str()));
    }
    assert!(missing.is_empty(), "no case has {}", missing.join(", "));
}
