//! Payload templates: JSON whose fields ending in `.$` are computed.
//!
//! A template orders the fields of an object as AWS does: fixed fields as written, then computed ones in the order of
//! Java's `HashMap`. The order is visible in JSON text made from the object.
//!
//! ```
//! use drivetrain_statemachine::scope::{Host, Random, Scope};
//! use drivetrain_statemachine::template::Template;
//! use serde_json::{Map, json};
//!
//! let template = Template::parse(&json!({"fixed": 1, "path.$": "$.a", "call.$": "States.MathAdd($.a, 1)"}))
//!     .expect("the template is right");
//! let (input, context, variables) = (json!({"a": 2}), json!({}), Map::new());
//! let scope = Scope { input: &input, context: &context, variables: &variables };
//! let mut host = Host { now: chrono::DateTime::UNIX_EPOCH, random: Random::from_seed(1) };
//! assert_eq!(template.evaluate(&scope, &mut host)?, json!({"fixed": 1, "path": 2, "call": 3}));
//! # Ok::<(), drivetrain_statemachine::Error>(())
//! ```

mod parse_template;
mod path_or_call;
mod payload_template;
mod template_node;

pub use payload_template::Template;

pub(crate) use payload_template::{BuiltBy, PAYLOAD_TOO_DEEP};
