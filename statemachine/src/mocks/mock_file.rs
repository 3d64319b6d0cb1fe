//! The mock file: its machines, test cases and responses, and their checks.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::Place;
use crate::diagnostics::duplicate_keys::unplaced_duplicate_keys;
use crate::error::{Error, ErrorKind, Problem};
use crate::json_pointer::child_pointer;

/// A mock file that has been read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct MockFile {
    /// The responses, by the names of the machine, the case and the state.
    machines: BTreeMap<String, BTreeMap<String, BTreeMap<String, Arc<Response>>>>,
}

/// One test case, with the answers for its states; the default case has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MockCase {
    /// The case's name in the file; empty for the default case.
    name: String,
    /// The responses, by the name of the state.
    states: BTreeMap<String, Arc<Response>>,
}

/// The answer to one call of a state.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum MockAnswer {
    /// The task succeeds with this output.
    Return(Value),
    /// The task's failure; the error's name and its cause may be absent, as on AWS.
    Throw {
        /// The error's name, which the machine's retriers and catchers match.
        error: Option<String>,
        /// The error's cause.
        cause: Option<String>,
    },
    /// No answer: the call ends when the state times out or is aborted.
    ///
    /// Step Functions Local's format has only `Return` and `Throw`. A recorded timeout could only be thrown as
    /// `States.Timeout`, which takes no time and does not match `States.HeartbeatTimeout`. A call that a failure in
    /// another branch aborted could not be written at all.
    Hang,
}

/// One entry of `MockedResponses`: the answers by call number, from 0.
#[derive(Debug, PartialEq)]
pub(super) struct Response {
    /// The answers, each with the range of call numbers that it answers; the ranges never overlap.
    answers: Vec<(RangeInclusive<u64>, MockAnswer)>,
}

impl MockFile {
    /// Parses and checks the text of a mock file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMockFile`] if the text is not a valid mock file; the error lists every problem with its
    /// place.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let place = Place {
                line: error.line(),
                column: error.column(),
            };
            let message = format!("the mock file is not valid JSON: {error}");
            Error::mock_file(vec![Problem {
                kind: ErrorKind::InvalidMockFile,
                pointer: String::new(),
                place: Some(place),
                message,
            }])
        })?;
        let mut reader = MockFileReader {
            text,
            problems: Vec::new(),
        };
        for twice in unplaced_duplicate_keys(text) {
            reader.refuse(twice.pointer.as_deref().unwrap_or_default(), twice.message);
        }
        let machines = reader.file(&value);
        if reader.problems.is_empty() {
            Ok(Self { machines })
        } else {
            Err(Error::mock_file(reader.problems))
        }
    }

    /// Returns the names of the machines in the file, sorted.
    pub fn machines(&self) -> impl Iterator<Item = &str> {
        self.machines.keys().map(String::as_str)
    }

    /// Returns the sorted names of a machine's cases. If the file has only one machine, `machine` may be any name.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMock`] if the file does not have exactly one machine, and no machine has this name.
    pub fn cases(&self, machine: &str) -> Result<impl Iterator<Item = &str>, Error> {
        Ok(self.machine(machine)?.keys().map(String::as_str))
    }

    /// Returns a case of a machine. If the file has only one machine, `machine` may be any name.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownMock`] if there is no such machine or case; the message lists the existing names.
    pub fn case(&self, machine: &str, case: &str) -> Result<MockCase, Error> {
        let cases = self.machine(machine)?;
        let states = cases
            .get(case)
            .ok_or_else(|| not_found("case", case, cases.keys()))?;
        Ok(MockCase {
            name: case.to_owned(),
            states: states.clone(),
        })
    }

    /// Returns the cases of the machine with this name. If the file has only one machine, `name` may be any name.
    fn machine(
        &self,
        name: &str,
    ) -> Result<&BTreeMap<String, BTreeMap<String, Arc<Response>>>, Error> {
        let only = || {
            self.machines
                .values()
                .next()
                .filter(|_| self.machines.len() == 1)
        };
        self.machines
            .get(name)
            .or_else(only)
            .ok_or_else(|| not_found("machine", name, self.machines.keys()))
    }
}

