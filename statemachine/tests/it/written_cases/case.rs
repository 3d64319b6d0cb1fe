//! The format of a file of written cases.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One file: several cases of one feature.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The feature, in one sentence.
    pub about: String,
    pub cases: Vec<Case>,
}

/// One case: a subject, its input and answers, and the expected outcome.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence that is the name of no other case in any file.
    pub name: String,
    /// The section of the document from which the expected values follow.
    pub source: String,
    /// The subject: exactly one of the next seven fields, which [`Subject`] describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expression: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    definition: Option<Value>,
    /// `true` to create an Express machine.
    #[serde(default)]
    pub express: bool,
    /// The input of the execution, `{}` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The answers to the calls of each Task state, in the order of the calls.
    #[serde(default)]
    pub tasks: BTreeMap<String, Vec<Answer>>,
    /// The objects in S3, by `bucket/key`.
    #[serde(default)]
    pub objects: BTreeMap<String, String>,
    pub expect: Expect,
}

/// The subject of a case.
#[derive(Debug)]
pub enum Subject<'c> {
    /// `machine`: a state machine.
    Machine(&'c Value),
    /// `state`: the only state of a machine, whose name is `Only`.
    State(&'c Value),
    /// `call`: a call of an intrinsic function, whose value is the output.
    Call(&'c str),
    /// `expression`: a JSONata expression, whose value is the output.
    Expression(&'c str),
    /// `rule`: a rule of a Choice state without its `Next`; the output is whether it matches.
    Rule(&'c Value),
    /// `request`: a request of the TestState API, with values in place of JSON text.
    Request(&'c Value),
    /// `definition`: a definition to validate, text if it is not a JSON object.
    Definition(&'c Value),
}

/// The answer to one call of a Task state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The input of the call that this answer is for; absent for the next call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Value>,
    /// The seconds that the work takes.
    #[serde(default)]
    pub after_seconds: u64,
    /// The seconds from the start of the call to each heartbeat.
    #[serde(default)]
    pub heartbeats: Vec<u64>,
    /// The response to the request that starts a job or delivers a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Value>,
    #[serde(flatten)]
    pub end: AnswerEnd,
}

/// The way in which a call ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerEnd {
    /// The call succeeds with an output.
    Return(Value),
    /// The call succeeds with a text of this many characters, to test limits.
    ReturnText(usize),
    /// The call fails.
    Fail(ErrorAndCause),
    /// The call never ends; the value is `true`.
    Silent(bool),
}

/// The failure of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAndCause {
    pub error: Option<String>,
    pub cause: Option<String>,
}

/// The expected outcome of a case: exactly one of `output`, `error`, `status`, `response`, `refused` and `errors`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The output of an execution that succeeds.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub output: Option<Value>,
    /// The name of the error of an execution that fails; `null` if it has none.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<Value>,
    /// The whole cause; `null` if there is none.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub cause: Option<Value>,
    /// A part of the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause_contains: Option<String>,
    /// `TIMED_OUT`, which has neither output nor error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The seconds from the start of the execution to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The most seconds that the execution may take, for random delays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_at_most: Option<f64>,
    /// The types of the execution's events, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// The calls of tasks, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<Call>>,
    /// Objects that the execution wrote, by a part of their key; text, or values for JSON.
    #[serde(default)]
    pub objects: BTreeMap<String, Value>,
    /// The response of the TestState API, with values in place of JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// The exception of the TestState API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Every error of a definition, in any order; `[]` if it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<Finding>>,
    /// Some of the warnings about a definition.
    #[serde(default)]
    pub warnings: Vec<Finding>,
}

/// The call of a task; absent fields are not compared.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub input: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub credentials: Option<Value>,
    /// The second of the execution in which the call was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<u64>,
}

/// An exception of AWS's API.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    pub code: String,
    pub message_contains: String,
}

/// A finding about a definition.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub code: String,
    /// The place in AWS's notation, such as `/States/A/Choices[0]/Next`; `null` if AWS names none, absent if the source
    /// does not say.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub location: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Reads a field that is present. A field that is `null` thus differs from one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Case {
    /// Returns the subject of the case.
    pub fn subject(&self) -> Subject<'_> {
        self.subjects()
            .next()
            .expect("a case is checked to have a subject")
    }

    fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        [
            self.machine.as_ref().map(Subject::Machine),
            self.state.as_ref().map(Subject::State),
            self.call.as_deref().map(Subject::Call),
            self.expression.as_deref().map(Subject::Expression),
            self.rule.as_ref().map(Subject::Rule),
            self.request.as_ref().map(Subject::Request),
            self.definition.as_ref().map(Subject::Definition),
        ]
        .into_iter()
        .flatten()
    }

    /// Lists the reasons why the case could not fail, or is not clear about what it expects.
    pub fn problems(&self) -> impl Iterator<Item = &'static str> {
        let expect = &self.expect;
        let fails = expect.error.is_some();
        let ends = [
            expect.output.is_some(),
            fails,
            expect.status.is_some(),
            expect.response.is_some(),
            expect.refused.is_some(),
            expect.errors.is_some(),
        ];
        let ends = ends.into_iter().filter(|is_expected| *is_expected).count();
        let says_cause = expect.cause.is_some() || expect.cause_contains.is_some();
        let is_definition = matches!(self.subjects().next(), Some(Subject::Definition(_)));
        let is_request = matches!(self.subjects().next(), Some(Subject::Request(_)));
        let expects_execution = expect.seconds.is_some()
            || expect.seconds_at_most.is_some()
            || expect.events.is_some()
            || expect.calls.is_some()
            || !expect.objects.is_empty();
        let refused = expect.refused.as_ref();
        [
            (
                self.subjects().count() != 1,
                "a case has exactly one of machine, state, call, expression, rule, request, definition",
            ),
            (ends == 0, "the case expects no end"),
            (ends > 1, "the case expects more than one end"),
            (fails && !says_cause, "the case expects an error without a cause"),
            (!fails && says_cause, "the case expects a cause without an error"),
            (
                expect.cause_contains.as_deref() == Some(""),
                "every cause contains an empty text",
            ),
            (
                refused.is_some_and(|refused| refused.message_contains.is_empty()),
                "every message contains an empty text",
            ),
            (
                (is_definition || is_request) && expects_execution,
                "`seconds`, `seconds_at_most`, `events`, `calls` and `objects` are compared for executions only",
            ),
            (
                !is_definition && !expect.warnings.is_empty(),
                "`warnings` are compared for definitions only",
            ),
            (
                is_definition != expect.errors.is_some(),
                "`errors` are expected of a definition and of nothing else",
            ),
            (
                is_request != (expect.response.is_some() || expect.refused.is_some()),
                "`response` or `refused` is expected of a request and of nothing else",
            ),
        ]
        .into_iter()
        .filter_map(|(is_wrong, problem)| is_wrong.then_some(problem))
    }
}
