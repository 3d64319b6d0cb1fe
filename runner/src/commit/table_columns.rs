//! Columns and types of a table, as the log stores them.

use serde::{Deserialize, Serialize};

/// The columns of a table as its log records them: what a catalog needs to declare the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// All columns in the order of the contract, including the partition columns.
    pub columns: Vec<ColumnType>,
    /// The partition columns, outermost first.
    pub partition_by: Vec<String>,
}

/// A column of a table, as its log records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnType {
    /// The column's name in the contract.
    pub name: String,
    /// The name of the type, such as `bigint` or `timestamp with time zone UTC`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Columns {
    /// Describes how the columns that a job writes, `other`, differ from these columns of its table: one text per
    /// difference, for a message. Returns an empty list if they are equal.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let find = |columns: &Self, name: &str| {
            let column = columns.columns.iter().find(|column| column.name == name);
            column.map(|column| column.kind.clone())
        };
        for column in &self.columns {
            match find(other, &column.name) {
                None => found.push(format!("the job does not write column `{}`", column.name)),
                Some(kind) if kind != column.kind => found.push(format!(
                    "column `{}` is {} in the table, but the job writes {kind}",
                    column.name, column.kind
                )),
                Some(_) => {}
            }
        }
        for column in &other.columns {
            if find(self, &column.name).is_none() {
                found.push(format!("the table has no column `{}`", column.name));
            }
        }
        if self.partition_by != other.partition_by {
            found.push(format!(
                "the table is partitioned by ({}), but the job partitions by ({})",
                self.partition_by.join(", "),
                other.partition_by.join(", ")
            ));
        }
        if found.is_empty() && self.columns != other.columns {
            found.push("the job writes the columns in a different order".to_owned());
        }
        found
    }
}
