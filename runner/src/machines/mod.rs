//! State machines at the command line: files in, one execution or many, findings and trees out.
//!
//! The language itself is the crate `drivetrain_statemachine`, which opens no file and has no clock. Here is what it
//! needs around it on somebody's machine.

pub(crate) mod buckets;
pub(crate) mod case;
pub mod definition;
pub(crate) mod definition_cache;
pub(crate) mod discovery;
pub(crate) mod duration_text;
pub(crate) mod execution_tree;
pub(crate) mod findings;
pub mod history_file;
pub mod json_argument;
pub(crate) mod mocks;
pub mod simulation;
