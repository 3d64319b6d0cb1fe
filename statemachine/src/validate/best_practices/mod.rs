//! Best practices: warnings about definitions that AWS accepts.

mod check;
mod error_handlers;
mod payloads;
mod referenced_input_fields;
mod written_state;

pub(crate) use check::check;
