//! JSON text as events show it: written once, shared by every event that shows it.

mod escapes;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use text::JsonText;

pub(crate) use escapes::has_escapes;
pub(crate) use text::written;
pub(crate) use writer::{DEEPEST, Fragment, Refused, TextWriter};
