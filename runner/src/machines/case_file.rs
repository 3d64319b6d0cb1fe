//! A test case in a file, read and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use drivetrain_statemachine::jsonpath::Query;
use drivetrain_statemachine::mocks::{MockCase, MockFile};
use drivetrain_statemachine::{Machine, MachineType};
use serde_json::{Map, Value, json};

use super::buckets::Buckets;
use super::case_fields::{CASE, EXPECT, Field};
use super::case_reader::Reader;
use super::definition::stem;
use super::machine_files::MachineFiles;
use super::mock_file::read_mocks;
use super::simulation::MaxEvents;

/// How the name of a case file ends.
pub const SUFFIX: &str = ".case.json";

/// When an execution starts where the case says nothing, so that two runs of a case are the same.
const START_TIME: &str = "2026-01-01T00:00:00Z";

/// So many events an EXPRESS execution has at most, so that an endless loop ends.
const EXPRESS_EVENTS: u64 = 1_000_000;

/// A case that is ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The definition.
    pub definition: PathBuf,
    /// The machine.
    pub machine: Machine,
    /// When the execution starts.
    pub start_time: DateTime<Utc>,
    /// What random numbers are made from.
    pub seed: u64,
    /// How many events it may have.
    pub max_events: Option<MaxEvents>,
    /// Its input.
    pub input: Value,
    /// What tasks answer.
    pub mocks: MockCase,
    /// What Map states read.
    pub buckets: Buckets,
    /// What must come out.
    pub expected: Expected,
}

/// What must come out; what is absent may be anything.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// How the execution ends.
    pub status: String,
    /// The whole output.
    pub output: Option<Value>,
    /// A part of the output.
    pub output_includes: Option<Value>,
    /// What stands at places of the output.
    pub output_at: Vec<(String, Query, Value)>,
    /// The error's name; null for none.
    pub error: Option<Value>,
    /// The error's cause; null for none.
    pub cause: Option<Value>,
    /// A part of the cause.
    pub cause_includes: Option<String>,
    /// All states that are entered, in their order.
    pub visits: Option<Vec<String>>,
    /// States that are entered.
    pub visits_include: Vec<String>,
    /// States that are not.
    pub visits_exclude: Vec<String>,
    /// How often tasks are called.
    pub calls: BTreeMap<String, u64>,
    /// How long the execution takes.
    pub duration_seconds: Option<f64>,
}

impl Case {
    /// Reads a case and the definition that it is about; everything that is wrong is noted.
    #[must_use]
    pub fn read(path: &Path, machines: &mut MachineFiles) -> Option<Self> {
        let (text, value) = machines.findings.json_file(path)?;
        let mut reader = Reader::new(path, &text, &mut machines.findings);
        let fields = reader.object(&value, "")?;
        reader.only(fields, "", &names(CASE));
        let machine_type = match reader.choice(fields, "", "type", &["STANDARD", "EXPRESS"]) {
            Some("EXPRESS") => MachineType::Express,
            _ => MachineType::Standard,
        };
        let definition = definition(&mut reader, path, fields)?;
        let machine = machines.machine(&definition, machine_type);
        let mut reader = Reader::new(path, &text, &mut machines.findings);
        let before = reader.count();
        let case = Self {
            name: name(path),
            path: path.to_owned(),
            start_time: start_time(&mut reader, fields),
            seed: reader.whole(fields, "", "seed").unwrap_or(0),
            max_events: max_events(&mut reader, fields, machine_type),
            input: input(&mut reader, path, fields),
            mocks: mocks(
                &mut reader,
                path,
                fields,
                &stem(&definition),
                machine.as_ref(),
            ),
            buckets: buckets(&mut reader, path, fields),
            expected: expected(&mut reader, fields, machine.as_ref()),
            definition,
            machine: machine?,
        };
        (reader.count() == before).then_some(case)
    }
}

