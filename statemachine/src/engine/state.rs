//! The path of a state's input through the fields of the state, on one screen.
//!
//! ```text
//! InputPath -> Parameters | Arguments -> task -> ResultSelector -> Assign -> ResultPath -> OutputPath | Output
//! ```
//!
//! A retry takes the same path with the same raw input. Assign and Output read the variables as they were when the
//! state was entered; the next state sees the new ones.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::definition::QueryLanguage;
use crate::definition::field_values::Payload;
use crate::definition::model::{DataPath, ResultPath, StateKind};
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::{Failure, FailureClass};
use crate::engine::flow_thread::FlowThread;
use crate::engine::inspection_data::InspectedStep;
use crate::engine::output_checks::{TOO_DEEP, over_limit, within_limit, without_place};
use crate::engine::state_data::{StateData, Variables};
use crate::engine::states::work_result::WorkResult;
use crate::engine::states::{choice, fail, map, parallel, pass, succeed, task, wait};
use crate::evaluation_budget::nests_too_deeply;
use crate::json_text::{DEEPEST, JsonText};
use crate::payload_size::{PAYLOAD_LIMIT_BYTES, VARIABLES_LIMIT_BYTES, exceeds, length};

/// The result of an attempt that succeeded or was caught: its output, its assignments and the next state.
pub(crate) struct StateResult {
    /// The output; `None` if it is the raw input, unchanged.
    pub(crate) output: Option<StateData>,
    /// The variables to set, if the state or its matching catcher has `Assign`.
    pub(crate) assigned: Option<Variables>,
    /// The index of the next state in the flow; `None` at the flow's end.
    pub(crate) next: Option<usize>,
}

/// Runs one attempt of a state: applies all steps to the raw input, from `InputPath` to `OutputPath` or `Output`.
pub(crate) async fn run_attempt(
    attempt: &Attempt<'_>,
    thread: &mut FlowThread,
    raw: &Value,
) -> Result<StateResult, Failure> {
    let input = input_path(attempt, raw)?;
    let arguments = parameters(attempt, &input)?;
    let performed = match perform_at_once(attempt, &arguments)? {
        Some(performed) => performed,
        None => perform(attempt, thread, &input, &arguments).await?,
    };
    complete(attempt, raw, &arguments, performed, &mut None)
}

/// Runs one attempt of a state that never waits. Most states are of this kind, and without a future they run faster.
///
/// The output's text may reuse the memory of `spare`.
pub(crate) fn run_attempt_at_once(
    attempt: &Attempt<'_>,
    raw: &Value,
    spare: &mut Option<JsonText>,
) -> Result<StateResult, Failure> {
    let input = input_path(attempt, raw)?;
    let arguments = parameters(attempt, &input)?;
    let performed = perform_at_once(attempt, &arguments)?;
    let performed = performed.expect("only a state that never waits is tried at once");
    complete(attempt, raw, &arguments, performed, spare)
}

/// Applies the steps after the work: `ResultSelector`, `Assign`, then `ResultPath` and `OutputPath`, or `Output`.
fn complete(
    attempt: &Attempt<'_>,
    raw: &Value,
    arguments: &Value,
    performed: WorkResult<'_>,
    spare: &mut Option<JsonText>,
) -> Result<StateResult, Failure> {
    let result = result_selector(attempt, arguments, performed.result)?;
    let data = data(attempt, raw, &result, performed.has_result);
    let field = |name: &'static str| match performed.rule {
        Some(index) => Cow::Owned(format!("Choices[{index}]/{name}")),
        None => Cow::Borrowed(name),
    };
    let assigned = match performed.assign {
        Some(assign) => Some(assign_variables(attempt, assign, &field("Assign"), data)?),
        None => None,
    };
    let output = match attempt.state.language {
        QueryLanguage::JsonPath => output_path(
            attempt,
            result_path(attempt, &attempt.state.result_path, raw, result)?,
        )?,
        QueryLanguage::Jsonata => match performed.output {
            Some(output) => Cow::Owned(attempt.payload(output, &field("Output"), data)?),
            None => result,
        },
    };
    Ok(StateResult {
        output: state_data(attempt, raw, output, spare)?,
        assigned,
        next: performed.next,
    })
}

