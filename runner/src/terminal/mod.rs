//! The terminal: printed answers, notes, stages and rows, and the signals that stop the process.
//!
//! A verb returns an [`Answer`](printer::Answer), whose result knows its own text and JSON; only the
//! [`Printer`](printer::Printer) knows the format that was asked for.

pub(crate) mod print;
pub(crate) mod printer;
pub(crate) mod row_writer;
pub(crate) mod signals;
pub(crate) mod stage_display;
pub(crate) mod stderr;
