//! The tables that a run will write, and what it replaces in each.

use crate::commit::record::Replaces;
use crate::commit::table_columns::Columns;

/// What a run is going to do to one table.
#[derive(Clone, Debug)]
pub struct OutputPlan {
    /// The table's name; its root is `<output>/<job>/<table>/`.
    pub table: String,
    /// Its columns and types.
    pub columns: Columns,
    /// What is replaced.
    pub replaces: Replaces,
}