/// Does the work of a state that never waits; returns `None` if the state may wait.
fn perform_at_once<'a>(
    attempt: &Attempt<'a>,
    arguments: &Value,
) -> Result<Option<WorkResult<'a>>, Failure> {
    match &attempt.state.kind {
        StateKind::Choice(choice) => choice::perform(attempt, choice, arguments).map(Some),
        StateKind::Fail(fail) => Err(fail::perform(attempt, fail, arguments)?),
        StateKind::Succeed => Ok(Some(succeed::perform(attempt))),
        StateKind::Pass(result) => Ok(Some(pass::perform(attempt, result.as_ref()))),
        StateKind::Wait(_) | StateKind::Task(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
            Ok(None)
        }
    }
}

/// Does the work of a state that may wait. No other step of an attempt awaits anything.
async fn perform<'a>(
    attempt: &Attempt<'a>,
    thread: &mut FlowThread,
    input: &Value,
    arguments: &Value,
) -> Result<WorkResult<'a>, Failure> {
    let state = attempt.state;
    let (result, has_result) = match &state.kind {
        StateKind::Choice(_) | StateKind::Fail(_) | StateKind::Succeed | StateKind::Pass(_) => {
            unreachable!("these states are performed at once")
        }
        StateKind::Wait(wait) => (wait::perform(attempt, wait, arguments).await?, false),
        StateKind::Task(_) | StateKind::Parallel(_) if let Some(mock) = attempt.mock() => {
            (Some(mock.result.clone()?), true)
        }
        StateKind::Task(task) => (
            Some(task::perform(attempt, thread, task, input, arguments).await?),
            true,
        ),
        StateKind::Parallel(branches) => (
            Some(parallel::perform(attempt, thread, branches, arguments).await?),
            true,
        ),
        StateKind::Map(map) => (
            Some(map::perform(attempt, thread, map, arguments).await?),
            true,
        ),
    };
    Ok(WorkResult::of(state, result, has_result))
}

/// Applies the catcher at `index` to a failure: its Assign, then its ResultPath or Output.
pub(crate) fn catch_failure(
    attempt: &Attempt<'_>,
    raw: &Value,
    failure: &Failure,
    index: usize,
) -> Result<StateResult, Failure> {
    let catcher = &attempt.state.catch[index];
    let error = failure.error_output();
    let data = match attempt.state.language {
        QueryLanguage::JsonPath => FieldData::of(&error),
        QueryLanguage::Jsonata => FieldData {
            error: Some(&error),
            ..FieldData::of(raw)
        },
    };
    let field = |name: &str| format!("Catch[{index}]/{name}");
    let assigned = match &catcher.assign {
        Some(assign) => Some(assign_variables(attempt, assign, &field("Assign"), data)?),
        None => None,
    };
    let output = match &catcher.output {
        Some(output) => Cow::Owned(attempt.payload(output, &field("Output"), data)?),
        None => result_path(attempt, &catcher.result_path, raw, Cow::Borrowed(&error))?,
    };
    Ok(StateResult {
        output: state_data(attempt, raw, output, &mut None)?,
        assigned,
        next: Some(catcher.next),
    })
}

/// Applies `InputPath` to the raw input.
fn input_path<'v>(attempt: &'v Attempt<'_>, raw: &'v Value) -> Result<Cow<'v, Value>, Failure> {
    let input = data_path(attempt, &attempt.state.input_path, Cow::Borrowed(raw))?;
    attempt.inspect(InspectedStep::InputPath, &input);
    Ok(input)
}

/// Evaluates `Parameters` or `Arguments`; without them, the input passes on unchanged.
fn parameters<'v>(attempt: &Attempt<'_>, input: &'v Value) -> Result<Cow<'v, Value>, Failure> {
    let (field, step) = match attempt.state.language {
        QueryLanguage::JsonPath => ("Parameters", InspectedStep::Parameters),
        QueryLanguage::Jsonata => ("Arguments", InspectedStep::Arguments),
    };
    let arguments = match &attempt.state.parameters {
        Some(parameters) => Cow::Owned(attempt.payload(parameters, field, FieldData::of(input))?),
        None => Cow::Borrowed(input),
    };
    attempt.inspect(step, &arguments);
    Ok(arguments)
}

/// Applies `ResultSelector` to the result of the work, or to the arguments if the work has none.
fn result_selector<'v>(
    attempt: &Attempt<'_>,
    arguments: &'v Value,
    result: Option<Value>,
) -> Result<Cow<'v, Value>, Failure> {
    let result = match result {
        Some(result) => {
            attempt.inspect(InspectedStep::Result, &result);
            Cow::Owned(result)
        }
        None => Cow::Borrowed(arguments),
    };
    let selected = match &attempt.state.result_selector {
        Some(selector) => {
            Cow::Owned(attempt.payload(selector, "ResultSelector", FieldData::of(&result))?)
        }
        None => result,
    };
    attempt.inspect(InspectedStep::ResultSelector, &selected);
    Ok(selected)
}

