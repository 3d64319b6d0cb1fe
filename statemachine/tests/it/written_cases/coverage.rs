//! Checks that the written cases use every part of the language: each field as a key of a state or of an object in it,
//! each type as a `Type`, each operator as a key of a rule, each error name in an `ErrorEquals` or as an expected error.
//! Only intrinsic functions are searched for as text, in the strings of the definitions.

use std::collections::BTreeSet;

use drivetrain_statemachine::Code;
use drivetrain_statemachine::intrinsics::FUNCTIONS;

use serde_json::Value;

use super::case::{Case, Subject};
use super::files::read;

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

/// The objects in a state whose keys are fields of the language too; `true` if the objects are items of an array.
const OBJECTS: [(&str, bool); 10] = [
    ("Catch", true),
    ("ItemBatcher", false),
    ("ItemProcessor", false),
    ("ItemReader", false),
    ("Iterator", false),
    ("ProcessorConfig", false),
    ("ReaderConfig", false),
    ("ResultWriter", false),
    ("Retry", true),
    ("WriterConfig", false),
];

/// The parts of the language that cases use.
#[derive(Default)]
struct Used {
    fields: BTreeSet<String>,
    types: BTreeSet<String>,
    operators: BTreeSet<String>,
    errors: BTreeSet<String>,
    codes: BTreeSet<String>,
    /// The strings of the definitions, in which calls of intrinsic functions are searched for.
    text: String,
}

impl Used {
    /// Adds the parts that a case uses.
    fn add_case(&mut self, case: &Case) {
        match case.subject() {
            Subject::Machine(machine) | Subject::Definition(machine) => self.add(machine),
            Subject::State(state) => self.add(state),
            Subject::Request(request) => self.add(&request["definition"]),
            Subject::Rule(rule) => self.add_rule(rule),
            Subject::Call(text) | Subject::Expression(text) => self.text.push_str(text),
        }
        let error = case.expect.error.as_ref().and_then(Value::as_str);
        self.errors.extend(error.map(str::to_owned));
        let findings = case.expect.errors.iter().flatten();
        self.codes.extend(findings.map(|one| one.code.clone()));
    }

    /// Adds a definition, which is a machine or a state.
    fn add(&mut self, definition: &Value) {
        self.add_text(definition);
        if definition.get("States").is_some() {
            self.add_flow(definition);
        } else {
            self.add_fields(definition);
        }
    }

    fn add_flow(&mut self, flow: &Value) {
        for (_, state) in flow["States"].as_object().into_iter().flatten() {
            self.add_fields(state);
        }
    }

    /// Adds the keys of a state, or of an object in it, but not those of payloads.
    fn add_fields(&mut self, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            self.fields.insert(name.clone());
            let items = || value.as_array().into_iter().flatten();
            match name.as_str() {
                "Type" => self.types.extend(value.as_str().map(str::to_owned)),
                "Choices" => items().for_each(|rule| self.add_rule(rule)),
                "Branches" => items().for_each(|branch| self.add_flow(branch)),
                "ErrorEquals" => {
                    let names = items().filter_map(Value::as_str);
                    self.errors.extend(names.map(str::to_owned));
                }
                "States" => self.add_flow(object),
                name => match OBJECTS.iter().find(|(known, _)| *known == name) {
                    Some((_, true)) => items().for_each(|item| self.add_fields(item)),
                    Some((_, false)) => self.add_fields(value),
                    None => {}
                },
            }
        }
    }

    /// Adds the keys of a Choice rule and of the rules in it.
    fn add_rule(&mut self, rule: &Value) {
        self.add_text(rule);
        for (name, value) in rule.as_object().into_iter().flatten() {
            match name.as_str() {
                "Assign" | "Condition" | "Output" => self.fields.insert(name.clone()),
                _ => self.operators.insert(name.clone()),
            };
            match name.as_str() {
                "Not" => self.add_rule(value),
                "And" | "Or" => {
                    let rules = value.as_array().into_iter().flatten();
                    rules.for_each(|rule| self.add_rule(rule));
                }
                _ => {}
            }
        }
    }

    fn add_text(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.text.push_str(text);
                self.text.push('\n');
            }
            Value::Array(items) => items.iter().for_each(|item| self.add_text(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.add_text(field)),
            _ => {}
        }
    }
}

#[test]
fn written_cases_cover_the_language() {
    let cases = read().unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
    let used = |is_chosen: &dyn Fn(&str) -> bool| {
        let mut used = Used::default();
        let chosen = cases.iter().filter(|(folder, _)| is_chosen(folder));
        chosen
            .flat_map(|(_, cases)| cases)
            .for_each(|case| used.add_case(case));
        used
    };
    let mut missing = Vec::new();
    let mut look_for = |found: bool, wanted: &str| {
        if !found {
            missing.push(wanted.to_owned());
        }
    };
    let intrinsics = used(&|folder| folder == "intrinsics");
    for function in FUNCTIONS {
        let call = format!("{}(", function.name);
        look_for(intrinsics.text.contains(&call), &call);
    }
    let choice = used(&|folder| folder == "choice").operators;
    for operator in COMPARISONS {
        look_for(choice.contains(operator), operator);
        let path = format!("{operator}Path");
        look_for(choice.contains(&path), &path);
    }
    for operator in OTHER_OPERATORS {
        look_for(choice.contains(operator), operator);
    }
    let executed = used(&|folder| folder != "validation");
    for field in FIELDS {
        look_for(executed.fields.contains(field), field);
    }
    for state in [
        "Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait",
    ] {
        look_for(executed.types.contains(state), state);
    }
    let all = used(&|_| true);
    for name in ERROR_NAMES {
        look_for(all.errors.contains(name), name);
    }
    let validation = used(&|folder| folder == "validation");
    for code in REFUSALS {
        look_for(validation.codes.contains(code.as_str()), code.as_str());
    }
    assert!(missing.is_empty(), "no case has {}", missing.join(", "));
}
