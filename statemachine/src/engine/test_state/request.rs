//! The request and the response of the TestState API, as AWS writes them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::port::task_handler::TaskFailure;

/// Asks how one state behaves; JSON stands in text, as in AWS's API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestStateRequest {
    /// The definition of a state, or of a machine whose state `state_name` names.
    pub definition: String,
    /// The role that the context object shows.
    pub role_arn: Option<String>,
    /// The state's input, `{}` if it is absent.
    pub input: Option<String>,
    /// How much of the way of the data is shown.
    pub inspection_level: InspectionLevel,
    /// Shows what an HTTP task would hide; refused together with a mock.
    pub reveal_secrets: bool,
    /// The variables assigned before, an object.
    pub variables: Option<String>,
    /// The state of a machine to test.
    pub state_name: Option<String>,
    /// What takes the place of the work.
    pub mock: Option<TestMock>,
    /// The context object, or parts of it.
    pub context: Option<String>,
    /// The situation that the state is in.
    pub state_configuration: StateConfiguration,
}

/// How much a test shows of the way of the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InspectionLevel {
    /// The output, or the error.
    #[default]
    Info,
    /// Each step of the data as well.
    Debug,
    /// The requests of an HTTP task as well.
    Trace,
}

/// What takes the place of a task, of branches or of iterations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestMock {
    /// A result, JSON text.
    pub result: Option<String>,
    /// A failure.
    pub error_output: Option<TaskFailure>,
    /// How strictly AWS compares the result with the API's own shape: `STRICT`, `PRESENT` or `NONE`.
    ///
    /// Any other word is refused. The comparison itself is not made, whatever stands here: the shapes are in AWS's
    /// service models, which this crate does not have.
    pub field_validation_mode: Option<String>,
}

/// The situation that a tested state is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StateConfiguration {
    /// How often the state has been retried.
    pub retrier_retry_count: Option<u32>,
    /// The state inside a Map or a Parallel state whose failure the mock is.
    pub error_caused_by_state: Option<String>,
    /// How many of a Map's iterations failed.
    pub map_iteration_failure_count: Option<usize>,
    /// What a Map's ItemReader reads.
    pub map_item_reader_data: Option<String>,
}

/// Tells how one state behaves.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TestStateResponse {
    /// The output, JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The error's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error's cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The steps of the data under AWS's names, values as JSON text; empty at level INFO.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub inspection_data: Map<String, Value>,
    /// The state that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_state: Option<String>,
    /// How the state ended.
    pub status: TestStateStatus,
}

/// How a tested state ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestStateStatus {
    /// With an output.
    #[default]
    Succeeded,
    /// With an error that no handler takes.
    Failed,
    /// With an error that a retrier takes.
    Retriable,
    /// With an error that a catcher takes.
    CaughtError,
}
