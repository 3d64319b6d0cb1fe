//! The path of a state's input, on one screen.
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
use crate::engine::inspection::InspectedStep;
use crate::engine::output_checks::{TOO_DEEP, over_limit, within_limit, without_place};
use crate::engine::state_data::StateData;
use crate::engine::state_data::Variables;
use crate::engine::states::choice;
use crate::engine::states::fail;
use crate::engine::states::map;
use crate::engine::states::parallel;
use crate::engine::states::pass;
use crate::engine::states::succeed;
use crate::engine::states::task;
use crate::engine::states::wait;
use crate::engine::states::work_result::WorkResult;
use crate::evaluation_budget::nests_too_deeply;
use crate::json_text::{DEEPEST, JsonText};
use crate::payload_size::{PAYLOAD_LIMIT_BYTES, VARIABLES_LIMIT_BYTES, exceeds, length};

/// What a state hands over when it is left.
pub(crate) struct StateResult {
    /// The output; none where it is the raw input, unchanged.
    pub(crate) output: Option<StateData>,
    pub(crate) assigned: Option<Variables>,
    pub(crate) next: Option<usize>,
}

/// Sends a raw input down the path, once.
pub(crate) async fn attempt(
    frame: &Attempt<'_>,
    thread: &mut FlowThread,
    raw: &Value,
) -> Result<StateResult, Failure> {
    let input = input_path(frame, raw)?;
    let arguments = parameters(frame, &input)?;
    let performed = match perform_at_once(frame, &arguments)? {
        Some(performed) => performed,
        None => perform(frame, thread, &input, &arguments).await?,
    };
    hand_over(frame, raw, &arguments, performed, &mut None)
}

/// Does the same for a state that never waits, which most are: that needs no future.
///
/// The memory of a `spare` text may be used again for the output's.
pub(crate) fn attempt_at_once(
    frame: &Attempt<'_>,
    raw: &Value,
    spare: &mut Option<JsonText>,
) -> Result<StateResult, Failure> {
    let input = input_path(frame, raw)?;
    let arguments = parameters(frame, &input)?;
    let performed = perform_at_once(frame, &arguments)?;
    let performed = performed.expect("only a state that never waits is tried at once");
    hand_over(frame, raw, &arguments, performed, spare)
}

/// Takes what a state made the rest of its path.
fn hand_over(
    frame: &Attempt<'_>,
    raw: &Value,
    arguments: &Value,
    performed: WorkResult<'_>,
    spare: &mut Option<JsonText>,
) -> Result<StateResult, Failure> {
    let result = result_selector(frame, arguments, performed.result)?;
    let data = data(frame, raw, &result, performed.has_result);
    let field = |name: &'static str| match performed.rule {
        Some(index) => Cow::Owned(format!("Choices[{index}]/{name}")),
        None => Cow::Borrowed(name),
    };
    let assigned = match performed.assign {
        Some(assign) => Some(assign_variables(frame, assign, &field("Assign"), data)?),
        None => None,
    };
    let output = match frame.state.language {
        QueryLanguage::JsonPath => output_path(
            frame,
            result_path(frame, &frame.state.result_path, raw, result)?,
        )?,
        QueryLanguage::Jsonata => match performed.output {
            Some(output) => Cow::Owned(frame.payload(output, &field("Output"), data)?),
            None => result,
        },
    };
    Ok(StateResult {
        output: carried(frame, raw, output, spare)?,
        assigned,
        next: performed.next,
    })
}

/// Does what the state is for, where that takes no time; none where the state may wait.
fn perform_at_once<'a>(
    frame: &Attempt<'a>,
    arguments: &Value,
) -> Result<Option<WorkResult<'a>>, Failure> {
    match &frame.state.kind {
        StateKind::Choice(choice) => choice::perform(frame, choice, arguments).map(Some),
        StateKind::Fail(fail) => Err(fail::perform(frame, fail, arguments)?),
        StateKind::Succeed => Ok(Some(succeed::perform(frame))),
        StateKind::Pass(result) => Ok(Some(pass::perform(frame, result.as_ref()))),
        StateKind::Wait(_) | StateKind::Task(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
            Ok(None)
        }
    }
}

/// Does what the state is for: the only step that may wait.
async fn perform<'a>(
    frame: &Attempt<'a>,
    thread: &mut FlowThread,
    input: &Value,
    arguments: &Value,
) -> Result<WorkResult<'a>, Failure> {
    let state = frame.state;
    let (result, has_result) = match &state.kind {
        StateKind::Choice(_) | StateKind::Fail(_) | StateKind::Succeed | StateKind::Pass(_) => {
            unreachable!("these states are performed at once")
        }
        StateKind::Wait(wait) => (wait::perform(frame, wait, arguments).await?, false),
        StateKind::Task(_) | StateKind::Parallel(_) if let Some(mock) = frame.mock() => {
            (Some(mock.result.clone()?), true)
        }
        StateKind::Task(task) => (
            Some(task::perform(frame, thread, task, input, arguments).await?),
            true,
        ),
        StateKind::Parallel(branches) => (
            Some(parallel::perform(frame, thread, branches, arguments).await?),
            true,
        ),
        StateKind::Map(map) => (
            Some(map::perform(frame, thread, map, arguments).await?),
            true,
        ),
    };
    Ok(WorkResult::of(state, result, has_result))
}

