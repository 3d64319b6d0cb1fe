//! Runs a written case and lists the differences between its outcome and the expected one.

use std::time::Duration;

use drivetrain_statemachine::{
    Diagnostic, Engine, Event, History, Machine, MachineType, Outcome, Status, TestStateRequest,
    test_state, validate,
};
use serde_json::{Map, Value, json};

use super::answers::{Answers, MadeCall};
use super::case::{Call, Case, Expect, Finding, Subject};
use super::difference::differences as differences_at;
use crate::support::corpus::in_virtual_time;

/// The instant at which every case starts.
const START: &str = "2026-03-01T08:00:00Z";

/// The virtual time after which a case counts as one that never ends.
///
/// It is longer than any case waits, and shorter than the longest sleep of the runtime, about two years.
const LONGEST: Duration = Duration::from_hours(600 * 24);

/// Lists the differences between the outcome of a case and the expected one.
pub fn differences(case: &Case) -> Vec<String> {
    match case.subject() {
        Subject::Definition(definition) => findings(case, definition),
        Subject::Request(request) => response(case, request),
        Subject::Machine(machine) => execution(case, machine),
        Subject::State(state) => {
            execution(case, &json!({"StartAt": "Only", "States": {"Only": state}}))
        }
        Subject::Call(call) => execution(
            case,
            &json!({"StartAt": "Only", "States": {"Only": {
                "Type": "Pass", "Parameters": {"value.$": call}, "OutputPath": "$.value", "End": true}}}),
        ),
        Subject::Expression(expression) => execution(
            case,
            &json!({"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": {
                "Type": "Pass", "Output": format!("{{% {expression} %}}"), "End": true}}}),
        ),
        Subject::Rule(rule) => execution(case, &choice(rule)),
    }
}

/// Builds a machine whose output is whether a rule matches.
fn choice(rule: &Value) -> Value {
    let mut rule = rule.clone();
    rule["Next"] = "Matches".into();
    let language = if rule.get("Condition").is_some() {
        "JSONata"
    } else {
        "JSONPath"
    };
    let end = |matches: bool| match language {
        "JSONata" => json!({"Type": "Pass", "Output": matches, "End": true}),
        _ => json!({"Type": "Pass", "Result": matches, "End": true}),
    };
    json!({"QueryLanguage": language, "StartAt": "Only", "States": {
        "Only": {"Type": "Choice", "Choices": [rule], "Default": "Differs"},
        "Matches": end(true),
        "Differs": end(false),
    }})
}

fn machine_type(case: &Case) -> MachineType {
    if case.express {
        MachineType::Express
    } else {
        MachineType::Standard
    }
}

/// Fixes every part of the context object, so that cases can expect it. The execution's name follows from the seed, and
/// the account is the engine's own.
fn named(engine: Engine) -> Engine {
    engine
        .start_time(START.parse().expect("the text is a date"))
        .seed(7)
        .machine_name("Rentals")
}

fn execution(case: &Case, definition: &Value) -> Vec<String> {
    let machine = match Machine::parse_as(&definition.to_string(), machine_type(case)) {
        Ok(machine) => machine,
        Err(error) => return vec![format!("the machine is refused: {error}")],
    };
    let history = History::default();
    let input = case.input.clone().unwrap_or_else(|| json!({}));
    until_it_ends(async {
        let answers = Answers::of(case);
        let answering = answers.clone();
        let engine = named(Engine::new(move |call| answering.clone().call(call)));
        let outcome = match engine.history(history.clone()).run(&machine, input).await {
            Ok(outcome) => outcome,
            Err(error) => return vec![format!("the input is refused: {error}")],
        };
        let mut found = outcome_differences(&case.expect, &outcome);
        found.extend(event_differences(&case.expect, &history.events()));
        found.extend(call_differences(&case.expect, &answers.calls()));
        found.extend(object_differences(&case.expect, &answers));
        for state in answers.unused() {
            found.push(format!("/tasks/{state}: an answer was never asked for"));
        }
        found
    })
}

/// Runs a case on a clock of its own, so that a case that waits forever fails at once.
fn until_it_ends(work: impl Future<Output = Vec<String>>) -> Vec<String> {
    in_virtual_time(async {
        let ended = tokio::time::timeout(LONGEST, work).await;
        ended.unwrap_or_else(|_| vec![format!("it did not end within {LONGEST:?}")])
    })
}

