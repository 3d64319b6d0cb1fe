//! `drivetrain test-state`: runs a single state, as the TestState API does.

use std::path::Path;

use chrono::Utc;
use drivetrain_statemachine::{
    Engine, ErrorKind as LanguageErrorKind, InspectionLevel, Machine, MachineType,
    StateConfiguration, TaskCall, TaskFailure, TestMock, TestStateRequest, TestStateResponse,
    TestStateStatus, test_state,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::cli::{Level, TestStateArgs};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::definition::read_text;
use crate::machines::json_argument::read_json;
use crate::terminal::printer::{Answer, Json, ToText, Verdict};

/// Fields of a request, each with `true` if the API expects JSON in a string there; plain JSON is accepted too.
const FIELDS: [(&str, bool); 10] = [
    ("definition", true),
    ("roleArn", false),
    ("input", true),
    ("inspectionLevel", false),
    ("revealSecrets", false),
    ("variables", true),
    ("stateName", false),
    ("mock", false),
    ("context", true),
    ("stateConfiguration", false),
];

/// Role ARN of a test without `--role-arn`. The API requires a role for tasks, but a local test makes no call with it.
const NO_ROLE: &str = "arn:aws:iam::000000000000:role/none";

/// Tests one state, which the flags or a request describe, and returns the result.
///
/// # Errors
/// `Usage` for a request that AWS would refuse, and for a task call without a mock.
pub fn test(args: &TestStateArgs) -> Result<Answer> {
    let request = match &args.request {
        Some(path) => request_file(path)?,
        None => request_of_flags(args)?,
    };
    let response = answer(&request)?;
    let verdict = match response.status {
        TestStateStatus::Failed => Verdict::Failed,
        _ => Verdict::Passed,
    };
    let answer = if args.request.is_some() {
        // A request in the API's JSON gets a response in the API's JSON, in any output format.
        Answer::asked(Json(response))
    } else {
        Answer::asked(response)
    };
    Ok(answer.verdict(verdict))
}

/// Runs the state in virtual time.
///
/// A task call reaches the handler only if it has no mock; the handler records the call, and the test fails with an
/// error.
fn answer(request: &TestStateRequest) -> Result<TestStateResponse> {
    let (sender, called) = std::sync::mpsc::channel();
    let handler = move |call: TaskCall| {
        // The send fails only after the test has ended, when the call no longer matters.
        let _ = sender.send((call.state, call.resource.arn().to_owned()));
        std::future::ready(Err::<Value, _>(TaskFailure::default()))
    };
    let engine = Engine::new(handler).start_time(Utc::now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .context(
            ErrorKind::Failed,
            "cannot start the Tokio runtime that tests the state",
        )?;
    let response = runtime
        .block_on(test_state(&engine, request))
        .map_err(|error| {
            let refused = Error::new(
                ErrorKind::Usage,
                format!("{}: {}", error.aws_code(), error.aws_message()),
            );
            match (error.kind(), states(&request.definition)) {
                (LanguageErrorKind::InvalidDefinition, Some(_)) => {
                    refused.hint("run `drivetrain check` on the definition's file: it lists each problem with line and column")
                }
                (LanguageErrorKind::InvalidRequest, Some(names))
                    if request
                        .state_name
                        .as_ref()
                        .is_none_or(|name| !names.contains(name)) =>
                {
                    refused.hint(format!(
                        "set `--state` (`stateName` in a request) to one of `{}`",
                        names.join("`, `")
                    ))
                }
                _ => match error.diagnostics().iter().find_map(|one| one.hint.clone()) {
                    Some(hint) => refused.hint(hint),
                    None => refused,
                },
            }
        })?;
    match called.try_recv() {
        Ok((state, resource)) => Err(Error::new(
            ErrorKind::Usage,
            format!("the state `{state}` calls `{resource}`, which has no mock"),
        )
        .hint("`--mock '{\"result\": ..}'` sets the task's result, `--mock '{\"errorOutput\": {\"error\": ..}}'` makes the task fail")),
        Err(_) => Ok(response),
    }
}

/// Returns the names of a machine's states, or no names if the machine has errors; `None` for the definition of a
/// single state.
fn states(definition: &str) -> Option<Vec<String>> {
    let machine: Value = serde_json::from_str(definition).ok()?;
    machine.get("States")?;
    let names = Machine::from_value(machine, MachineType::Standard)
        .map(|machine| machine.states().into_iter().map(|state| state.name));
    Some(names.map(Iterator::collect).unwrap_or_default())
}

/// Builds the API's request object from the flags.
fn request_of_flags(args: &TestStateArgs) -> Result<TestStateRequest> {
    let text = |flag: &str, given: &Option<String>| -> Result<Option<String>> {
        let Some(given) = given else { return Ok(None) };
        read_json(flag, given).map(|value| Some(value.to_string()))
    };
    let Some(definition) = &args.definition else {
        return Err(Error::new(
            ErrorKind::Usage,
            "expected a definition or `--request`",
        ));
    };
    Ok(TestStateRequest {
        definition: read_text(definition)?,
        role_arn: Some(args.role_arn.clone().unwrap_or_else(|| NO_ROLE.to_owned())),
        input: text("--input", &args.input)?,
        inspection_level: match args.level {
            Level::Info => InspectionLevel::Info,
            Level::Debug => InspectionLevel::Debug,
            Level::Trace => InspectionLevel::Trace,
        },
        reveal_secrets: args.reveal_secrets,
        variables: text("--variables", &args.variables)?,
        state_name: args.state.clone(),
        mock: match &args.mock {
            Some(given) => Some(read_mock("--mock", read_json("--mock", given)?)?),
            None => None,
        },
        context: text("--context", &args.context)?,
        state_configuration: match &args.configuration {
            Some(given) => {
                read_configuration("--configuration", read_json("--configuration", given)?)?
            }
            None => StateConfiguration::default(),
        },
    })
}

/// Reads a request in the API's JSON.
fn request_file(path: &Path) -> Result<TestStateRequest> {
    let shown = path.display().to_string();
    let value = read_json("--request", &shown)?;
    let Value::Object(mut fields) = value else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{shown}` is not a JSON object"),
        ));
    };
    known(&shown, &fields, &FIELDS.map(|(name, _)| name))?;
    if fields.get("definition").is_none_or(Value::is_null) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{shown}` has no field `definition`"),
        ));
    }
    for (name, is_text) in FIELDS {
        if is_text && let Some(value) = fields.get_mut(name) {
            to_text(value);
        }
    }
    let mock = fields.shift_remove("mock").filter(|mock| !mock.is_null());
    let configuration = fields
        .shift_remove("stateConfiguration")
        .filter(|configuration| !configuration.is_null());
    let mut request: TestStateRequest = read(&shown, Value::Object(fields))?;
    request.mock = mock.map(|mock| read_mock(&shown, mock)).transpose()?;
    if let Some(configuration) = configuration {
        request.state_configuration = read_configuration(&shown, configuration)?;
    }
    Ok(request)
}

