//! JSON text as events show it: written once, shared by every event that shows it.
//!
//! More than half of a transition's time once went into writing the same data again: to measure its length, for the
//! event of the state that is left, for the state that is entered, and once more to escape it inside the event's JSON.
//! So a value is written directly in its escaped form while its length and depth are checked, events share that text,
//! its memory is reused for the next one, and the fixed parts of templates are written in advance.

mod escapes;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use text::JsonText;

pub(crate) use escapes::has_escapes;
pub(crate) use text::written;
pub(crate) use writer::{DEEPEST, Fragment, Refused, TextWriter};