fn outcome_differences(expect: &Expect, outcome: &Outcome) -> Vec<String> {
    let status = match (&expect.status, &expect.error) {
        (Some(status), _) => status.as_str(),
        (None, Some(_)) => Status::Failed.as_str(),
        (None, None) => Status::Succeeded.as_str(),
    };
    let actual = json!({
        "status": outcome.status.as_str(),
        "output": outcome.output,
        "error": outcome.error,
        "cause": outcome.cause,
    });
    let mut expected = Map::new();
    expected.insert("status".to_owned(), status.into());
    for (name, value) in [
        ("output", &expect.output),
        ("error", &expect.error),
        ("cause", &expect.cause),
    ] {
        expected.insert(name.to_owned(), value.clone().unwrap_or_default());
    }
    if let Some(part) = &expect.cause_contains {
        let cause = outcome.cause.as_deref().unwrap_or_default();
        let cause = if cause.contains(part.as_str()) {
            actual["cause"].clone()
        } else {
            format!("..{part}..").into()
        };
        expected.insert("cause".to_owned(), cause);
    }
    let mut found = differences_at("", &Value::Object(expected), &actual);
    if !found.is_empty() {
        found.push(format!("it ended as {actual}"));
    }
    let milliseconds = (outcome.stopped_at - outcome.started_at).num_milliseconds();
    let seconds = json!(milliseconds).as_f64().unwrap_or_default() / 1_000.0;
    if expect
        .seconds
        .is_some_and(|expected| (expected - seconds).abs() > 0.001)
    {
        let expected = expect.seconds.unwrap_or_default();
        found.push(format!("/seconds: expected {expected}, got {seconds}"));
    }
    if expect.seconds_at_most.is_some_and(|most| seconds > most) {
        let most = expect.seconds_at_most.unwrap_or_default();
        found.push(format!("/seconds: expected at most {most}, got {seconds}"));
    }
    found
}

/// Compares the types of the execution's own events; each child execution of a distributed Map has its own history.
fn event_differences(expect: &Expect, events: &[Event]) -> Vec<String> {
    let Some(expected) = &expect.events else {
        return Vec::new();
    };
    let own = events
        .iter()
        .filter(|event| event.execution == events[0].execution);
    let types: Vec<&str> = own.map(|event| event.event_type.as_str()).collect();
    differences_at("/events", &json!(expected), &json!(types))
}

fn call_differences(expect: &Expect, calls: &[MadeCall]) -> Vec<String> {
    let Some(expected) = &expect.calls else {
        return Vec::new();
    };
    let actual = calls.iter().enumerate().map(|(index, call)| {
        let compared = expected.get(index);
        let kept = |is_kept: fn(&Call) -> bool| compared.is_none_or(is_kept);
        let mut shown = Map::new();
        if kept(|call| call.state.is_some()) {
            shown.insert("state".to_owned(), call.state.clone().into());
        }
        if kept(|call| call.input.is_some()) {
            shown.insert("input".to_owned(), call.input.clone());
        }
        if kept(|call| call.retry_count.is_some()) {
            shown.insert("retry_count".to_owned(), call.retry_count.into());
        }
        if kept(|call| call.credentials.is_some()) {
            let credentials = call.credentials.clone().unwrap_or_default();
            shown.insert("credentials".to_owned(), credentials);
        }
        if kept(|call| call.second.is_some()) {
            shown.insert("second".to_owned(), call.second.into());
        }
        Value::Object(shown)
    });
    differences_at("/calls", &json!(expected), &Value::Array(actual.collect()))
}

fn object_differences(expect: &Expect, answers: &Answers) -> Vec<String> {
    let written = answers.written();
    let mut found = Vec::new();
    for (part, expected) in &expect.objects {
        let key = written.iter().find(|key| key.contains(part.as_str()));
        let Some(body) = key.and_then(|key| answers.object(key)) else {
            found.push(format!("/objects/{part}: not written, only {written:?}"));
            continue;
        };
        let actual = match expected {
            Value::String(_) => Value::String(body),
            _ => serde_json::from_str(&body).unwrap_or(Value::String(body)),
        };
        found.extend(differences_at(
            &format!("/objects/{part}"),
            expected,
            &actual,
        ));
    }
    found
}

