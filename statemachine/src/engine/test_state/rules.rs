//! The checks of a request to test a state, with AWS's messages.

use serde_json::{Map, Value};

use crate::definition::map::ResultWriter;
use crate::definition::model::{State, StateKind};
use crate::engine::attempt::Attempt;
use crate::engine::failure::Failure;
use crate::engine::inspection_data::MockedResult;
use crate::engine::map::map_items::items;
use crate::engine::test_state::request::TestStateRequest;
use crate::error::{Error, ErrorKind};

/// AWS's message for a request with more failed iterations than the Map has.
const TOO_MANY_FAILED: &str =
    "Map iteration failure count must be less than or equal to the number of Map iterations";

/// The modes in which AWS compares a mocked result with the API's shape. All are accepted, and none compares anything
/// here: the shapes are in AWS's service models, which this crate does not have.
const VALIDATION_MODES: [&str; 3] = ["PRESENT", "STRICT", "NONE"];

/// Reads the mock of a request; rejects a request whose fields contradict each other or the state.
pub(super) fn mock(
    request: &TestStateRequest,
    state: &State,
    context: &Map<String, Value>,
) -> Result<Option<MockedResult>, Error> {
    let configuration = &request.state_configuration;
    if context.contains_key("Task") && !waits_outside(state) {
        return refuse(
            "Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a \
             '.sync' or '.waitForTaskToken' service integration pattern",
        );
    }
    if context.contains_key("Map") {
        return refuse(
            "Invalid Context object provided: 'Map' field is not supported when mocking a Context object",
        );
    }
    let Some(mock) = &request.mock else {
        if configuration.map_iteration_failure_count.is_some() {
            return refuse(
                "TestState does not support MapIterationFailureCount when a mock is not specified.",
            );
        }
        if configuration.error_caused_by_state.is_some() {
            return refuse(
                "TestState does not support ErrorCausedByState when a mock is not specified.",
            );
        }
        if matches!(state.kind, StateKind::Map(_) | StateKind::Parallel(_)) {
            return Err(Error::new(
                ErrorKind::InvalidDefinition,
                "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, \
                 Pass, Succeed, Fail, Choice]",
            ));
        }
        if waits_outside(state) {
            return refuse("State type 'Task' is not supported when a mock is not specified");
        }
        if matches!(state.kind, StateKind::Task(_)) && request.role_arn.is_none() {
            return refuse("RoleArn must be specified when testing a Task state");
        }
        return Ok(None);
    };
    if request.reveal_secrets {
        return refuse("TestState does not support RevealSecrets when a mock is specified.");
    }
    if !state.kind.has_error_handlers() {
        let name = state.kind.name();
        return refuse(format!(
            "State type '{name}' is not supported when a mock is specified"
        ));
    }
    if let Some(mode) = &mock.field_validation_mode
        && !VALIDATION_MODES.contains(&mode.as_str())
    {
        return refuse(format!(
            "1 validation error detected: Value '{mode}' at 'mock.fieldValidationMode' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            VALIDATION_MODES.join(", ")
        ));
    }
    if let Some(name) = &configuration.error_caused_by_state
        && !state
            .flows()
            .iter()
            .any(|flow| flow.find_state(name).is_some())
    {
        return refuse("State not found in definition");
    }
    let result = match (&mock.result, &mock.error_output) {
        (Some(_), Some(_)) => {
            return refuse(
                "A test mock should have only one of the following fields: [result, errorOutput].",
            );
        }
        (None, None) => return refuse("A mock must have a result or an error output."),
        (None, Some(error)) => Err(Failure::reported(error.error.clone(), error.cause.clone())),
        (Some(text), None) => {
            let result: Value = serde_json::from_str(text).map_err(|_reason_is_not_shown| {
                Error::new(
                    ErrorKind::InvalidRequest,
                    "Mocked result must be valid JSON",
                )
            })?;
            check_count(state, configuration.map_iteration_failure_count, &result)?;
            check_shape(state, &result)?;
            Ok(result)
        }
    };
    Ok(Some(MockedResult {
        result,
        failed_iterations: configuration.map_iteration_failure_count,
    }))
}

/// Rejects a request with more failed iterations than the mock has results.
fn check_count(state: &State, failed: Option<usize>, result: &Value) -> Result<(), Error> {
    match (&state.kind, failed, result) {
        (StateKind::Map(_), Some(failed), Value::Array(results)) if failed > results.len() => {
            refuse(TOO_MANY_FAILED)
        }
        _ => Ok(()),
    }
}

/// Rejects a mocked result that the state could not have.
fn check_shape(state: &State, result: &Value) -> Result<(), Error> {
    match (&state.kind, result) {
        (StateKind::Map(map), result) => {
            let exports = matches!(
                &map.writer,
                Some(ResultWriter {
                    resource: Some(_),
                    ..
                })
            );
            match (exports, result.is_object(), result.is_array()) {
                (true, false, _) => refuse("Mocked result must be a JSON object."),
                (false, _, false) => refuse("Mocked result must be an array."),
                _ => Ok(()),
            }
        }
        (StateKind::Parallel(branches), Value::Array(results))
            if results.len() != branches.len() =>
        {
            refuse(
                "Mocked result must contain the same number of items as number of Parallel branches.",
            )
        }
        (StateKind::Parallel(_), result) if !result.is_array() => {
            refuse("Mocked result must be an array.")
        }
        _ => Ok(()),
    }
}

/// Rejects a request with more failed iterations than the Map has items.
pub(super) fn check_iterations(
    request: &TestStateRequest,
    state: &State,
    attempt: &Attempt<'_>,
    input: &Value,
) -> Result<(), Error> {
    if let (StateKind::Map(map), Some(failed)) = (
        &state.kind,
        request.state_configuration.map_iteration_failure_count,
    ) && let Ok(items) = items(attempt, map, input)
        && failed > items.len()
    {
        return refuse(TOO_MANY_FAILED);
    }
    Ok(())
}

/// Returns `true` if the state waits for the answer to a token, or for the end of a service's job.
fn waits_outside(state: &State) -> bool {
    match &state.kind {
        StateKind::Task(task) => task.resource.waits_for_token() || task.resource.waits_for_job(),
        _ => false,
    }
}

/// Returns `true` if the state is a task that waits for the answer to a token.
pub(super) fn waits_for_token(state: &State) -> bool {
    matches!(&state.kind, StateKind::Task(task) if task.resource.waits_for_token())
}

/// Returns the error [`ErrorKind::InvalidRequest`] with AWS's message.
fn refuse<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidRequest, message))
}
