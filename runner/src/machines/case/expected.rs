//! The expectations of a test case: the field `expect`.

use std::collections::BTreeMap;

use drivetrain_statemachine::Machine;
use drivetrain_statemachine::jsonpath::Query;
use serde_json::{Map, Value};

use crate::machines::case::field_reader::Reader;
use crate::machines::case::fields::{EXPECT, names};

/// The expectations of a case; a missing expectation accepts any result. `CASES.md` explains the fields.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The status in which the execution must end.
    pub status: String,
    /// The value that the whole output must equal.
    pub output: Option<Value>,
    /// The value that the output must contain; objects of the output may have more fields.
    pub output_includes: Option<Value>,
    /// Values that the output must have at given paths: the path as text, the parsed path, and the value.
    pub output_at: Vec<(String, Query, Value)>,
    /// The error's name; JSON `null` if the execution must have no error.
    pub error: Option<Value>,
    /// The error's cause in full; JSON `null` if the execution must have no cause.
    pub cause: Option<Value>,
    /// The text that the cause must contain.
    pub cause_includes: Option<String>,
    /// All states that the execution must enter, in order.
    pub visits: Option<Vec<String>>,
    /// States that the execution must enter, in any order.
    pub visits_include: Vec<String>,
    /// States that the execution must not enter.
    pub visits_exclude: Vec<String>,
    /// The number of task calls that each of these states must make, retries included.
    pub calls: BTreeMap<String, u64>,
    /// Values that the inputs of task calls must contain: the state, the call's number from 0, and the value.
    pub inputs_include: Vec<(String, usize, Value)>,
    /// The duration that the execution must have in virtual time, in seconds.
    pub duration_seconds: Option<f64>,
}

impl Expected {
    /// Reads the field `expect` of a case; records every error in it as a finding.
    #[must_use]
    pub fn read(
        reader: &mut Reader<'_>,
        fields: &Map<String, Value>,
        machine: Option<&Machine>,
    ) -> Self {
        const AT: &str = "/expect";
        let Some(given) = fields.get("expect") else {
            reader.refuse("", "the field `expect` is missing");
            return Self::default();
        };
        let Some(fields) = reader.object(given, AT) else {
            return Self::default();
        };
        reader.only(fields, AT, &names(EXPECT));
        let fails = ["error", "cause", "cause_includes"]
            .iter()
            .any(|name| fields.contains_key(*name));
        let default_status = if fails { "FAILED" } else { "SUCCEEDED" };
        let status = reader.choice(fields, AT, "status", &["SUCCEEDED", "FAILED", "TIMED_OUT"]);
        let lists = ["visits", "visits_include", "visits_exclude"]
            .map(|name| reader.texts(fields, AT, name));
        for (list, name) in lists
            .iter()
            .zip(["visits", "visits_include", "visits_exclude"])
        {
            let at = Reader::below(AT, name);
            for (index, state) in list.iter().flatten().enumerate() {
                reader.state(state, &format!("{at}/{index}"), machine, None);
            }
        }
        let [visits, visits_include, visits_exclude] = lists;
        Self {
            status: status.unwrap_or(default_status).to_owned(),
            output: fields.get("output").cloned(),
            output_includes: fields.get("output_includes").cloned(),
            output_at: output_at(reader, fields),
            error: reader.text_or_null(fields, AT, "error"),
            cause: reader.text_or_null(fields, AT, "cause"),
            cause_includes: reader.text(fields, AT, "cause_includes").map(str::to_owned),
            visits,
            visits_include: visits_include.unwrap_or_default(),
            visits_exclude: visits_exclude.unwrap_or_default(),
            calls: calls(reader, fields, machine),
            inputs_include: inputs_include(reader, fields, machine),
            duration_seconds: reader.number(fields, AT, "duration_seconds"),
        }
    }

    /// Returns `true` if an expectation is about the entered states; otherwise they need not be recorded.
    #[must_use]
    pub fn is_about_visits(&self) -> bool {
        self.visits.is_some() || !self.visits_include.is_empty() || !self.visits_exclude.is_empty()
    }
}

/// Reads `output_at`, whose keys are paths into the output.
fn output_at(reader: &mut Reader<'_>, fields: &Map<String, Value>) -> Vec<(String, Query, Value)> {
    const AT: &str = "/expect/output_at";
    let mut places = Vec::new();
    let Some(given) = fields.get("output_at") else {
        return places;
    };
    for (path, value) in reader.object(given, AT).into_iter().flatten() {
        match Query::parse(path) {
            Ok(query) => places.push((path.clone(), query, value.clone())),
            Err(error) => reader.refuse(&Reader::below(AT, path), format!("{error:#}")),
        }
    }
    places
}

/// Reads `calls`, whose keys are names of Task states.
fn calls(
    reader: &mut Reader<'_>,
    fields: &Map<String, Value>,
    machine: Option<&Machine>,
) -> BTreeMap<String, u64> {
    const AT: &str = "/expect/calls";
    let mut calls = BTreeMap::new();
    let Some(given) = fields.get("calls") else {
        return calls;
    };
    let Some(fields) = reader.object(given, AT) else {
        return calls;
    };
    reader.states(fields.keys(), AT, machine, Some(&["Task"]));
    for state in fields.keys() {
        if let Some(count) = reader.whole(fields, AT, state) {
            calls.insert(state.clone(), count);
        }
    }
    calls
}

/// Reads `inputs_include`: per state and call number, a value that the input of the call must contain.
fn inputs_include(
    reader: &mut Reader<'_>,
    fields: &Map<String, Value>,
    machine: Option<&Machine>,
) -> Vec<(String, usize, Value)> {
    const AT: &str = "/expect/inputs_include";
    let mut inputs = Vec::new();
    let Some(given) = fields.get("inputs_include") else {
        return inputs;
    };
    let Some(states) = reader.object(given, AT) else {
        return inputs;
    };
    reader.states(states.keys(), AT, machine, Some(&["Task"]));
    for (state, calls) in states {
        let at = Reader::below(AT, state);
        for (call, input) in reader.object(calls, &at).into_iter().flatten() {
            match call.parse() {
                Ok(number) => inputs.push((state.clone(), number, input.clone())),
                Err(_) => reader.refuse(
                    &Reader::below(&at, call),
                    format!("expected a call number, counted from 0, got `{call}`"),
                ),
            }
        }
    }
    inputs
}
