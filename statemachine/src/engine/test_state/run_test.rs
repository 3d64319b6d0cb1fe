//! Runs one attempt of one state, with a mock or with the task handler.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::definition::{Machine, MachineType};
use crate::engine::attempt::Attempt;
use crate::engine::clock::{Clock, date_text};
use crate::engine::execution::environment::Environment;
use crate::engine::execution::execution_run::Run;
use crate::engine::failure::Failure;
use crate::engine::flow_thread::FlowThread;
use crate::engine::inspection_data::{Inspection, MockedResult};
use crate::engine::retriers::RetryCounter;
use crate::engine::start_execution::Engine;
use crate::engine::state::{catch_failure, run_attempt};
use crate::engine::state_data::StateData;
use crate::engine::test_state::request::{
    InspectionLevel, TestStateRequest, TestStateResponse, TestStateStatus,
};
use crate::engine::test_state::rules;
use crate::error::{Error, ErrorKind};
use crate::scope::{Host, Random};

/// The name of the tested state if the request has no `stateName`.
const STATE_NAME: &str = "StateName";

/// Tests one state: runs one attempt without a machine around it, with a mock or with the engine's task handler.
///
/// ```
/// use drivetrain_statemachine::{Engine, TaskCall, TaskFailure, TestMock, TestStateRequest, test_state};
/// use serde_json::Value;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskFailure::new("NotCalled", "")) });
/// let request = TestStateRequest {
///     definition: r#"{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": "$.answer", "Next": "B"}"#.to_owned(),
///     input: Some(r#"{"question": 6}"#.to_owned()),
///     mock: Some(TestMock { result: Some("42".to_owned()), ..TestMock::default() }),
///     ..TestStateRequest::default()
/// };
/// let response = test_state(&engine, &request).await?;
/// assert_eq!(response.output.as_deref(), Some(r#"{"question":6,"answer":42}"#));
/// assert_eq!(response.next_state.as_deref(), Some("B"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidDefinition`] if the definition has errors, [`ErrorKind::InvalidRequest`] if the request
/// contradicts itself, [`ErrorKind::InvalidInput`] if a part is not JSON or not an object.
pub async fn test_state(
    engine: &Engine,
    request: &TestStateRequest,
) -> Result<TestStateResponse, Error> {
    let machine = machine(request)?;
    let name = request.state_name.as_deref().unwrap_or(STATE_NAME);
    let (flow, state) =
        machine.definition().flow.find_state(name).ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest, "State not found in definition")
        })?;
    let input = json(request.input.as_deref(), "input")?.unwrap_or_else(|| json!({}));
    let context = object(request.context.as_deref(), "context")?;
    let variables = object(request.variables.as_deref(), "variables")?;
    let mock = rules::mock(request, state, &context)?;
    let run = Arc::new(Run::of_test(
        Arc::new(environment(engine, request, mock)),
        &input,
        context,
    ));
    let mut thread = FlowThread {
        variables: Arc::new(variables),
        ..FlowThread::default()
    };
    let variables = thread.variables.clone();
    let attempt = Attempt {
        run: &run,
        state,
        variables: &variables,
        variable_bytes: 0,
        item: None,
        entered: 0,
        entered_at: date_text(engine.start_time),
        retry_count: request.state_configuration.retrier_retry_count.unwrap_or(0),
        token: rules::waits_for_token(state).then(|| run.environment.uuid()),
    };
    let attempted = run_attempt(&attempt, &mut thread, &input).await;
    rules::check_iterations(request, state, &attempt, &input)?;
    let mut details = Map::new();
    let mut response = TestStateResponse::default();
    let next = |index: Option<usize>| index.map(|index| flow.states[index].name.clone());
    match attempted {
        Ok(done) => {
            response.output = Some(
                done.output
                    .as_ref()
                    .map_or(&input, StateData::value)
                    .to_string(),
            );
            response.next_state = next(done.next);
        }
        Err(failure) => fail(&attempt, &input, failure, &mut response, &mut details, next),
    }
    if request.inspection_level != InspectionLevel::Info {
        response.inspection_data = inspection_data(&run, &input, &variables, details);
    }
    Ok(response)
}