/// Parses a mock, whose `result` may be JSON or a string of JSON.
fn read_mock(origin: &str, mut value: Value) -> Result<TestMock> {
    if let Some(fields) = value.as_object_mut() {
        known(
            origin,
            fields,
            &["result", "errorOutput", "fieldValidationMode"],
        )?;
        if let Some(result) = fields.get_mut("result") {
            to_text(result);
        }
    }
    read(origin, value)
}

/// Parses a state configuration, whose `mapItemReaderData` may be JSON or a string of JSON.
fn read_configuration(origin: &str, mut value: Value) -> Result<StateConfiguration> {
    if let Some(fields) = value.as_object_mut() {
        let names = [
            "retrierRetryCount",
            "errorCausedByState",
            "mapIterationFailureCount",
            "mapItemReaderData",
        ];
        known(origin, fields, &names)?;
        if let Some(data) = fields.get_mut("mapItemReaderData") {
            to_text(data);
        }
    }
    read(origin, value)
}

/// Checks that all fields are known to the API, as AWS's client does.
///
/// # Errors
/// `Usage` if a field is unknown.
fn known(origin: &str, fields: &Map<String, Value>, names: &[&str]) -> Result<()> {
    let unknown: Vec<&str> = fields
        .keys()
        .map(String::as_str)
        .filter(|name| !names.contains(name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!("`{origin}` has unknown fields: `{}`", unknown.join("`, `")),
    )
    .hint(format!("the known fields are `{}`", names.join("`, `"))))
}

/// Replaces a JSON value with its text as a string; strings and `null` stay unchanged.
fn to_text(value: &mut Value) {
    if !value.is_string() && !value.is_null() {
        *value = Value::String(value.to_string());
    }
}

/// Deserializes a part of a request; `origin` names it in the error.
fn read<T: DeserializeOwned>(origin: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).context(
        ErrorKind::Usage,
        format!("`{origin}` has a field of the wrong type"),
    )
}

impl ToText for TestStateResponse {
    fn text(&self) -> String {
        let status = match self.status {
            TestStateStatus::Succeeded => "SUCCEEDED",
            TestStateStatus::Failed => "FAILED: no retrier or catcher matches the error",
            TestStateStatus::Retriable => "RETRIABLE: a retrier matches the error",
            TestStateStatus::CaughtError => "CAUGHT_ERROR: a catcher matches the error",
        };
        let mut lines = vec![("status", status.to_owned())];
        let fields = [
            ("output", &self.output),
            ("error", &self.error),
            ("cause", &self.cause),
            ("next state", &self.next_state),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                lines.push((name, value.clone()));
            }
        }
        for (name, value) in &self.inspection_data {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            lines.push((name, value));
        }
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        lines
            .into_iter()
            .fold(String::new(), |text, (name, value)| {
                text + &format!("{name:<width$}  {value}\n")
            })
    }
}
