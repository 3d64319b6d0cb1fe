//! `JSONata` as AWS runs it.
//!
//! The crate `jsonata-core` implements the language. This module adds AWS's dialect (`$partition`, `$range`, `$hash`,
//! `$random`, `$uuid`, `$parse`; no `$eval`; the host's clock) and limits on time, memory and depth. To apply the
//! limits, it rewrites a parsed expression: before an operation builds or walks a value that may be large, the value's
//! weight is measured. An evaluation is one synchronous function from JSON to JSON; parsed expressions are plain data.
//!
//! ```
//! use drivetrain_statemachine::jsonata::{Expression, JsonataScope};
//! use drivetrain_statemachine::scope::{Host, Random};
//! use serde_json::{Map, json};
//!
//! let expression = Expression::parse("$sum($states.input.prices) * $factor")?;
//! let states = json!({"input": {"prices": [1, 2, 3]}});
//! let variables = Map::from_iter([("factor".to_owned(), json!(10))]);
//! let scope = JsonataScope { states: &states, variables: &variables };
//! let mut host = Host { now: chrono::DateTime::UNIX_EPOCH, random: Random::from_seed(1) };
//! assert_eq!(expression.evaluate(&scope, &mut host)?, json!(60));
//! # Ok::<(), drivetrain_statemachine::Error>(())
//! ```

mod aws_functions;
mod bounding_rewrite;
mod error_text;
mod evaluation_meter;
mod expression;
mod json_conversion;
mod jsonata_scope;
mod jsonata_template;
mod variable_references;

pub use expression::Expression;
pub use jsonata_scope::JsonataScope;
pub use jsonata_template::JsonataTemplate;

pub(crate) use jsonata_template::expression_text;