/// Fills the response for a failure: its error, and the retrier or the catcher that matches it.
fn fail(
    attempt: &Attempt<'_>,
    input: &Value,
    failure: Failure,
    response: &mut TestStateResponse,
    details: &mut Map<String, Value>,
    next: impl Fn(Option<usize>) -> Option<String>,
) {
    let state = attempt.state;
    response.status = TestStateStatus::Failed;
    let retries = RetryCounter::with_used(&state.retry, attempt.retry_count);
    if let Some(index) = retries.index(&failure) {
        details.insert("retryIndex".to_owned(), index.into());
    }
    if let Some((_, delay)) = retries.find(&failure) {
        response.status = TestStateStatus::Retriable;
        details.insert(
            "retryBackoffIntervalSeconds".to_owned(),
            delay.as_secs().into(),
        );
    } else if let Some(index) = state
        .catch
        .iter()
        .position(|catcher| failure.matches(&catcher.errors))
    {
        details.insert("catchIndex".to_owned(), index.into());
        match catch_failure(attempt, input, &failure, index) {
            Ok(done) => {
                response.status = TestStateStatus::CaughtError;
                response.output = Some(
                    done.output
                        .as_ref()
                        .map_or(input, StateData::value)
                        .to_string(),
                );
                response.next_state = next(done.next);
            }
            Err(failure) => {
                response.error = failure.error;
                response.cause = failure.cause;
                return;
            }
        }
    }
    response.error = failure.error;
    response.cause = failure.cause;
}

/// Builds the inspection data of the response, in which all values except numbers are JSON text.
fn inspection_data(
    run: &Run,
    input: &Value,
    variables: &Map<String, Value>,
    details: Map<String, Value>,
) -> Map<String, Value> {
    let numbers = [
        "maxConcurrency",
        "toleratedFailureCount",
        "toleratedFailurePercentage",
    ];
    let mut data = Map::new();
    data.insert("input".to_owned(), input.to_string().into());
    if !variables.is_empty() {
        data.insert(
            "variables".to_owned(),
            Value::Object(variables.clone()).to_string().into(),
        );
    }
    if !details.is_empty() {
        data.insert("errorDetails".to_owned(), Value::Object(details));
    }
    let steps = run
        .environment
        .inspection
        .as_ref()
        .map(Inspection::steps)
        .unwrap_or_default();
    for (name, value) in steps {
        let shown = if numbers.contains(&name.as_str()) {
            value
        } else {
            value.to_string().into()
        };
        data.insert(name, shown);
    }
    data
}

/// Builds the environment of a test, which keeps no history and has no event limit.
fn environment(
    engine: &Engine,
    request: &TestStateRequest,
    mock: Option<MockedResult>,
) -> Environment {
    let mut names = engine.names.clone();
    names.role_arn.clone_from(&request.role_arn);
    Environment::new(
        engine.handler.clone(),
        None,
        Clock::starting_at(engine.start_time),
        engine.tokens.clone(),
        Host {
            now: engine.start_time,
            random: Random::from_seed(engine.seed),
        },
        names,
        None,
        Some(Inspection::new(
            mock,
            request.state_configuration.map_item_reader_data.clone(),
        )),
    )
}

/// Parses the definition. A single state becomes a machine, with a Succeed state for each name that it transitions to.
fn machine(request: &TestStateRequest) -> Result<Machine, Error> {
    match serde_json::from_str::<Value>(&request.definition) {
        Ok(state) if state.get("Type").is_some() && state.get("States").is_none() => {
            let mut states = Map::new();
            for target in targets(&state) {
                states.insert(target, json!({"Type": "Succeed"}));
            }
            states.insert(STATE_NAME.to_owned(), state);
            Machine::from_value(
                json!({"StartAt": STATE_NAME, "States": states}),
                MachineType::Standard,
            )
        }
        _ => Machine::parse(&request.definition),
    }
}

/// Returns the names that a state transitions to by `Next` or `Default`, including those of its rules and catchers.
fn targets(state: &Value) -> Vec<String> {
    let list = |name: &str| {
        state
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let named = ["Next", "Default"].iter().map(|name| state.get(*name));
    let listed = ["Choices", "Catch"]
        .iter()
        .flat_map(|name| list(name))
        .map(|entry| entry.get("Next"));
    named
        .chain(listed)
        .flatten()
        .filter_map(|target| target.as_str().map(str::to_owned))
        .collect()
}

/// Reads a part of the request as JSON; `None` if it is missing.
fn json(text: Option<&str>, name: &str) -> Result<Option<Value>, Error> {
    text.map(|text| {
        serde_json::from_str(text).map_err(|error| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("the field `{name}` of the request is not valid JSON"),
            )
            .caused_by(error)
        })
    })
    .transpose()
}

/// Reads a part of the request as an object, which is empty if the part is missing.
fn object(text: Option<&str>, name: &str) -> Result<Map<String, Value>, Error> {
    match json(text, name)? {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the field `{name}` of the request must be a JSON object"),
        )),
    }
}
