//! The Amazon States Language: parse, validate, execute.
