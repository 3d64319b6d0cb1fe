//! Converts a recorded history into mocks or a test case.

use chrono::{DateTime, SecondsFormat, Utc};
use drivetrain_statemachine::Error as LanguageError;
use drivetrain_statemachine::Outcome;
use drivetrain_statemachine::mocks::{MockFile, ReplayHandler};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::error::{Context, Error, ErrorKind, Result};

/// The hint for a history in which events or data are missing.
const FETCH: &str = "fetch all events after the execution has ended, with their data: \
                     `aws stepfunctions get-execution-history --include-execution-data --execution-arn ARN`";

/// The recorded events of an execution and of its child executions, as AWS's command line prints them.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The events of the execution, in order.
    events: Vec<Value>,
    /// The events of each child execution, one array each.
    children: Vec<Value>,
    /// The path of the file with each history: first that of `events`, then those of `children` in the same order.
    files: Vec<String>,
}

/// The text of a history, with the name of its file for messages.
#[derive(Clone, Debug)]
pub struct HistoryText {
    /// The file's path, as the user gave it.
    pub file: String,
    /// The content of the file.
    pub text: String,
}

impl Recorded {
    /// Parses the history of an execution, and the histories of the child executions of its distributed Maps.
    ///
    /// A text may be an object with `events`, a list of events, the output of `simulate`, or one event per line. It may
    /// also be a sequence of such objects or lists, for example the pages of a history.
    ///
    /// # Errors
    /// `Usage` for a text in another format, and for a history whose last page is missing.
    pub fn parse(history: &HistoryText, children: &[HistoryText]) -> Result<Self> {
        let (mut executions, mut files) = (Vec::new(), Vec::new());
        for HistoryText { file, text } in std::iter::once(history).chain(children) {
            let read = read(text).map_err(|error| {
                let message = format!("`{file}`: {error}");
                error.reworded(message)
            })?;
            files.extend(read.iter().map(|_| file.clone()));
            executions.extend(read);
        }
        let mut executions = executions.into_iter();
        Ok(Self {
            events: executions.next().unwrap_or_default(),
            children: executions.map(Value::Array).collect(),
            files,
        })
    }

    /// Returns `true` if the execution ran a distributed Map and no history of a child execution was given.
    #[must_use]
    pub fn lacks_children(&self) -> bool {
        self.children.is_empty() && self.find("MapRunStarted").is_some()
    }

    /// Returns a mock file with one case, whose answers are in the order of the history.
    ///
    /// # Errors
    /// `Usage` if a history does not contain the inputs and outputs.
    pub fn mock_file(&self, machine: &str, case: &str) -> Result<Value> {
        let own = Value::Array(self.events.clone());
        let histories = std::iter::once(&own).chain(&self.children);
        MockFile::from_histories(histories, machine, case).map_err(|error| self.unusable(&error))
    }

    /// Creates a handler that gives each call its recorded answer.
    ///
    /// # Errors
    /// `Usage` if a history does not contain the inputs and outputs.
    pub fn replay_handler(&self) -> Result<ReplayHandler> {
        let own = Value::Array(self.events.clone());
        let histories = std::iter::once(&own).chain(&self.children);
        ReplayHandler::new(histories).map_err(|error| self.unusable(&error))
    }

    /// Creates the error for a history that cannot be turned into mocks; it names the file of that history.
    fn unusable(&self, error: &LanguageError) -> Error {
        let own = Value::Array(self.events.clone());
        let mut histories = std::iter::once(&own).chain(&self.children);
        let failing = histories.position(|history| ReplayHandler::new([history]).is_err());
        let file = failing.and_then(|index| self.files.get(index));
        let message = match file {
            Some(file) => format!("`{file}` cannot be turned into mocks: {error:#}"),
            None => format!("the history cannot be turned into mocks: {error:#}"),
        };
        Error::new(ErrorKind::Usage, message).hint(FETCH)
    }

