//! Mocked answers for tasks, in the format of Step Functions Local's `MockConfigFile.json`.
//!
//! A file has machines, a machine has test cases, a case names a response for each Task state, and a response has the
//! answers to the state's calls by their number:
//!
//! ```
//! use drivetrain_statemachine::mocks::{MockFile, MockHandler};
//! use drivetrain_statemachine::{Engine, Machine};
//! use serde_json::json;
//!
//! let mocks = MockFile::parse(
//!     r#"{
//!         "StateMachines": {"Orders": {"TestCases": {"SecondTry": {"Charge": "ChargeTwice"}}}},
//!         "MockedResponses": {
//!             "ChargeTwice": {
//!                 "0": {"Throw": {"Error": "Lambda.Timeout", "Cause": "too slow"}},
//!                 "1-3": {"Return": {"paid": true}}
//!             }
//!         }
//!     }"#,
//! )?;
//! let machine = Machine::parse(
//!     r#"{"StartAt": "Charge", "States": {"Charge": {
//!         "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,
//!         "Retry": [{"ErrorEquals": ["Lambda.Timeout"]}]
//!     }}}"#,
//! )?;
//! let engine = Engine::new(MockHandler::new(mocks.case("Orders", "SecondTry")?));
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! let outcome = runtime.block_on(engine.run(&machine, json!({})))?;
//! assert_eq!(outcome.output, Some(json!({"paid": true})));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In addition to the format's `Return` and `Throw`, an answer may be `{"Hang": true}`: the call is never answered, as
//! if the task ran until its timeout, or until a failure in another branch aborted it.
//!
//! [`MockFile::from_history`] builds such a file from the history of an execution on AWS, so that it can be replayed.

mod mock_file;
mod mock_handler;
mod mocks_from_history;
mod replay_clock;
mod replay_handler;

pub use mock_file::{MockCase, MockFile};
pub use mock_handler::{MissingMock, MockHandler};
pub use replay_handler::ReplayHandler;
