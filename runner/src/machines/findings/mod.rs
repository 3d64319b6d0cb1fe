//! What is wrong in a file: one finding, a table of them, SARIF, and the place of a failure.
pub(crate) mod failure_location;
pub(crate) mod finding;
pub(crate) mod sarif;
pub(crate) mod table;
