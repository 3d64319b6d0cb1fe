//! Failures of states, and the rules by which retriers and catchers match them.

use serde_json::{Map, Value};

/// The failure of a state: a retrier or a catcher handles it, or it ends the execution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// The error's name; `None` if a task or a Fail state gave no name.
    pub(crate) error: Option<String>,
    /// The cause, a text for people that is often JSON.
    pub(crate) cause: Option<String>,
    /// The class, which decides which retriers and catchers match the failure.
    pub(crate) class: FailureClass,
    /// `true` if the failure comes from a branch or iteration, which has recorded it already.
    pub(crate) from_inside: bool,
}

/// The class of a failure, which decides which retriers and catchers match it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FailureClass {
    /// The failure of a task, of a Fail state, or of a Map Run with too many failed items; any retrier or catcher may
    /// match it.
    Ordinary,
    /// A timeout of the task, or a missing heartbeat.
    Timeout {
        /// `true` if a heartbeat was missing.
        heartbeat: bool,
    },
    /// The failure of a field's evaluation, with the field's path if known.
    Evaluation {
        /// The field's path in the state, such as `Choices[0]/Condition`.
        location: Option<String>,
    },
    /// A state's output or variables that are too large: only a retrier or catcher that names the error matches it. A
    /// task's result that is too large is `Ordinary`.
    DataLimit,
    /// An error of the machine itself, such as a path that finds nothing: no retrier or catcher matches it.
    Runtime,
}

/// Error names that the engine itself raises.
pub(crate) mod names {
    /// The name with which a retrier or catcher matches every failure, except those of the classes `Runtime` and
    /// `DataLimit`.
    pub(crate) const ALL: &str = "States.ALL";
    /// The error of a result, an output or variables that exceed AWS's size limits.
    pub(crate) const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
    /// The error of a Map Run in which more items failed than it tolerates.
    pub(crate) const EXCEED_TOLERATED_FAILURE_THRESHOLD: &str =
        "States.ExceedToleratedFailureThreshold";
    /// The name with which a retrier or catcher matches only missing heartbeats; the failure itself has the name
    /// [`TIMEOUT`].
    pub(crate) const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";
    /// The error of an `ItemReader` that cannot read its items.
    pub(crate) const ITEM_READER_FAILED: &str = "States.ItemReaderFailed";
    /// The error of a reference path with a step that does not apply to the data, such as a field of an array.
    pub(crate) const REFERENCE_PATH_CONFLICT: &str = "States.ReferencePathConflict";
    /// The error of a JSONata field that cannot be evaluated or has an invalid value.
    pub(crate) const QUERY_EVALUATION_ERROR: &str = "States.QueryEvaluationError";
    /// The error of a `ResultWriter` that cannot write the results.
    pub(crate) const RESULT_WRITER_FAILED: &str = "States.ResultWriterFailed";
    /// The error of the machine itself, which no retrier or catcher matches.
    pub(crate) const RUNTIME: &str = "States.Runtime";
    /// The name with which a retrier or catcher matches every failure of the class `Ordinary`.
    pub(crate) const TASK_FAILED: &str = "States.TaskFailed";
    /// The error of a task or an execution that takes too long, and of a missing heartbeat.
    pub(crate) const TIMEOUT: &str = "States.Timeout";
}

impl Failure {
    /// Builds a failure of a class, with a name and a cause.
    pub(crate) fn new(class: FailureClass, error: &str, cause: impl Into<String>) -> Self {
        Self {
            error: Some(error.to_owned()),
            cause: Some(cause.into()),
            class,
            from_inside: false,
        }
    }

    /// Builds a failure that any retrier or catcher may match.
    pub(crate) fn ordinary(error: &str, cause: impl Into<String>) -> Self {
        Self::new(FailureClass::Ordinary, error, cause)
    }

    /// Builds the failure of a reference path with a step that does not apply to the data. As on AWS, the cause does
    /// not name the state.
    pub(crate) fn conflict(step: &str, data: &Value) -> Self {
        Self::ordinary(
            names::REFERENCE_PATH_CONFLICT,
            format!("Unable to apply step \"{step}\" to input {data}"),
        )
    }

    /// Builds the failure of an `ItemReader` that cannot read its items.
    pub(crate) fn item_reader(cause: impl Into<String>) -> Self {
        Self::ordinary(names::ITEM_READER_FAILED, cause)
    }

    /// Builds the failure of an error in the machine itself, which no retrier or catcher matches.
    pub(crate) fn runtime(cause: impl Into<String>) -> Self {
        Self::new(FailureClass::Runtime, names::RUNTIME, cause)
    }