/// Returns the data that `Assign` and `Output` read: in JSONPath only the result, in JSONata the raw input too.
fn data<'v>(
    attempt: &Attempt<'_>,
    raw: &'v Value,
    result: &'v Value,
    has_result: bool,
) -> FieldData<'v> {
    match attempt.state.language {
        QueryLanguage::JsonPath => FieldData::of(result),
        QueryLanguage::Jsonata => FieldData {
            result: has_result.then_some(result),
            ..FieldData::of(raw)
        },
    }
}

/// Evaluates `Assign`; fails if the variables are larger or deeper than AWS allows.
fn assign_variables(
    attempt: &Attempt<'_>,
    assign: &Payload,
    field: &str,
    data: FieldData<'_>,
) -> Result<Variables, Failure> {
    let value = attempt.payload(assign, field, data)?;
    if nests_too_deeply(&value) {
        return Err(attempt.runtime(TOO_DEEP));
    }
    let too_large = exceeds(&value, PAYLOAD_LIMIT_BYTES);
    // Validation accepts only an object.
    let Value::Object(assigned) = value else {
        return Ok(Map::new());
    };
    if too_large
        || attempt.variable_bytes + assigned.values().map(length).sum::<usize>()
            > VARIABLES_LIMIT_BYTES
    {
        return Err(over_limit(FailureClass::DataLimit, &attempt.state.name));
    }
    Ok(assigned)
}

/// Applies `ResultPath`: merges a result into the raw input, and borrows the raw input if it stays unchanged.
fn result_path<'v>(
    attempt: &Attempt<'_>,
    path: &ResultPath,
    raw: &'v Value,
    result: Cow<'_, Value>,
) -> Result<Cow<'v, Value>, Failure> {
    let merged = match path {
        ResultPath::Replace => match result {
            Cow::Borrowed(same) if std::ptr::eq(same, raw) => Cow::Borrowed(raw),
            made => Cow::Owned(made.into_owned()),
        },
        ResultPath::Discard => Cow::Borrowed(raw),
        ResultPath::Insert(text, path) => {
            let mut merged = raw.clone();
            let inserted = path.insert(&mut merged, result.into_owned());
            inserted.map_err(|_| without_place(attempt, text, path, raw))?;
            Cow::Owned(merged)
        }
    };
    attempt.inspect(InspectedStep::ResultPath, &merged);
    Ok(merged)
}

/// Applies `OutputPath` to the value that `ResultPath` has merged.
fn output_path<'v>(
    attempt: &'v Attempt<'_>,
    merged: Cow<'v, Value>,
) -> Result<Cow<'v, Value>, Failure> {
    data_path(attempt, &attempt.state.output_path, merged)
}

/// Applies `InputPath` or `OutputPath`; a path that is `null` selects an empty object.
fn data_path<'v>(
    attempt: &'v Attempt<'_>,
    path: &'v DataPath,
    value: Cow<'v, Value>,
) -> Result<Cow<'v, Value>, Failure> {
    match path {
        DataPath::Whole => Ok(value),
        DataPath::Empty => Ok(Cow::Owned(Value::Object(Map::new()))),
        DataPath::Selected(selector) => match value {
            Cow::Borrowed(value) => attempt.required(selector, value),
            Cow::Owned(value) => {
                let found = attempt.required(selector, &value)?;
                Ok(Cow::Owned(found.into_owned()))
            }
        },
    }
}

/// Checks an output and returns it as data for the next state; `None` if it is the raw input itself.
fn state_data(
    attempt: &Attempt<'_>,
    raw: &Value,
    output: Cow<'_, Value>,
    spare: &mut Option<JsonText>,
) -> Result<Option<StateData>, Failure> {
    match output {
        Cow::Borrowed(same) if std::ptr::eq(same, raw) => Ok(None),
        made => within_limit(attempt, made.into_owned(), TOO_DEEP, |made| {
            JsonText::written(PAYLOAD_LIMIT_BYTES, spare.take(), |writer| {
                writer.value(made, DEEPEST)
            })
        })
        .map(Some),
    }
}
