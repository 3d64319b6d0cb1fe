//! Mocks: answers for task calls, from mock files and from recorded histories.
pub(crate) mod file;
pub(crate) mod from_history;
pub(crate) mod replay;