    /// Builds the failure of a timeout; `heartbeat` is `true` if a missing heartbeat caused it.
    pub(crate) fn timeout(heartbeat: bool) -> Self {
        Self {
            error: Some(names::TIMEOUT.to_owned()),
            cause: None,
            class: FailureClass::Timeout { heartbeat },
            from_inside: false,
        }
    }

    /// Builds the failure that a task or a Fail state reports. A name that the engine itself raises, such as
    /// `States.Timeout`, decides the failure's class.
    pub(crate) fn reported(error: Option<String>, cause: Option<String>) -> Self {
        let class = match error.as_deref() {
            Some(names::RUNTIME) => FailureClass::Runtime,
            Some(names::TIMEOUT) => FailureClass::Timeout { heartbeat: false },
            Some(names::HEARTBEAT_TIMEOUT) => FailureClass::Timeout { heartbeat: true },
            _ => FailureClass::Ordinary,
        };
        Self {
            error,
            cause,
            class,
            from_inside: false,
        }
    }

    /// Marks the failure as recorded already by the branch or the iteration in which it occurred.
    pub(crate) fn leaving(self) -> Self {
        Self {
            from_inside: true,
            ..self
        }
    }

    /// Returns `true` if a retrier or catcher with these names in its `ErrorEquals` matches the failure.
    pub(crate) fn matches(&self, names: &[String]) -> bool {
        self.class != FailureClass::Runtime && names.iter().any(|name| self.matches_name(name))
    }

    /// Returns `true` if one name of an `ErrorEquals` matches the failure.
    fn matches_name(&self, name: &str) -> bool {
        if self.error.as_deref() == Some(name) {
            return true;
        }
        match name {
            names::ALL => self.class != FailureClass::DataLimit,
            names::TASK_FAILED => matches!(self.class, FailureClass::Ordinary),
            names::HEARTBEAT_TIMEOUT => self.class == FailureClass::Timeout { heartbeat: true },
            names::TIMEOUT => matches!(self.class, FailureClass::Timeout { .. }),
            _ => false,
        }
    }

    /// Builds the error output, `{"Error": .., "Cause": ..}`, that a catcher reads.
    pub(crate) fn error_output(&self) -> Value {
        let cause = match (&self.cause, &self.class) {
            (None, FailureClass::Timeout { .. }) => Value::String(String::new()),
            (cause, _) => cause.clone().map_or(Value::Null, Value::String),
        };
        let mut output = Map::new();
        output.insert(
            "Error".to_owned(),
            self.error.clone().map_or(Value::Null, Value::String),
        );
        output.insert("Cause".to_owned(), cause);
        Value::Object(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(failure: &Failure, name: &str) -> bool {
        failure.matches(&[name.to_owned()])
    }

    #[test]
    fn a_runtime_failure_is_never_matched_even_by_its_name() {
        let failure = Failure::runtime("x");
        assert!(!takes(&failure, names::ALL));
        assert!(!takes(&failure, names::RUNTIME));
    }

    #[test]
    fn task_failed_matches_any_task_failure_but_a_timeout() {
        assert!(takes(&Failure::ordinary("E", "c"), names::TASK_FAILED));
        assert!(!takes(&Failure::timeout(false), names::TASK_FAILED));
        assert!(takes(&Failure::timeout(true), names::TIMEOUT));
        assert!(takes(&Failure::timeout(true), names::HEARTBEAT_TIMEOUT));
        assert!(!takes(&Failure::timeout(false), names::HEARTBEAT_TIMEOUT));
    }

    #[test]
    fn only_a_task_s_oversized_result_is_matched_by_all() {
        let own = Failure::new(FailureClass::DataLimit, names::DATA_LIMIT_EXCEEDED, "c");
        assert!(takes(&own, names::DATA_LIMIT_EXCEEDED));
        assert!(!takes(&own, names::ALL));
        let of_task = Failure::reported(Some(names::DATA_LIMIT_EXCEEDED.to_owned()), None);
        assert!(takes(&of_task, names::ALL));
    }

    #[test]
    fn an_error_without_a_name_is_matched_by_all() {
        let failure = Failure::reported(None, None);
        assert!(takes(&failure, names::ALL));
        assert_eq!(
            failure.error_output().to_string(),
            r#"{"Error":null,"Cause":null}"#
        );
        assert_eq!(
            Failure::timeout(false).error_output().to_string(),
            r#"{"Error":"States.Timeout","Cause":""}"#
        );
    }
}
