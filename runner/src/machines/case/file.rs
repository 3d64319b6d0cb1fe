//! A test case in a file, read and checked.

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
                &machine_name(&definition),
                machine.as_ref(),
            ),
            buckets: buckets(&mut reader, path, fields),
            expected: Expected::read(&mut reader, fields, machine.as_ref()),
            definition,
            machine: machine?,
        };
        (reader.count() == before).then_some(case)
    }
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
            format!("there is no `{machine}.asl.json` beside it, and `machine` names no other definition"),
        );
    }
    found
}

/// Leaves out `.` and `..`, so that two cases name one definition alike.
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
