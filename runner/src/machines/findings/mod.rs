//! Findings in files: their type, their output as a table and as SARIF, and the search for the cause of a failure.
pub(crate) mod failure_location;
pub(crate) mod finding;
pub(crate) mod sarif;
pub(crate) mod table;