fn findings(case: &Case, definition: &Value) -> Vec<String> {
    let text = match definition {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let found = validate(&text, machine_type(case));
    let shown = |finding: &Diagnostic| json!({"code": finding.code.as_str(), "location": finding.location, "message": finding.message});
    let is_same = |expected: &Finding, actual: &Diagnostic| {
        let (location, message) = (&expected.location, &expected.message);
        expected.code == actual.code.as_str()
            && location
                .as_ref()
                .is_none_or(|location| *location == json!(actual.location))
            && message
                .as_ref()
                .is_none_or(|message| *message == actual.message)
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = found.iter().partition(|one| one.is_error());
    let expected = case.expect.errors.as_deref().unwrap_or_default();
    let mut differences = Vec::new();
    for (kind, expected, actual) in [
        ("errors", expected, &errors),
        ("warnings", case.expect.warnings.as_slice(), &warnings),
    ] {
        let mut left = actual.clone();
        // An expectation with few fields must not take the finding that another one describes exactly.
        let mut expected: Vec<_> = expected.iter().enumerate().collect();
        expected.sort_by_key(|(_, one)| (one.location.is_none(), one.message.is_none()));
        for (index, expected) in expected {
            if let Some(found) = left.iter().position(|actual| is_same(expected, actual)) {
                left.remove(found);
            } else {
                let left: Value = left.iter().map(|one| shown(one)).collect();
                let expected = json!(expected);
                differences.push(format!("/{kind}/{index}: expected {expected}, got {left}"));
            }
        }
        // A case names every error, but only some of the warnings.
        if kind == "errors" {
            let more = left.iter().map(|one| shown(one));
            differences.extend(more.map(|one| format!("/errors: expected nothing, got {one}")));
        }
    }
    differences
}

fn response(case: &Case, request: &Value) -> Vec<String> {
    let request: TestStateRequest = match serde_json::from_value(with_texts(request)) {
        Ok(request) => request,
        Err(error) => return vec![format!("the request cannot be read: {error}")],
    };
    until_it_ends(async {
        let answers = Answers::of(case);
        let answering = answers.clone();
        let engine = named(Engine::new(move |call| answering.clone().call(call)));
        let answer = test_state(&engine, &request).await;
        match (answer, &case.expect.refused, &case.expect.response) {
            (Err(error), Some(refused), _) => {
                let actual = json!({"code": error.aws_code(), "message": error.aws_message()});
                let is_same = error.aws_code() == refused.code
                    && error.aws_message().contains(&refused.message_contains);
                let expected = json!(refused);
                let line = format!("/refused: expected {expected}, got {actual}");
                if is_same { Vec::new() } else { vec![line] }
            }
            (Ok(response), _, Some(expected)) => {
                differences_at("/response", expected, &opened(&json!(response)))
            }
            (Err(error), ..) => vec![format!("the request is refused: {error}")],
            (Ok(response), ..) => vec![format!("/refused: got {}", json!(response))],
        }
    })
}

/// Writes the values of a request as the JSON text that the API takes.
fn with_texts(request: &Value) -> Value {
    let mut request = request.clone();
    let text = |value: &mut Value| {
        if !value.is_string() {
            *value = value.to_string().into();
        }
    };
    for name in ["definition", "input", "variables", "context"] {
        if let Some(value) = request.get_mut(name) {
            text(value);
        }
    }
    for pointer in ["/mock/result", "/stateConfiguration/mapItemReaderData"] {
        if let Some(value) = request.pointer_mut(pointer) {
            text(value);
        }
    }
    request
}

/// Parses the JSON text of a response: the output and each step of the data.
fn opened(response: &Value) -> Value {
    let parsed = |value: &mut Value| {
        let inner = value
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        if let Some(inner) = inner {
            *value = inner;
        }
    };
    let mut response = response.clone();
    response.get_mut("output").map(parsed);
    let steps = response.get_mut("inspectionData");
    for (_, step) in steps.and_then(Value::as_object_mut).into_iter().flatten() {
        parsed(step);
    }
    response
}
