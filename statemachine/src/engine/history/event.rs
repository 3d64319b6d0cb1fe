//! Events of a history: their types and details, under AWS's names.

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
    /// The time of the event, by the execution's clock.
    pub timestamp: DateTime<Utc>,
    /// The number of the event in its execution, from 1.
    pub id: u64,
    /// The number of the event that this one follows by AWS's rules; 0 for none.
    pub previous_event_id: u64,
    /// The type, which decides which details the event has.
    pub event_type: EventType,
    /// The details; only fields that belong to the type are set.
    pub details: Details,
}

/// The details of an event: one struct for all types, in which fields that do not apply are `None`.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Details {
    /// The name of the state; in the events of an iteration, the name of the Map state.
    pub name: Option<Arc<str>>,
    /// The number of a Map's iteration, from 0.
    pub index: Option<usize>,
    /// The number of items of a Map; 0 if they are read later.
    pub length: Option<usize>,
    /// The input of a state or an execution, or of a call of a Lambda function or an activity.
    pub input: Option<JsonText>,
    /// A state's, a task's or an execution's output.
    pub output: Option<JsonText>,
    /// The variables that the state assigned, each value as JSON text.
    pub assigned_variables: Option<Map<String, Value>>,
    /// The service that a task calls, such as `glue`.
    pub resource_type: Option<String>,
    /// The action that a task calls, such as `startJobRun.sync`; the ARN of a Lambda function or an activity.
    pub resource: Option<String>,
    /// The region in which a task calls its service.
    pub region: Option<String>,
    /// The input of a task that calls a service.
    pub parameters: Option<JsonText>,
    /// A task's timeout, if the state sets one.
    pub timeout_in_seconds: Option<u64>,
    /// The longest time between two heartbeats of a task, if the state sets one.
    pub heartbeat_in_seconds: Option<u64>,
    /// The ARN of an execution's role.
    pub role_arn: Option<String>,
    /// The ARN of a distributed Map's Map Run.
    pub map_run_arn: Option<String>,
    /// The name of the worker that took an activity's task.
    pub worker_name: Option<String>,
    /// The name of the error with which a task, a state or an execution failed.
    pub error: Option<String>,
    /// The cause of the error, a text for people that is often JSON.
    pub cause: Option<String>,
    /// The path of the field that could not be evaluated.
    pub location: Option<String>,
    /// The name of the state whose field could not be evaluated.
    pub state: Option<String>,
}

/// Defines `EventType` and its functions from one list of AWS's type names and keys of details.
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
            /// All types, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns AWS's name of the type, such as `TaskScheduled`.
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

            /// Returns the JSON text between an event's timestamp and its number, which is the same for all events of
            /// the type.
            pub(super) fn between_timestamp_and_id(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("\",\"type\":\"", stringify!($name), "\",\"id\":"),)*
                }
            }

            /// Returns the JSON text that opens the details, from the comma before their key to `{`.
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
