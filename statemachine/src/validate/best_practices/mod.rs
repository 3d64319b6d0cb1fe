//! What AWS takes and practice regrets.

mod check;
mod error_handlers;
mod input_fields;
mod payloads;
mod written_state;

pub(crate) use check::check;
