//! Test cases: reading, running, comparing and reporting.
pub(crate) mod difference;
pub(crate) mod expected;
pub(crate) mod field_reader;
pub(crate) mod fields;
pub(crate) mod file;
pub(crate) mod junit;
pub(crate) mod runner;
