//! The terminal: answers, notes, stages and rows as text, and the signals that stop the process.
pub(crate) mod print;
pub(crate) mod row_writer;
pub(crate) mod signals;
pub(crate) mod stage_display;
