//! Test cases: reads them, runs them, compares the results and writes reports.
pub(crate) mod difference;
pub(crate) mod expected;
pub(crate) mod field_reader;
pub(crate) mod fields;
pub(crate) mod file;
pub(crate) mod junit;
pub(crate) mod runner;