fn names(fields: &[Field]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned()
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn definition(
    reader: &mut Reader<'_>,
    path: &Path,
    fields: &Map<String, Value>,
) -> Option<PathBuf> {
    if fields.contains_key("machine") {
        let named = reader.text(fields, "", "machine")?;
        let definition = folder(path).join(named);
        if !definition.is_file() {
            reader.refuse(
                "/machine",
                format!("there is no file `{}`", definition.display()),
            );
            return None;
        }
        return Some(definition);
    }
    let machine = stem(path);
    let beside =
        [".asl.json", ".json"].map(|ending| folder(path).join(format!("{machine}{ending}")));
    let found = beside.into_iter().find(|definition| definition.is_file());
    if found.is_none() {
        reader.refuse(
            "",
            format!("there is no `{machine}.asl.json` beside it, and `machine` names no other definition"),
        );
    }
    found
}

fn start_time(reader: &mut Reader<'_>, fields: &Map<String, Value>) -> DateTime<Utc> {
    let text = reader.text(fields, "", "start_time");
    match DateTime::parse_from_rfc3339(text.unwrap_or(START_TIME)) {
        Ok(date) => date.to_utc(),
        Err(error) => {
            let message = format!("expected a date such as `{START_TIME}`: {error}");
            reader.refuse("/start_time", message);
            DateTime::UNIX_EPOCH
        }
    }
}

fn max_events(
    reader: &mut Reader<'_>,
    fields: &Map<String, Value>,
    machine_type: MachineType,
) -> Option<MaxEvents> {
    let given = match fields.get("max_events") {
        None => {
            let express = machine_type == MachineType::Express;
            return express.then(|| {
                let limit = std::num::NonZeroU64::new(EXPRESS_EVENTS);
                MaxEvents::Limit(limit.expect("the limit is not 0"))
            });
        }
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let parsed = given.parse();
    if let Err(error) = &parsed {
        reader.refuse("/max_events", format!("{error}"));
    }
    parsed.ok()
}

fn input(reader: &mut Reader<'_>, path: &Path, fields: &Map<String, Value>) -> Value {
    reader.not_both(fields, "", "input", "input_file");
    if let Some(named) = reader.text(fields, "", "input_file") {
        let file = folder(path).join(named);
        let read = reader.findings.json_file(&file);
        return read.map(|(_, value)| value).unwrap_or_default();
    }
    fields.get("input").cloned().unwrap_or_else(|| json!({}))
}

fn mocks(
    reader: &mut Reader<'_>,
    path: &Path,
    fields: &Map<String, Value>,
    name: &str,
    machine: Option<&Machine>,
) -> MockCase {
    reader.not_both(fields, "", "mocks", "mock_file");
    let case = reader.text(fields, "", "mock_case");
    if let Some(named) = reader.text(fields, "", "mock_file") {
        return match read_mocks(&folder(path).join(named), name, case) {
            Ok(Ok(mocks)) => mocks,
            Ok(Err(found)) => {
                reader.findings.extend(found);
                MockCase::default()
            }
            Err(error) => {
                reader.refuse("/mock_file", error.to_string());
                MockCase::default()
            }
        };
    }
    if case.is_some() {
        reader.refuse(
            "/mock_case",
            "there is no `mock_file` that it could stand in",
        );
    }
    let Some(given) = fields.get("mocks") else {
        return MockCase::default();
    };
    let Some(states) = reader.object(given, "/mocks") else {
        return MockCase::default();
    };
    reader.states(states.keys(), "/mocks", machine, Some(&["Task", "Map"]));
    // The file's own format, with one response for each state and under its name.
    let of_states: Map<String, Value> = states
        .keys()
        .map(|state| (state.clone(), state.clone().into()))
        .collect();
    let file = json!({
        "StateMachines": {name: {"TestCases": {"case": of_states}}},
        "MockedResponses": states,
    });
    match MockFile::parse(&file.to_string()).and_then(|file| file.case(name, "case")) {
        Ok(mocks) => mocks,
        Err(error) => {
            for problem in error.problems() {
                let below = problem.pointer.strip_prefix("/MockedResponses");
                let pointer = format!("/mocks{}", below.unwrap_or_default());
                reader.refuse(&pointer, problem.message.clone());
            }
            MockCase::default()
        }
    }
}

fn buckets(reader: &mut Reader<'_>, path: &Path, fields: &Map<String, Value>) -> Buckets {
    let mut buckets = Buckets::default();
    let Some(given) = fields.get("s3") else {
        return buckets;
    };
    for (bucket, named) in reader.object(given, "/s3").into_iter().flatten() {
        let pointer = Reader::below("/s3", bucket);
        match named {
            Value::String(named) => {
                if let Err(error) = buckets.add(bucket, &folder(path).join(named)) {
                    reader.refuse(&pointer, error.to_string());
                }
            }
            _ => reader.refuse(&pointer, "expected the path of a folder"),
        }
    }
    buckets.keeping_writes()
}

fn expected(
    reader: &mut Reader<'_>,
    fields: &Map<String, Value>,
    machine: Option<&Machine>,
) -> Expected {
    const AT: &str = "/expect";
    let Some(given) = fields.get("expect") else {
        reader.refuse("", "the field `expect` is missing");
        return Expected::default();
    };
    let Some(fields) = reader.object(given, AT) else {
        return Expected::default();
    };
    reader.only(fields, AT, &names(EXPECT));
    let fails = ["error", "cause", "cause_includes"]
        .iter()
        .any(|name| fields.contains_key(*name));
    let unsaid = if fails { "FAILED" } else { "SUCCEEDED" };
    let status = reader.choice(fields, AT, "status", &["SUCCEEDED", "FAILED", "TIMED_OUT"]);
    let lists =
        ["visits", "visits_include", "visits_exclude"].map(|name| reader.texts(fields, AT, name));
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
    Expected {
        status: status.unwrap_or(unsaid).to_owned(),
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
        duration_seconds: reader.number(fields, AT, "duration_seconds"),
    }
}

fn output_at(reader: &mut Reader<'_>, fields: &Map<String, Value>) -> Vec<(String, Query, Value)> {
    const AT: &str = "/expect/output_at";
    let mut places = Vec::new();
    let Some(given) = fields.get("output_at") else {
        return places;
    };
    for (path, value) in reader.object(given, AT).into_iter().flatten() {
        match Query::parse(path) {
            Ok(query) => places.push((path.clone(), query, value.clone())),
            Err(error) => reader.refuse(&Reader::below(AT, path), error.to_string()),
        }
    }
    places
}

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

impl Expected {
    /// Tells whether the order of the states, or which there are, matters.
    #[must_use]
    pub fn is_about_visits(&self) -> bool {
        self.visits.is_some() || !self.visits_include.is_empty() || !self.visits_exclude.is_empty()
    }
}