/// Takes a failure to a handler's own path: Assign, then ResultPath or Output.
pub(crate) fn caught(
    frame: &Attempt<'_>,
    raw: &Value,
    failure: &Failure,
    index: usize,
) -> Result<StateResult, Failure> {
    let catcher = &frame.state.catch[index];
    let error = failure.error_output();
    let data = match frame.state.language {
        QueryLanguage::JsonPath => FieldData::of(&error),
        QueryLanguage::Jsonata => FieldData {
            error: Some(&error),
            ..FieldData::of(raw)
        },
    };
    let field = |name: &str| format!("Catch[{index}]/{name}");
    let assigned = match &catcher.assign {
        Some(assign) => Some(assign_variables(frame, assign, &field("Assign"), data)?),
        None => None,
    };
    let output = match &catcher.output {
        Some(output) => Cow::Owned(frame.payload(output, &field("Output"), data)?),
        None => result_path(frame, &catcher.result_path, raw, Cow::Borrowed(&error))?,
    };
    Ok(StateResult {
        output: carried(frame, raw, output, &mut None)?,
        assigned,
        next: Some(catcher.next),
    })
}

fn input_path<'v>(frame: &'v Attempt<'_>, raw: &'v Value) -> Result<Cow<'v, Value>, Failure> {
    let input = data_path(frame, &frame.state.input_path, Cow::Borrowed(raw))?;
    frame.inspect(InspectedStep::InputPath, &input);
    Ok(input)
}

fn parameters<'v>(frame: &Attempt<'_>, input: &'v Value) -> Result<Cow<'v, Value>, Failure> {
    let (field, step) = match frame.state.language {
        QueryLanguage::JsonPath => ("Parameters", InspectedStep::Parameters),
        QueryLanguage::Jsonata => ("Arguments", InspectedStep::Arguments),
    };
    let arguments = match &frame.state.parameters {
        Some(parameters) => Cow::Owned(frame.payload(parameters, field, FieldData::of(input))?),
        None => Cow::Borrowed(input),
    };
    frame.inspect(step, &arguments);
    Ok(arguments)
}

fn result_selector<'v>(
    frame: &Attempt<'_>,
    arguments: &'v Value,
    result: Option<Value>,
) -> Result<Cow<'v, Value>, Failure> {
    let result = match result {
        Some(result) => {
            frame.inspect(InspectedStep::Result, &result);
            Cow::Owned(result)
        }
        None => Cow::Borrowed(arguments),
    };
    let selected = match &frame.state.result_selector {
        Some(selector) => {
            Cow::Owned(frame.payload(selector, "ResultSelector", FieldData::of(&result))?)
        }
        None => result,
    };
    frame.inspect(InspectedStep::ResultSelector, &selected);
    Ok(selected)
}

fn data<'v>(
    frame: &Attempt<'_>,
    raw: &'v Value,
    result: &'v Value,
    has_result: bool,
) -> FieldData<'v> {
    match frame.state.language {
        QueryLanguage::JsonPath => FieldData::of(result),
        QueryLanguage::Jsonata => FieldData {
            result: has_result.then_some(result),
            ..FieldData::of(raw)
        },
    }
}

/// Evaluates `Assign` and refuses variables that AWS would not keep.
fn assign_variables(
    frame: &Attempt<'_>,
    assign: &Payload,
    field: &str,
    data: FieldData<'_>,
) -> Result<Variables, Failure> {
    let value = frame.payload(assign, field, data)?;
    if nests_too_deeply(&value) {
        return Err(frame.runtime(TOO_DEEP));
    }
    let too_large = exceeds(&value, PAYLOAD_LIMIT_BYTES);
    // The definition was refused unless it is an object.
    let Value::Object(assigned) = value else {
        return Ok(Map::new());
    };
    if too_large
        || frame.variable_bytes + assigned.values().map(length).sum::<usize>()
            > VARIABLES_LIMIT_BYTES
    {
        return Err(over_limit(FailureClass::DataLimit, &frame.state.name));
    }
    Ok(assigned)
}

fn result_path<'v>(
    frame: &Attempt<'_>,
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
            inserted.map_err(|_| without_place(frame, text, path, raw))?;
            Cow::Owned(merged)
        }
    };
    frame.inspect(InspectedStep::ResultPath, &merged);
    Ok(merged)
}

fn output_path<'v>(
    frame: &'v Attempt<'_>,
    merged: Cow<'v, Value>,
) -> Result<Cow<'v, Value>, Failure> {
    data_path(frame, &frame.state.output_path, merged)
}

fn data_path<'v>(
    frame: &'v Attempt<'_>,
    path: &'v DataPath,
    value: Cow<'v, Value>,
) -> Result<Cow<'v, Value>, Failure> {
    match path {
        DataPath::Whole => Ok(value),
        DataPath::Empty => Ok(Cow::Owned(Value::Object(Map::new()))),
        DataPath::Selected(selector) => match value {
            Cow::Borrowed(value) => frame.required(selector, value),
            Cow::Owned(value) => {
                let found = frame.required(selector, &value)?;
                Ok(Cow::Owned(found.into_owned()))
            }
        },
    }
}

/// Makes an output ready for the next state, unless it is the raw input itself.
fn carried(
    frame: &Attempt<'_>,
    raw: &Value,
    output: Cow<'_, Value>,
    spare: &mut Option<JsonText>,
) -> Result<Option<StateData>, Failure> {
    match output {
        Cow::Borrowed(same) if std::ptr::eq(same, raw) => Ok(None),
        made => within_limit(frame, made.into_owned(), TOO_DEEP, |made| {
            JsonText::written(PAYLOAD_LIMIT_BYTES, spare.take(), |writer| {
                writer.value(made, DEEPEST)
            })
        })
        .map(Some),
    }
}
