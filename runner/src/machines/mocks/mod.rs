//! Mocks: answers of tasks from files and from recorded histories.
pub(crate) mod file;
pub(crate) mod from_history;
pub(crate) mod replay;
