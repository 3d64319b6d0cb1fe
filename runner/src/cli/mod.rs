//! The command line: every verb and flag, with its help.
pub(crate) mod arguments;