/// Builds the error of an unknown name; its message lists the existing names.
fn not_found<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a String>) -> Error {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let names = if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    };
    Error::new(
        ErrorKind::UnknownMock,
        format!("the mock file has no {what} `{name}`, available: {names}"),
    )
}

impl MockCase {
    /// Returns the case's name; empty for the default case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the names of the states that have answers, sorted.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        self.states.keys().map(String::as_str)
    }

    /// Returns the answer to a state's call, which is numbered from 0; `None` if the case has no answer.
    pub(super) fn answer(&self, state: &str, call: u64) -> Option<&MockAnswer> {
        let response = self.states.get(state)?;
        response
            .answers
            .iter()
            .find(|(calls, _)| calls.contains(&call))
            .map(|(_, answer)| answer)
    }
}

/// A reader of a mock file, which collects every problem.
struct MockFileReader<'a> {
    /// The file's text, in which problems are located.
    text: &'a str,
    /// The problems so far, in the order in which they were found.
    problems: Vec<Problem>,
}

impl MockFileReader<'_> {
    /// Adds a problem with the value at a JSON pointer, together with the line and column of the value.
    fn refuse(&mut self, pointer: &str, message: impl Into<String>) {
        let place = Place::of(self.text, pointer);
        self.problems.push(Problem {
            kind: ErrorKind::InvalidMockFile,
            pointer: pointer.to_owned(),
            place: Some(place),
            message: message.into(),
        });
    }

    /// Returns the fields of an object; adds a problem if the value is missing or of another type.
    fn object<'v>(
        &mut self,
        value: Option<&'v Value>,
        pointer: &str,
    ) -> Option<&'v Map<String, Value>> {
        match value {
            Some(Value::Object(fields)) => Some(fields),
            Some(_) => {
                self.refuse(pointer, "expected an object");
                None
            }
            None => {
                self.refuse(pointer, "expected an object, but the field is missing");
                None
            }
        }
    }

    /// Adds a problem for each field that is not in `known`.
    fn only_fields(&mut self, fields: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            self.refuse(
                &child_pointer(pointer, name),
                format!(
                    "the field `{name}` is unknown, expected `{}`",
                    known.join("` or `")
                ),
            );
        }
    }

    /// Reads the whole file; returns the responses by machine, case and state.
    fn file(
        &mut self,
        value: &Value,
    ) -> BTreeMap<String, BTreeMap<String, BTreeMap<String, Arc<Response>>>> {
        let Some(fields) = self.object(Some(value), "") else {
            return BTreeMap::new();
        };
        self.only_fields(fields, "", &["StateMachines", "MockedResponses"]);
        let responses = self.responses(fields.get("MockedResponses"));
        let Some(machines) = self.object(fields.get("StateMachines"), "/StateMachines") else {
            return BTreeMap::new();
        };
        let mut read = BTreeMap::new();
        for (name, machine) in machines {
            let pointer = child_pointer("/StateMachines", name);
            let Some(fields) = self.object(Some(machine), &pointer) else {
                continue;
            };
            self.only_fields(fields, &pointer, &["TestCases"]);
            let pointer = child_pointer(&pointer, "TestCases");
            let Some(cases) = self.object(fields.get("TestCases"), &pointer) else {
                continue;
            };
            let cases = cases
                .iter()
                .map(|(name, case)| {
                    (
                        name.clone(),
                        self.case(case, &child_pointer(&pointer, name), &responses),
                    )
                })
                .collect();
            read.insert(name.clone(), cases);
        }
        read
    }

    /// Reads a case, which names one response per state.
    fn case(
        &mut self,
        case: &Value,
        pointer: &str,
        responses: &BTreeMap<&str, Arc<Response>>,
    ) -> BTreeMap<String, Arc<Response>> {
        let mut states = BTreeMap::new();
        for (state, name) in self.object(Some(case), pointer).into_iter().flatten() {
            let pointer = child_pointer(pointer, state);
            let Value::String(name) = name else {
                self.refuse(
                    &pointer,
                    "expected the name of a response in `MockedResponses`",
                );
                continue;
            };
            match responses.get(name.as_str()) {
                Some(response) => {
                    states.insert(state.clone(), Arc::clone(response));
                }
                None => self.refuse(
                    &pointer,
                    format!("`MockedResponses` has no response `{name}`"),
                ),
            }
        }
        states
    }

    /// Reads `MockedResponses`; returns the responses by name.
    fn responses<'v>(&mut self, value: Option<&'v Value>) -> BTreeMap<&'v str, Arc<Response>> {
        const POINTER: &str = "/MockedResponses";
        let mut responses = BTreeMap::new();
        // A file whose cases mock nothing needs no responses.
        let Some(value) = value else { return responses };
        for (name, response) in self.object(Some(value), POINTER).into_iter().flatten() {
            let pointer = child_pointer(POINTER, name);
            let mut answers: Vec<(RangeInclusive<u64>, MockAnswer)> = Vec::new();
            for (calls, answer) in self.object(Some(response), &pointer).into_iter().flatten() {
                let pointer = child_pointer(&pointer, calls);
                let Some(range) = range(calls) else {
                    self.refuse(
                        &pointer,
                        format!(
                            "expected the number of a call (the first is 0) or a range such as `1-3`, got `{calls}`"
                        ),
                    );
                    continue;
                };
                let overlaps = |other: &RangeInclusive<u64>| {
                    range.start() <= other.end() && other.start() <= range.end()
                };
                if answers.iter().any(|(other, _)| overlaps(other)) {
                    self.refuse(
                        &pointer,
                        format!("the call numbers `{calls}` overlap with those of another answer of this response"),
                    );
                }
                if let Some(answer) = self.answer(answer, &pointer) {
                    answers.push((range, answer));
                }
            }
            responses.insert(name.as_str(), Arc::new(Response { answers }));
        }
        responses
    }

    /// Reads an answer, which must have exactly one of `Return`, `Throw` and `Hang`.
    fn answer(&mut self, value: &Value, pointer: &str) -> Option<MockAnswer> {
        let fields = self.object(Some(value), pointer)?;
        self.only_fields(fields, pointer, &["Return", "Throw", "Hang"]);
        match ["Return", "Throw", "Hang"].map(|name| fields.get(name)) {
            [Some(output), None, None] => Some(MockAnswer::Return(output.clone())),
            [None, None, Some(Value::Bool(true))] => Some(MockAnswer::Hang),
            [None, None, Some(_)] => {
                self.refuse(&child_pointer(pointer, "Hang"), "expected `true`");
                None
            }
            [None, Some(failure), None] => {
                let pointer = child_pointer(pointer, "Throw");
                let failure = self.object(Some(failure), &pointer)?;
                self.only_fields(failure, &pointer, &["Error", "Cause"]);
                let error = self.optional_text(failure, "Error", &pointer);
                let cause = self.optional_text(failure, "Cause", &pointer);
                Some(MockAnswer::Throw { error, cause })
            }
            _ => {
                self.refuse(
                    pointer,
                    "expected exactly one of `Return`, `Throw` and `Hang`",
                );
                None
            }
        }
    }

    /// Returns the text of a field; `None` if the field is missing, is `null`, or has another type, which adds a
    /// problem.
    fn optional_text(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        pointer: &str,
    ) -> Option<String> {
        match fields.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.refuse(&child_pointer(pointer, name), "expected a string");
                None
            }
        }
    }
}

