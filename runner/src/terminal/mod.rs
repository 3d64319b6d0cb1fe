//! The terminal: prints answers, notes, stages and rows, and handles the signals that stop the process.
//!
//! A verb returns an [`Answer`](printer::Answer), whose result can be rendered as text and as JSON; only the
//! [`Printer`](printer::Printer) knows which format the user wants.

pub(crate) mod print;
pub(crate) mod printer;
pub(crate) mod row_writer;
pub(crate) mod shell_word;
pub(crate) mod signals;
pub(crate) mod stage_display;
pub(crate) mod stderr;
