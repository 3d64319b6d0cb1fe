//! The Amazon States Language: parse, validate, execute.
//!
//! A state machine runs here as it does on AWS according to recorded executions: with the same outputs, error names,
//! causes, retries, timeouts, limits and event history. The same machine, input, start time, seed and answers give the
//! same history, on any computer.
//!
//! ```
//! use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskFailure};
//! use serde_json::{Value, json};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let machine = Machine::parse(r#"{
//!     "StartAt": "Rest",
//!     "States": {
//!         "Rest": {"Type": "Wait", "Seconds": 3600, "Next": "Add"},
//!         "Add": {
//!             "Type": "Task",
//!             "Resource": "arn:aws:states:::lambda:invoke",
//!             "Parameters": {"Payload": {"a.$": "$.a", "b": 2}},
//!             "ResultPath": "$.sum",
//!             "End": true
//!         }
//!     }
//! }"#)?;
//! let engine = Engine::new(|call: TaskCall| async move {
//!     let payload = &call.input["Payload"];
//!     match (payload["a"].as_i64(), payload["b"].as_i64()) {
//!         (Some(a), Some(b)) => Ok(json!(a + b)),
//!         _ => Err(TaskFailure::new("NotANumber", payload.to_string())),
//!     }
//! });
//! // Virtual time: the clock jumps over every wait. An ordinary runtime gives real time.
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! let outcome = runtime.block_on(engine.run(&machine, json!({"a": 40})))?;
//! assert_eq!(outcome.output, Some(json!({"a": 40, "sum": 42})));
//! assert_eq!((outcome.stopped_at - outcome.started_at).num_hours(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to start
//!
//! | to | use |
//! |---|---|
//! | check a definition, with AWS's errors and some advice | [`validate()`], [`Machine::parse`] |
//! | run a machine, in virtual or real time | [`Engine`], [`TaskHandler`] for its tasks |
//! | answer tasks by their service | [`TaskRouter`] |
//! | stop an execution or watch it | [`Execution::control`], [`Execution::events`] |
//! | keep the history, in memory or as lines of a file | [`History`], [`JsonLines`], any [`HistorySink`] |
//! | answer `.waitForTaskToken` and activities | [`Tokens`] |
//! | test one state, as the `TestState` API does | [`test_state()`] |
//! | answer tasks from a file, or from a recorded execution | [`mocks`] |
//! | use one of the languages alone | [`jsonpath`], [`intrinsics`], [`template`], [`jsonata`] |
//!
//! # The path of a state's input
//!
//! ```text
//!   raw input ─┬─> InputPath ─> Parameters | Arguments ─> task ─> ResultSelector ─┬─> Assign ─> the next state's
//!              │                                            │                     │             variables
//!              │            the one port to the world outside                     v
//!              └────────────────────────────────────────────────────────────> ResultPath ─> OutputPath | Output
//!                                                                                                 │
//!                            the next state's raw input <─────────────────────────────────────────┘
//! ```
//!
//! # Layout
//!
//! ```text
//!   diagnostics, error                        findings about a text, and the one error
//!   jsonpath, intrinsics, template, jsonata   the query languages; json_text, java, scope and others are their tools
//!   definition, validate                      from JSON text to a machine, with AWS's findings and best practices
//!   engine                                    executions: states, history, ports
//!   mocks, trace                              task handlers from files and recordings; trees and coverage of executions
//! ```
//!
//! The modules of a line use only modules of the lines above it.
//!
//! # Invariants
//!
//! - All outside work passes through one port, [`TaskHandler`]; dropping its future cancels the work.
//! - An execution waits only for a task, a Wait state, a retry's delay, or a Map's reader or writer. It yields to the
//!   runtime at least every 1,000 transitions, so that [`Execution::stop`] works in any loop.
//! - The crate reads no system clock, environment variable, file or network. A date is the caller's start date plus the
//!   elapsed time, which the runtime measures. The only thread that it starts writes a long history ([`JsonLines`]).
//! - No definition and no input makes it panic, hang in one evaluation, or use unbounded memory.

#![warn(clippy::missing_docs_in_private_items)]

mod diagnostics;
mod error;

mod digest;
mod evaluation_budget;
mod java;
mod json_pointer;
mod json_text;
mod payload_size;
pub mod scope;

pub mod intrinsics;
pub mod jsonata;
pub mod jsonpath;
pub mod template;

mod definition;
mod validate;

mod engine;

pub mod mocks;
pub mod trace;

pub use definition::machine::StateSummary;
pub use definition::{Machine, MachineType, Resource, ResourceKind};
pub use diagnostics::diagnostic::{Code, Diagnostic, Severity};
pub use diagnostics::duplicate_keys::duplicate_keys;
pub use diagnostics::place::Place;
pub use engine::{
    Details, Engine, Event, EventType, Events, Execution, ExecutionControl, History, HistorySink,
    InspectionLevel, JsonLines, Outcome, StateConfiguration, Status, TaskCall, TaskFailure,
    TaskHandler, TaskOutput, TaskRouter, TestMock, TestStateRequest, TestStateResponse,
    TestStateStatus, Tokens, test_state,
};
pub use error::{Error, ErrorKind, Problem};
pub use json_text::JsonText;
pub use validate::validate;
