//! The Amazon States Language: parse, validate, execute.

mod bounds;
pub mod intrinsics;
pub mod jsonata;
pub mod jsonpath;
pub mod scope;
pub mod template;
