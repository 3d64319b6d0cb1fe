//! The event history in AWS's shapes.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// One event of an execution.
///
/// It serialises to the shape of AWS's `GetExecutionHistory`, details under the name of their type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The ARN of the execution; each item of a distributed Map is an execution of its own.
    pub execution: Arc<str>,
    /// When it happened, by the execution's clock.
    pub timestamp: DateTime<Utc>,
    /// Its number in the execution, from 1.
    pub id: u64,
    /// The event that led to it, by AWS's rules, 0 for none.
    pub previous_event_id: u64,
    /// What happened.
    pub event_type: EventType,
    /// The particulars; only the fields that the type has are set.
    pub details: Details,
}

/// The particulars of an event.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Details {
    /// A state's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A Map iteration's number, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// How many items a Map has; 0 where they are still to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The variables that the state assigned, each as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_variables: Option<Map<String, Value>>,
    /// The service of a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The call of a task, or an ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The region of a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A task's input as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// A task's timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<u64>,
    /// A task's heartbeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_in_seconds: Option<u64>,
    /// The role of an execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The Map Run of a distributed Map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_run_arn: Option<String>,
    /// Who took an activity's work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_name: Option<String>,
    /// An error's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// An error's cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The field that could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The state whose field could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

macro_rules! event_types {
    ($($name:ident => $details:literal,)*) => {
        /// What may happen in an execution, under AWS's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are AWS's own and say all there is")]
        #[non_exhaustive]
        pub enum EventType {
            $($name,)*
        }

        impl EventType {
            /// Lists every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Gives AWS's name of the type.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Gives the key that AWS puts the details under; empty where it has none.
            #[must_use]
            pub fn details_key(self) -> &'static str {
                match self {
                    $(Self::$name => $details,)*
                }
            }
        }
    };
}

event_types! {
    ActivityFailed => "activityFailedEventDetails",
    ActivityScheduled => "activityScheduledEventDetails",
    ActivityStarted => "activityStartedEventDetails",
    ActivitySucceeded => "activitySucceededEventDetails",
    ActivityTimedOut => "activityTimedOutEventDetails",
    ChoiceStateEntered => "stateEnteredEventDetails",
    ChoiceStateExited => "stateExitedEventDetails",
    EvaluationFailed => "evaluationFailedEventDetails",
    ExecutionAborted => "executionAbortedEventDetails",
    ExecutionFailed => "executionFailedEventDetails",
    ExecutionStarted => "executionStartedEventDetails",
    ExecutionSucceeded => "executionSucceededEventDetails",
    ExecutionTimedOut => "executionTimedOutEventDetails",
    FailStateEntered => "stateEnteredEventDetails",
    LambdaFunctionFailed => "lambdaFunctionFailedEventDetails",
    LambdaFunctionScheduled => "lambdaFunctionScheduledEventDetails",
    LambdaFunctionStarted => "",
    LambdaFunctionSucceeded => "lambdaFunctionSucceededEventDetails",
    LambdaFunctionTimedOut => "lambdaFunctionTimedOutEventDetails",
    MapIterationAborted => "mapIterationAbortedEventDetails",
    MapIterationFailed => "mapIterationFailedEventDetails",
    MapIterationStarted => "mapIterationStartedEventDetails",
    MapIterationSucceeded => "mapIterationSucceededEventDetails",
    MapRunAborted => "",
    MapRunFailed => "mapRunFailedEventDetails",
    MapRunStarted => "mapRunStartedEventDetails",
    MapRunSucceeded => "",
    MapStateAborted => "",
    MapStateEntered => "stateEnteredEventDetails",
    MapStateExited => "stateExitedEventDetails",
    MapStateFailed => "",
    MapStateStarted => "mapStateStartedEventDetails",
    MapStateSucceeded => "",
    ParallelStateAborted => "",
    ParallelStateEntered => "stateEnteredEventDetails",
    ParallelStateExited => "stateExitedEventDetails",
    ParallelStateFailed => "",
    ParallelStateStarted => "",
    ParallelStateSucceeded => "",
    PassStateEntered => "stateEnteredEventDetails",
    PassStateExited => "stateExitedEventDetails",
    SucceedStateEntered => "stateEnteredEventDetails",
    SucceedStateExited => "stateExitedEventDetails",
    TaskFailed => "taskFailedEventDetails",
    TaskScheduled => "taskScheduledEventDetails",
    TaskStarted => "taskStartedEventDetails",
    TaskStateAborted => "",
    TaskStateEntered => "stateEnteredEventDetails",
    TaskStateExited => "stateExitedEventDetails",
    TaskSubmitted => "taskSubmittedEventDetails",
    TaskSucceeded => "taskSucceededEventDetails",
    TaskTimedOut => "taskTimedOutEventDetails",
    WaitStateAborted => "",
    WaitStateEntered => "stateEnteredEventDetails",
    WaitStateExited => "stateExitedEventDetails",
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "timestamp",
            &self.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true),
        )?;
        map.serialize_entry("type", self.event_type.as_str())?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("previousEventId", &self.previous_event_id)?;
        let key = self.event_type.details_key();
        if !key.is_empty() {
            map.serialize_entry(key, &WithTruncation(&self.details))?;
        }
        map.end()
    }
}

/// Details with the notes that AWS puts beside each text, that nothing was cut off.
struct WithTruncation<'a>(&'a Details);

impl Serialize for WithTruncation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Truncation {
            truncated: bool,
        }
        // By hand, for a flattened struct is looked through twice, and there are two events to a transition.
        let mut map = serializer.serialize_map(None)?;
        macro_rules! entries {
            ($($key:literal: $field:ident,)*) => {
                $(if let Some(value) = &self.0.$field {
                    map.serialize_entry($key, value)?;
                })*
            };
        }
        entries! {
            "name": name,
            "index": index,
            "length": length,
            "input": input,
            "output": output,
            "assignedVariables": assigned_variables,
            "resourceType": resource_type,
            "resource": resource,
            "region": region,
            "parameters": parameters,
            "timeoutInSeconds": timeout_in_seconds,
            "heartbeatInSeconds": heartbeat_in_seconds,
            "roleArn": role_arn,
            "mapRunArn": map_run_arn,
            "workerName": worker_name,
            "error": error,
            "cause": cause,
            "location": location,
            "state": state,
        }
        for (key, present) in [
            ("inputDetails", self.0.input.is_some()),
            ("outputDetails", self.0.output.is_some()),
            (
                "assignedVariablesDetails",
                self.0.assigned_variables.is_some(),
            ),
        ] {
            if present {
                map.serialize_entry(key, &Truncation { truncated: false })?;
            }
        }
        map.end()
    }
}

/// Where an execution's events go, in their order, while it runs.
pub trait HistorySink: Send + Sync {
    /// Takes one event; it should return quickly, for the execution waits for it.
    fn record(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> HistorySink for F {
    fn record(&self, event: &Event) {
        self(event);
    }
}

/// A history kept in memory; its clones share one list.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>);

impl History {
    /// Gives the events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl HistorySink for History {
    fn record(&self, event: &Event) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_shape_of_aws() {
        let event = Event {
            execution: "arn".into(),
            timestamp: DateTime::UNIX_EPOCH,
            id: 2,
            previous_event_id: 0,
            event_type: EventType::PassStateEntered,
            details: Details {
                name: Some("A".to_owned()),
                input: Some("{}".to_owned()),
                ..Details::default()
            },
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"timestamp":"1970-01-01T00:00:00.000Z","type":"PassStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"A","input":"{}","inputDetails":{"truncated":false}}}"#
        );
    }
}
