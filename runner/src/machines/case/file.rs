//! Reads and checks a test case file.

use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use drivetrain_statemachine::mocks::{MockCase, MockFile};
use drivetrain_statemachine::{Machine, MachineType};
use serde_json::{Map, Value, json};

use crate::machines::buckets::handler::Buckets;
use crate::machines::case::expected::Expected;
use crate::machines::case::field_reader::Reader;
use crate::machines::case::fields::{CASE, names};
use crate::machines::definition::{machine_name, stem};
use crate::machines::definition_cache::MachineFiles;
use crate::machines::mocks::file::read_mocks;
use crate::machines::simulation::MaxEvents;
use crate::machines::stand_ins::StandIns;

/// Suffix of the names of case files.
pub const SUFFIX: &str = ".case.json";

/// The default start time of an execution. It is fixed, so that every run of a case gives the same result.
const START_TIME: &str = "2026-01-01T00:00:00Z";

/// The default limit of events for an EXPRESS execution, so that an endless loop ends; AWS has no quota of events for
/// EXPRESS.
const EXPRESS_EVENTS: u64 = 1_000_000;

/// A test case that was read without errors and is ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// The case's name: its file's name without [`SUFFIX`].
    pub name: String,
    /// Path of the case file; its folder is the base of the paths in the case.
    pub path: PathBuf,
    /// Path of the definition file, from which the machine's name is derived.
    pub definition: PathBuf,
    /// The machine that the case executes, parsed from `definition`.
    pub machine: Machine,
    /// The date and time at which the execution starts.
    pub start_time: DateTime<Utc>,
    /// The seed of random numbers, jitter and UUIDs.
    pub seed: u64,
    /// The limit of events in the history; `None` for AWS's quota of the machine's type.
    pub max_events: Option<MaxEvents>,
    /// The input with which the execution starts.
    pub input: Value,
    /// The answers to task calls, from the field `mocks` or from the mock file.
    pub mocks: MockCase,
    /// The local services that answer tasks; what tasks write stays in memory.
    pub stand_ins: StandIns,
    /// The expectations that the result of the execution must meet.
    pub expected: Expected,
}

impl Case {
    /// Reads a case and its definition; if either has errors, records all of them in `machines` and returns `None`.
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
                &machine_name(&definition),
                machine.as_ref(),
            ),
            stand_ins: StandIns {
                buckets: buckets(&mut reader, path, fields),
            }
            .keeping_writes(),
            expected: Expected::read(&mut reader, fields, machine.as_ref()),
            definition,
            machine: machine?,
        };
        (reader.count() == before).then_some(case)
    }
}

/// Returns the name of a case: its file's name without [`SUFFIX`].
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned()
}

/// Returns the folder of a case; the paths in the case are relative to it.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Returns the path of the definition: the one in the field `machine`, or else `orders.asl.json` or `orders.json`
/// beside `orders.<anything>.case.json`.
fn definition(
    reader: &mut Reader<'_>,
    path: &Path,
    fields: &Map<String, Value>,
) -> Option<PathBuf> {
    if fields.contains_key("machine") {
        let named = reader.text(fields, "", "machine")?;
        let definition = plain(&folder(path).join(named));
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
            format!("there is no `{machine}.asl.json` and no `{machine}.json` beside the case: name the definition in the field `machine`"),
        );
    }
    found
}

/// Resolves `.` and `..` in a path, so that two cases give the same path for one definition.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match (part, plain.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            (part, _) => plain.push(part),
        }
    }
    plain
}

/// Reads `start_time`, which defaults to [`START_TIME`].
fn start_time(reader: &mut Reader<'_>, fields: &Map<String, Value>) -> DateTime<Utc> {
    let text = reader.text(fields, "", "start_time");
    match DateTime::parse_from_rfc3339(text.unwrap_or(START_TIME)) {
        Ok(date) => date.to_utc(),
        Err(error) => {
            let message =
                format!("expected a date with time and time zone, such as `{START_TIME}`: {error}");
            reader.refuse("/start_time", message);
            DateTime::UNIX_EPOCH
        }
    }
}

/// Reads `max_events`, whose default depends on the machine's type.
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

/// Reads `input`, or the file that `input_file` names.
fn input(reader: &mut Reader<'_>, path: &Path, fields: &Map<String, Value>) -> Value {
    reader.not_both(fields, "", "input", "input_file");
    if let Some(named) = reader.text(fields, "", "input_file") {
        let file = folder(path).join(named);
        let read = reader.findings.json_file(&file);
        return read.map(|(_, value)| value).unwrap_or_default();
    }
    fields.get("input").cloned().unwrap_or_else(|| json!({}))
}

/// Reads `mocks`, or a case of the file that `mock_file` names.
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
            "`mock_case` is set without `mock_file`: add `mock_file`, or remove `mock_case`",
        );
    }
    let Some(given) = fields.get("mocks") else {
        return MockCase::default();
    };
    let Some(states) = reader.object(given, "/mocks") else {
        return MockCase::default();
    };
    reader.states(states.keys(), "/mocks", machine, Some(&["Task", "Map"]));
    // The answers are wrapped in the format of a mock file, so that one parser reads both.
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

/// Reads `s3`: a folder per bucket.
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
    buckets
}
