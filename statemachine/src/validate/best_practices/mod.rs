//! Best practices: warnings about definitions that AWS accepts.

mod check;
mod error_handlers;
mod input_fields;
mod payloads;
mod written_state;

pub(crate) use check::check;