    /// Returns the execution's input.
    ///
    /// # Errors
    /// `Usage` if the history does not contain it.
    pub fn input(&self) -> Result<Value> {
        let started = self
            .find("ExecutionStarted")
            .ok_or_else(|| self.incomplete("`ExecutionStarted` event"))?;
        let details = &started["executionStartedEventDetails"];
        json_text(&details["input"]).ok_or_else(|| self.incomplete("input of the execution"))
    }

    /// Returns the time at which the execution started, if the history contains it.
    #[must_use]
    pub fn start_time(&self) -> Option<DateTime<Utc>> {
        date(&self.find("ExecutionStarted")?["timestamp"])
    }

    /// Returns a case for `drivetrain test` with the recorded input, the answers of `mocks`, and the recorded result as
    /// the expectation. `mocks` is a mock file with one case.
    ///
    /// # Errors
    /// `Usage` if the history contains no input or no end, or if a case cannot reproduce the end.
    pub fn test_case(&self, mocks: &Value) -> Result<Value> {
        let mut case = Map::new();
        if let Some(date) = self.start_time() {
            let text = date.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            case.insert("start_time".to_owned(), text.into());
        }
        case.insert("input".to_owned(), self.input()?);
        let mut answers = Map::new();
        let states = mocks
            .pointer("/StateMachines")
            .and_then(only)
            .and_then(|machine| only(&machine["TestCases"]))
            .and_then(Value::as_object);
        for (state, response) in states.into_iter().flatten() {
            let response = response.as_str().unwrap_or_default();
            answers.insert(state.clone(), mocks["MockedResponses"][response].clone());
        }
        if !answers.is_empty() {
            case.insert("mocks".to_owned(), Value::Object(answers));
        }
        for (kind, what) in [
            ("ExecutionAborted", "stopped from outside"),
            ("ExecutionRedriven", "redriven after it had failed"),
        ] {
            if self.find(kind).is_some() {
                let message =
                    format!("the execution was {what}, which a test case cannot reproduce");
                return Err(Error::new(ErrorKind::Usage, message)
                    .hint("use `--format mocks` to convert only the recorded answers"));
            }
        }
        let expected = self
            .expected()
            .ok_or_else(|| self.incomplete("event that ends the execution"))?;
        case.insert("expect".to_owned(), expected);
        Ok(Value::Object(case))
    }

    /// Returns the field `expect` of a case; `None` if the history contains no end, or one that a case cannot
    /// reproduce.
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
                // An execution that timed out has no error, although its event names one.
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

    /// Returns `true` if an execution ended with the recorded status, error name and output.
    #[must_use]
    pub fn ended_as(&self, outcome: &Outcome) -> bool {
        let Some(expected) = self.expected() else {
            return false;
        };
        let is = |name: &str, got: Option<&str>| {
            expected.get(name).is_none_or(|text| text.as_str() == got)
        };
        expected["status"] == outcome.status.as_str()
            && is("error", outcome.error.as_deref())
            && expected.get("output") == outcome.output.as_ref()
    }

    /// Creates the error for an execution whose history lacks an event or a value, `what`.
    fn incomplete(&self, what: &str) -> Error {
        let file = self.files.first().map(String::as_str).unwrap_or_default();
        let message = format!("the history `{file}` is incomplete: it has no {what}");
        Error::new(ErrorKind::Usage, message).hint(FETCH)
    }

    /// Returns the first event of a type; events of child executions do not count.
    fn find(&self, kind: &str) -> Option<&Value> {
        self.events.iter().find(|event| event["type"] == kind)
    }
}

/// Returns the value of an object's first field; the caller passes an object with one field.
fn only(object: &Value) -> Option<&Value> {
    object.as_object()?.values().next()
}

