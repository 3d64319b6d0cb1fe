//! The Amazon States Language: parse, validate, execute.

pub mod intrinsics;
pub mod jsonata;
pub mod jsonpath;
pub mod scope;
pub mod template;
