//! The request and the response of the TestState API, as AWS writes them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::port::task_handler::TaskFailure;

/// The request to test one state. As in AWS's API, JSON values are given as text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestStateRequest {
    /// The definition of a state, or of a machine whose state `state_name` names.
    pub definition: String,
    /// The ARN of the role that the context object shows; a Task without a mock requires it.
    pub role_arn: Option<String>,
    /// The state's input as JSON text; `{}` if it is absent.
    pub input: Option<String>,
    /// The amount of detail in the response.
    pub inspection_level: InspectionLevel,
    /// `true` to show the secrets of an HTTP task; rejected together with a mock.
    pub reveal_secrets: bool,
    /// The variables that the state can read, as a JSON object.
    pub variables: Option<String>,
    /// The name of the state to test, if `definition` is a machine.
    pub state_name: Option<String>,
    /// The mock that replaces the state's work.
    pub mock: Option<TestMock>,
    /// The context object or parts of it, as a JSON object.
    pub context: Option<String>,
    /// The circumstances in which the state is tested, such as earlier retries.
    pub state_configuration: StateConfiguration,
}

/// The amount of detail in the response of a test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InspectionLevel {
    /// The response has the output or the error.
    #[default]
    Info,
    /// The response also has the value after each step of the data.
    Debug,
    /// The response also has the requests of an HTTP task.
    Trace,
}

/// The mock of a task, of branches or of iterations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestMock {
    /// The mocked result, as JSON text.
    pub result: Option<String>,
    /// The mocked failure; a mock has either this or a result.
    pub error_output: Option<TaskFailure>,
    /// The strictness with which AWS compares the result with the API's shape: `STRICT`, `PRESENT` or `NONE`.
    ///
    /// Any other word is rejected. No mode compares anything here: the shapes are in AWS's service models, which this
    /// crate does not have.
    pub field_validation_mode: Option<String>,
}

/// The circumstances in which a state is tested, which a real execution would bring about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateConfiguration {
    /// The number of retries that every retrier of the state is assumed to have used.
    pub retrier_retry_count: Option<u32>,
    /// The name of the state inside a Map or a Parallel state that is assumed to have failed with the mock's error.
    pub error_caused_by_state: Option<String>,
    /// The number of a Map's iterations that are assumed to have failed.
    pub map_iteration_failure_count: Option<usize>,
    /// The text of the object that a Map's `ItemReader` is assumed to read.
    pub map_item_reader_data: Option<String>,
}

/// The response to the test of one state.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TestStateResponse {
    /// The output as JSON text; absent unless the state succeeded or its error was caught.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The name of the error; absent if the state succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The cause of the error; absent if the state succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The steps of the data by AWS's names, with values as JSON text; empty at level INFO.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inspection_data: Map<String, Value>,
    /// The name of the next state; absent if none follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_state: Option<String>,
    /// The way in which the state ended.
    pub status: TestStateStatus,
}

/// The way in which a tested state ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestStateStatus {
    /// The state succeeded with an output.
    #[default]
    Succeeded,
    /// The state failed. Neither a catcher nor a retrier with retries left matches the error.
    Failed,
    /// The state failed, and a retrier with retries left matches the error.
    Retriable,
    /// The state failed. A catcher matches the error, and no retrier with retries left does.
    CaughtError,
}
