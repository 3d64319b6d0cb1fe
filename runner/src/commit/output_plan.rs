//! The tables that a run will write, and the rows that it replaces in each.

use crate::commit::record::Replaces;
use crate::commit::table_columns::Columns;

/// The plan of a run for one of its tables.
#[derive(Clone, Debug)]
pub struct OutputPlan {
    /// The table's name; its root is `<output>/<job>/<table>/`.
    pub table: String,
    /// The columns and types that the run writes.
    pub columns: Columns,
    /// The rows of the table that the run replaces.
    pub replaces: Replaces,
    /// The columns of which the record keeps the sum for each file.
    pub summed: Vec<String>,
}
