//! JSON text as events show it: written once and shared by all events that contain it.
//!
//! Writing the same data several times once took more than half of a transition's time: to measure its length, for the
//! exit event of one state, for the entry event of the next, and to escape it inside the JSON of each event. So this
//! module writes a value directly in its escaped form, and checks its length and depth in the same pass. Events share
//! that text, the next text reuses its memory, and templates write the text of their fixed parts in advance.
//!
//! The module also parses text whose depth decides what happens next.

mod escapes;
mod parse;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use text::JsonText;

pub(crate) use escapes::has_escapes;
pub(crate) use parse::{ParseError, parse_json};
pub(crate) use text::written;
pub(crate) use writer::{DEEPEST, Fragment, Refused, TextWriter};
