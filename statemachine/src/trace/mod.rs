//! The trace of an execution: a tree of states, attempts, branches and iterations with their times.
//!
//! A [`Trace`] is a [`HistorySink`](crate::HistorySink) that follows events as they happen and keeps only what a reader
//! looks at: the beginning and the end of a long loop, the first iterations and the first failures of a large Map, and
//! totals of the rest. So its memory is bounded, however long the execution is.
//!
//! ```
//! use drivetrain_statemachine::trace::Trace;
//! use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskFailure};
//! use serde_json::{Value, json};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let machine = Machine::parse(r#"{"StartAt": "Rest", "States": {
//!     "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Done"},
//!     "Done": {"Type": "Succeed"}
//! }}"#)?;
//! let trace = Trace::new();
//! let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskFailure::default()) }).history(trace.clone());
//! engine.run(&machine, json!({})).await?;
//! let traced = trace.finish();
//! let rest = traced.steps.iter().next().unwrap();
//! assert_eq!((rest.state.as_str(), rest.duration().num_seconds()), ("Rest", 60));
//! assert!(traced.facts.transitions.contains(&("Rest".to_owned(), "Done".to_owned())));
//! # Ok(())
//! # }
//! ```

mod coverage;
mod event_follower;
mod event_owners;
mod execution_facts;
mod numbered_map;
mod running_executions;
mod trace_sink;
mod traced_thread;
mod visits;

pub use coverage::{Coverage, Unreached};
pub use execution_facts::{Facts, Traced};
pub use trace_sink::Trace;
pub use visits::{Attempted, Inside, Iteration, Iterations, Steps, Totals, Visit, VisitEnd};