/// Parses the number of a call such as `0`, or a range such as `1-3`; `None` for any other text.
fn range(text: &str) -> Option<RangeInclusive<u64>> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain {
            digits.parse::<u64>().ok()
        } else {
            None
        }
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = r#"{
  "StateMachines": {
    "Orders": {"TestCases": {"Happy": {"Charge": "Paid"}, "Nothing": {}}}
  },
  "MockedResponses": {
    "Paid": {"0": {"Throw": {"Error": "E", "Cause": "c"}}, "1-2": {"Return": [1]}}
  }
}"#;

    #[test]
    fn a_case_answers_by_the_number_of_the_call() {
        let case = MockFile::parse(FILE)
            .unwrap()
            .case("Orders", "Happy")
            .unwrap();
        let thrown = MockAnswer::Throw {
            error: Some("E".to_owned()),
            cause: Some("c".to_owned()),
        };
        assert_eq!(case.answer("Charge", 0), Some(&thrown));
        assert_eq!(
            case.answer("Charge", 2),
            Some(&MockAnswer::Return(json!([1])))
        );
        assert_eq!(case.answer("Charge", 3), None);
        assert_eq!(case.answer("Other", 0), None);
    }

    #[test]
    fn the_only_machine_matches_any_name() {
        let file = MockFile::parse(FILE).unwrap();
        assert_eq!(
            file.case("other", "Happy")
                .map(|case| case.name().to_owned()),
            Ok("Happy".to_owned())
        );
        assert_eq!(
            file.cases("other").unwrap().collect::<Vec<_>>(),
            ["Happy", "Nothing"]
        );
        let error = file.case("Orders", "Missing").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownMock);
        assert_eq!(
            error.to_string(),
            "the mock file has no case `Missing`, available: `Happy`, `Nothing`"
        );
        let two = MockFile::parse(
            r#"{"StateMachines": {"A": {"TestCases": {}}, "B": {"TestCases": {}}}}"#,
        )
        .unwrap();
        assert_eq!(
            two.case("C", "x").unwrap_err().to_string(),
            "the mock file has no machine `C`, available: `A`, `B`"
        );
    }

    #[test]
    fn every_problem_is_reported_with_its_place() {
        let text = r#"{
  "StateMachines": {"A": {"TestCases": {"c": {"S": "Missing", "T": 1}}, "x": 1}},
  "MockedResponses": {
    "R": {"0-1": {"Return": 1}, "1": {"Return": 1}, "-1": {"Return": 1}, "5": {}, "6": {"Throw": {"Error": 1}}}
  }
}"#;
        let error = MockFile::parse(text).unwrap_err();
        let found: Vec<(&str, usize)> = error
            .problems()
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.place.unwrap().line))
            .collect();
        assert_eq!(
            found,
            [
                ("/MockedResponses/R/1", 4),
                ("/MockedResponses/R/-1", 4),
                ("/MockedResponses/R/5", 4),
                ("/MockedResponses/R/6/Throw/Error", 4),
                ("/StateMachines/A/x", 2),
                ("/StateMachines/A/TestCases/c/S", 2),
                ("/StateMachines/A/TestCases/c/T", 2),
            ]
        );
        let twice = r#"{"StateMachines": {}, "MockedResponses": {"R": {"0": {"Return": 1}, "0": {"Return": 2}}}}"#;
        let error = MockFile::parse(twice).unwrap_err();
        assert_eq!(error.problems()[0].pointer, "/MockedResponses/R/0");
        for hang in ["{\"Hang\": false}", "{\"Hang\": true, \"Return\": 1}"] {
            let file = format!(
                r#"{{"StateMachines": {{}}, "MockedResponses": {{"R": {{"0": {hang}}}}}}}"#
            );
            assert_eq!(
                MockFile::parse(&file).unwrap_err().problems().len(),
                1,
                "{hang}"
            );
        }
        assert_eq!(MockFile::parse("{").unwrap_err().problems().len(), 1);
        assert!(MockFile::parse("[]").is_err());
    }
}
