//! A recorded history as mocks, or as a whole test case.

use chrono::{DateTime, SecondsFormat, Utc};
use drivetrain_statemachine::mocks::MockFile;
use serde_json::{Map, Value, json};

use crate::error::{Context, Error, ErrorKind, Result};

/// The events of one execution, as `aws stepfunctions get-execution-history` prints them.
#[derive(Clone, Debug)]
pub struct Recorded {
    events: Vec<Value>,
}

impl Recorded {
    /// Reads a history: an object with `events`, a list of events, what `simulate` prints, or one event a line.
    ///
    /// # Errors
    /// `Usage` for anything else, and for a history that goes on elsewhere.
    pub fn parse(text: &str) -> Result<Self> {
        let no_history = "the history is no JSON";
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                let events: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
                match events {
                    Ok(events) if events.len() > 1 => Value::Array(events),
                    _ => return Err(error).context(ErrorKind::Usage, no_history),
                }
            }
        };
        let goes_on = ["nextToken", "NextToken"]
            .iter()
            .any(|name| value.get(name).is_some_and(|token| !token.is_null()));
        if goes_on {
            return Err(Error::new(ErrorKind::Usage, "the history is not complete: it has a `nextToken`")
                .hint("let `aws stepfunctions get-execution-history` fetch all pages, without `--max-items`"));
        }
        let events = ["events", "history"]
            .iter()
            .find_map(|name| value.get(name))
            .unwrap_or(&value);
        let mut events = events.as_array().cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                "expected a history: an object with `events`, or a list of events",
            )
        })?;
        // `--reverse-order` prints the last event first.
        events.sort_by_key(|event| event["id"].as_u64());
        Ok(Self { events })
    }

    /// Makes a mock file with one case.
    ///
    /// # Errors
    /// `Usage` if the history has not all its data.
    pub fn mock_file(&self, machine: &str, case: &str) -> Result<Value> {
        let history = json!({ "events": self.events });
        MockFile::from_history(&history, machine, case).map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!("the history cannot be turned into mocks: {error}"),
            )
        })
    }

    /// Makes a case for `drivetrain test`: what went in, what the tasks answered, what came out.
    ///
    /// # Errors
    /// `Usage` if the history has not all its data, or no end.
    pub fn test_case(&self, machine: &str) -> Result<Value> {
        let incomplete = |what: &str| {
            Error::new(
                ErrorKind::Usage,
                format!("the history is not complete: it has no {what}"),
            )
        };
        let started = self
            .find("ExecutionStarted")
            .ok_or_else(|| incomplete("`ExecutionStarted`"))?;
        let details = &started["executionStartedEventDetails"];
        let input = json_text(&details["input"]).ok_or_else(|| incomplete("input"))?;
        let mocks = self.mock_file(machine, "case")?;
        let mut case = Map::new();
        if let Some(date) = date(&started["timestamp"]) {
            case.insert("start_time".to_owned(), date.into());
        }
        case.insert("input".to_owned(), input);
        let mut answers = Map::new();
        let states = mocks["StateMachines"][machine]["TestCases"]["case"].as_object();
        for (state, response) in states.into_iter().flatten() {
            let response = response.as_str().unwrap_or_default();
            answers.insert(state.clone(), mocks["MockedResponses"][response].clone());
        }
        if !answers.is_empty() {
            case.insert("mocks".to_owned(), Value::Object(answers));
        }
        let expected = self
            .expected()
            .ok_or_else(|| incomplete("end of the execution"))?;
        case.insert("expect".to_owned(), expected);
        Ok(Value::Object(case))
    }

    fn expected(&self) -> Option<Value> {
        if let Some(event) = self.find("ExecutionSucceeded") {
            let output = json_text(&event["executionSucceededEventDetails"]["output"])?;
            return Some(json!({"status": "SUCCEEDED", "output": output}));
        }
        for (kind, details, status) in [
            ("ExecutionFailed", "executionFailedEventDetails", "FAILED"),
            (
                "ExecutionTimedOut",
                "executionTimedOutEventDetails",
                "TIMED_OUT",
            ),
        ] {
            if let Some(event) = self.find(kind) {
                let mut expected = Map::new();
                expected.insert("status".to_owned(), status.into());
                // The execution itself has no error where it timed out; only the event names one.
                for name in ["error", "cause"] {
                    if status == "FAILED" && event[details][name].is_string() {
                        expected.insert(name.to_owned(), event[details][name].clone());
                    }
                }
                return Some(Value::Object(expected));
            }
        }
        None
    }

    fn find(&self, kind: &str) -> Option<&Value> {
        self.events.iter().find(|event| event["type"] == kind)
    }
}

fn json_text(value: &Value) -> Option<Value> {
    serde_json::from_str(value.as_str()?).ok()
}

/// Reads a date as the AWS command line writes it: a text, or seconds since 1970.
fn date(value: &Value) -> Option<String> {
    let date: DateTime<Utc> = match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds since 1970 fit for any date there is"
        )]
        number => DateTime::from_timestamp_millis((number.as_f64()? * 1_000.0).round() as i64)?,
    };
    Some(date.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_in_any_shape_but_never_half() {
        let event = r#"{"id": 1, "type": "ExecutionStarted"}"#;
        for text in [
            format!(r#"{{"events": [{event}]}}"#),
            format!(r#"{{"status": "SUCCEEDED", "history": [{event}]}}"#),
            format!("[{event}]"),
            format!("{event}\n\n{event}\n"),
        ] {
            assert!(Recorded::parse(&text).is_ok(), "{text}");
        }
        for text in [
            format!(r#"{{"events": [{event}], "NextToken": "x"}}"#),
            "{".to_owned(),
            "7".to_owned(),
        ] {
            let error = Recorded::parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn dates_are_texts_or_seconds() {
        let expected = Some("2026-01-31T12:00:00.500Z".to_owned());
        assert_eq!(date(&json!("2026-01-31T13:00:00.500+01:00")), expected);
        assert_eq!(date(&json!(1_769_860_800.5)), expected);
        assert_eq!(date(&Value::Null), None);
    }
}
