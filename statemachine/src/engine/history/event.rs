//! The event history in AWS's shapes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::json_text::JsonText;

/// One event of an execution.
///
/// It serializes to the shape of AWS's `GetExecutionHistory`, with the details under the key of their type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The ARN of the execution; each item of a distributed Map has its own child execution. AWS keeps the histories of
    /// child executions apart, each with its own event numbers.
    pub execution: Arc<str>,
    /// The time, by the execution's clock.
    pub timestamp: DateTime<Utc>,
    /// Its number in the execution, from 1.
    pub id: u64,
    /// The event that led to it, by AWS's rules, 0 for none.
    pub previous_event_id: u64,
    /// The type of the event.
    pub event_type: EventType,
    /// The particulars; only the fields that the type has are set.
    pub details: Details,
}

/// The particulars of an event.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Details {
    /// A state's name.
    pub name: Option<Arc<str>>,
    /// A Map iteration's number, from 0.
    pub index: Option<usize>,
    /// The number of items of a Map; 0 if they are read later.
    pub length: Option<usize>,
    /// A state's or an execution's input.
    pub input: Option<JsonText>,
    /// A state's, a task's or an execution's output.
    pub output: Option<JsonText>,
    /// The variables that the state assigned, each as JSON text.
    pub assigned_variables: Option<Map<String, Value>>,
    /// The service of a task.
    pub resource_type: Option<String>,
    /// The call of a task, or an ARN.
    pub resource: Option<String>,
    /// The region of a task.
    pub region: Option<String>,
    /// A task's input.
    pub parameters: Option<JsonText>,
    /// A task's timeout.
    pub timeout_in_seconds: Option<u64>,
    /// A task's heartbeat.
    pub heartbeat_in_seconds: Option<u64>,
    /// The role of an execution.
    pub role_arn: Option<String>,
    /// The Map Run of a distributed Map.
    pub map_run_arn: Option<String>,
    /// The name of the worker that took an activity's task.
    pub worker_name: Option<String>,
    /// An error's name.
    pub error: Option<String>,
    /// An error's cause.
    pub cause: Option<String>,
    /// The field that could not be evaluated.
    pub location: Option<String>,
    /// The state whose field could not be evaluated.
    pub state: Option<String>,
}

/// Defines `EventType` from AWS's names and the keys of their details, so that no list of either can differ.
macro_rules! event_types {
    ($($name:ident => $details:literal,)*) => {
        /// The types of events, under AWS's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are AWS's own and need no explanation")]
        #[non_exhaustive]
        pub enum EventType {
            $($name,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns AWS's name of the type.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// Returns the key of the details in AWS's JSON; empty if the type has no details.
            pub(super) fn details_key(self) -> &'static str {
                match self {
                    $(Self::$name => $details,)*
                }
            }

            /// Returns the JSON between an event's timestamp and its number.
            pub(super) fn between_timestamp_and_id(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("\",\"type\":\"", stringify!($name), "\",\"id\":"),)*
                }
            }

            /// Returns the JSON that opens the details.
            pub(super) fn start_of_details(self) -> &'static str {
                match self {
                    $(Self::$name => concat!(",\"", $details, "\":{"),)*
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
