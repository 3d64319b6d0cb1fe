//! Intrinsic functions: `States.Format` and its siblings.
//!
//! [`FUNCTIONS`] lists them all. The parser checks names and numbers of arguments against that table, and evaluation
//! dispatches on it.
//!
//! ```
//! use drivetrain_statemachine::intrinsics::Call;
//! use drivetrain_statemachine::scope::{Host, Random, Scope};
//! use serde_json::{Map, json};
//!
//! let (input, context, variables) = (json!({"name": "Ada"}), json!({}), Map::new());
//! let scope = Scope { input: &input, context: &context, variables: &variables };
//! let mut host = Host { now: chrono::DateTime::UNIX_EPOCH, random: Random::from_seed(1) };
//! let call = Call::parse("States.Format('Hello {}, {}', $.name, States.MathAdd(1, 2))")?;
//! assert_eq!(call.evaluate(&scope, &mut host)?, json!("Hello Ada, 3"));
//! # Ok::<(), drivetrain_statemachine::Error>(())
//! ```

mod argument_refusal;
mod array_functions;
mod call;
mod encoding_functions;
mod function_table;
mod json_functions;
mod math_functions;
mod parse_call;
mod text_functions;

pub use call::Call;
pub use function_table::{FUNCTIONS, Signature};
