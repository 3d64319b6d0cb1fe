//! `drivetrain test-state`: one state by itself, as the TestState API does it.

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
use crate::commands::Verdict;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::definition::read_text;
use crate::machines::json_argument::read_json;
use crate::print;

/// The fields of a request. Those marked hold JSON text in the API; JSON itself is taken too.
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

/// The API wants a role where a task may be called; here nobody assumes it.
const NO_ROLE: &str = "arn:aws:iam::000000000000:role/none";

/// Tests one state and shows how it ended.
///
/// # Errors
/// `Usage` for a request that AWS would refuse, and for a task that calls without a mock.
pub fn test(args: &TestStateArgs, json: bool) -> Result<Verdict> {
    let request = match &args.request {
        Some(path) => request_file(path)?,
        None => request_of_flags(args)?,
    };
    let response = answer(&request)?;
    if json || args.request.is_some() {
        print::answer_json(&response)?;
    } else {
        print::answer(&text(&response))?;
    }
    Ok(match response.status {
        TestStateStatus::Failed => Verdict::Failed,
        _ => Verdict::Passed,
    })
}

fn answer(request: &TestStateRequest) -> Result<TestStateResponse> {
    let (sender, called) = std::sync::mpsc::channel();
    let handler = move |call: TaskCall| {
        // Nobody waits for the name once the test is over.
        let _ = sender.send((call.state, call.resource.arn().to_owned()));
        std::future::ready(Err::<Value, _>(TaskFailure::default()))
    };
    let engine = Engine::new(handler).start_time(Utc::now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .context(ErrorKind::Failed, "cannot start the runtime")?;
    let response = runtime
        .block_on(test_state(&engine, request))
        .map_err(|error| {
            let refused = Error::new(
                ErrorKind::Usage,
                format!("{}: {}", error.aws_code(), error.aws_message()),
            );
            match (error.kind(), states(&request.definition)) {
                (LanguageErrorKind::InvalidDefinition, Some(_)) => {
                    refused.hint("`drivetrain check` tells the place of each problem")
                }
                (LanguageErrorKind::InvalidRequest, Some(names))
                    if request
                        .state_name
                        .as_ref()
                        .is_none_or(|name| !names.contains(name)) =>
                {
                    refused.hint(format!(
                        "`--state` (`stateName` of a request) names one of `{}`",
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
            format!("the state `{state}` calls `{resource}`, and there is no mock for it"),
        )
        .hint("`--mock '{\"result\": ..}'` gives the answer, `--mock '{\"errorOutput\": {\"error\": ..}}'` an error")),
        Err(_) => Ok(response),
    }
}

/// Names the states of a machine; a state alone has none.
fn states(definition: &str) -> Option<Vec<String>> {
    let machine: Value = serde_json::from_str(definition).ok()?;
    machine.get("States")?;
    let names = Machine::from_value(machine, MachineType::Standard)
        .map(|machine| machine.states().into_iter().map(|state| state.name));
    Some(names.map(Iterator::collect).unwrap_or_default())
}

fn request_of_flags(args: &TestStateArgs) -> Result<TestStateRequest> {
    let text = |flag: &str, given: &Option<String>| -> Result<Option<String>> {
        let Some(given) = given else { return Ok(None) };
        read_json(flag, given).map(|value| Some(value.to_string()))
    };
    let Some(definition) = &args.definition else {
        return Err(Error::new(
            ErrorKind::Usage,
            "there is neither a definition nor a `--request`",
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

fn request_file(path: &Path) -> Result<TestStateRequest> {
    let shown = path.display().to_string();
    let value = read_json("--request", &shown)?;
    let Value::Object(mut fields) = value else {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{shown}` holds no object"),
        ));
    };
    known(&shown, &fields, &FIELDS.map(|(name, _)| name))?;
    if fields.get("definition").is_none_or(Value::is_null) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{shown}` has no `definition`"),
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

/// Refuses names that the API does not know, as AWS's own client does.
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
    .hint(format!("the fields are {}", names.join(", "))))
}

/// Writes JSON as text where the API has text.
fn to_text(value: &mut Value) {
    if !value.is_string() && !value.is_null() {
        *value = Value::String(value.to_string());
    }
}

fn read<T: DeserializeOwned>(origin: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).context(
        ErrorKind::Usage,
        format!("`{origin}` has a field of a wrong type"),
    )
}

fn text(response: &TestStateResponse) -> String {
    let status = match response.status {
        TestStateStatus::Succeeded => "SUCCEEDED",
        TestStateStatus::Failed => "FAILED: no handler takes the error",
        TestStateStatus::Retriable => "RETRIABLE: a retrier takes the error",
        TestStateStatus::CaughtError => "CAUGHT_ERROR: a catcher takes the error",
    };
    let mut lines = vec![("status", status.to_owned())];
    let fields = [
        ("output", &response.output),
        ("error", &response.error),
        ("cause", &response.cause),
        ("next state", &response.next_state),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            lines.push((name, value.clone()));
        }
    }
    for (name, value) in &response.inspection_data {
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