/// Parses all pages of a text and returns the events, grouped by execution, sorted and without duplicates.
fn read(text: &str) -> Result<Vec<Vec<Value>>> {
    let pages: Vec<Value> = serde_json::Deserializer::from_str(text)
        .into_iter()
        .collect::<Result<_, _>>()
        .context(ErrorKind::Usage, "the history is not valid JSON")?;
    // Each page but the last has a token for the next one. A token on the last given page means that pages are missing.
    let goes_on = |page: &Value| {
        ["nextToken", "NextToken"]
            .iter()
            .any(|name| page.get(name).is_some_and(|token| !token.is_null()))
    };
    if pages.last().is_some_and(goes_on) {
        return Err(Error::new(
            ErrorKind::Usage,
            "the history is incomplete, because its last page has a `nextToken`",
        )
        .hint(
            "fetch all pages: run `aws stepfunctions get-execution-history` without `--max-items`",
        ));
    }
    let mut executions: IndexMap<Option<String>, Vec<Value>> = IndexMap::new();
    for page in pages {
        for event in events(page)? {
            let execution = event["executionArn"].as_str().map(str::to_owned);
            executions.entry(execution).or_default().push(event);
        }
    }
    if executions.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the history has no events").hint(FETCH));
    }
    let mut executions: Vec<Vec<Value>> = executions.into_values().collect();
    for events in &mut executions {
        // `--reverse-order` prints the last event first, and pages that were fetched one by one may overlap.
        events.sort_by_key(|event| event["id"].as_u64());
        events.dedup_by_key(|event| event["id"].as_u64());
    }
    Ok(executions)
}

/// Returns the events of one page, in any of the accepted formats.
fn events(mut page: Value) -> Result<Vec<Value>> {
    let is_event = |value: &Value| value["id"].is_u64() && value["type"].is_string();
    let listed = ["events", "history"]
        .iter()
        .find_map(|name| page.get_mut(name).map(Value::take));
    let events = match listed.unwrap_or(page) {
        Value::Array(events) => events,
        event => vec![event],
    };
    if events.iter().all(is_event) {
        return Ok(events);
    }
    let message = "expected a history: an object with `events`, or a list of events";
    let hint = "record a history with `aws stepfunctions get-execution-history` or `drivetrain simulate --history`";
    Err(Error::new(ErrorKind::Usage, message).hint(hint))
}

/// Parses a JSON string whose text is JSON itself, such as an input in a history.
fn json_text(value: &Value) -> Option<Value> {
    serde_json::from_str(value.as_str()?).ok()
}

/// Parses a date as AWS's command line prints it: in RFC 3339, or as seconds since 1970.
fn date(value: &Value) -> Option<DateTime<Utc>> {
    Some(match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds since 1970 fit for any date in a history"
        )]
        number => DateTime::from_timestamp_millis((number.as_f64()? * 1_000.0).round() as i64)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a text the name of a file.
    fn named(text: &str) -> HistoryText {
        HistoryText {
            file: "history.json".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_history_is_read_in_any_shape_but_only_if_complete() {
        let event = r#"{"id": 1, "type": "ExecutionStarted"}"#;
        for text in [
            format!(r#"{{"events": [{event}]}}"#),
            format!(r#"{{"status": "SUCCEEDED", "history": [{event}]}}"#),
            format!("[{event}]"),
            format!("{event}\n\n{event}\n"),
            format!(r#"{{"events": [{event}], "nextToken": "x"}} {{"events": [{event}]}}"#),
        ] {
            let recorded = Recorded::parse(&named(&text), &[]).unwrap();
            assert_eq!(recorded.events.len(), 1, "{text}");
        }
        for text in [
            format!(r#"{{"events": [{event}], "NextToken": "x"}}"#),
            "{".to_owned(),
            "7".to_owned(),
            "[7]".to_owned(),
            "{}".to_owned(),
            String::new(),
        ] {
            let error = Recorded::parse(&named(&text), &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn dates_are_strings_or_seconds() {
        let expected = "2026-01-31T12:00:00.500Z".parse().ok();
        assert_eq!(date(&json!("2026-01-31T13:00:00.500+01:00")), expected);
        assert_eq!(date(&json!(1_769_860_800.5)), expected);
        assert_eq!(date(&Value::Null), None);
    }
}
