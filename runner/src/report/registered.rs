//! What a registration did to the tables of a catalog.

use serde::{Deserialize, Serialize};

/// The result of a registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Registered {
    /// Place of the catalog.
    pub catalog: String,
    /// Number of the last record whose parts the catalog shows.
    pub record: u64,
    /// The tables, in the order of the job.
    pub tables: Vec<RegisteredTable>,
}

/// What a registration has done to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct RegisteredTable {
    /// Name of the table.
    pub name: String,
    /// Number of partitions that were created.
    pub created: u64,
    /// Number of partitions whose description was replaced.
    pub updated: u64,
    /// Number of partitions that were deleted.
    pub deleted: u64,
    /// The values of partitions that are not ours, which stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Vec<String>>,
}
