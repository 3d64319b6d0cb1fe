//! Findings in files: the type, a table, SARIF, and the location of a failure.
pub(crate) mod failure_location;
pub(crate) mod finding;
pub(crate) mod sarif;
pub(crate) mod table;
