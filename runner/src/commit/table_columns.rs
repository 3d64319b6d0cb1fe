//! Columns and types of a table, as the log stores them.

use serde::{Deserialize, Serialize};

/// A table's columns as a catalog sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// All columns in order, including the partition columns.
    pub columns: Vec<ColumnType>,
    /// The partition columns, outermost first.
    pub partition_by: Vec<String>,
}

/// A column's name and its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnType {
    /// The name.
    pub name: String,
    /// The type as the catalog names it.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Columns {
    /// Describes the differences of `other` from these columns, one per entry; empty if there are none.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let find = |columns: &Self, name: &str| {
            let column = columns.columns.iter().find(|column| column.name == name);
            column.map(|column| column.kind.clone())
        };
        for column in &self.columns {
            match find(other, &column.name) {
                None => found.push(format!("column `{}` is gone", column.name)),
                Some(kind) if kind != column.kind => found.push(format!(
                    "column `{}` was {}, is {kind}",
                    column.name, column.kind
                )),
                Some(_) => {}
            }
        }
        for column in &other.columns {
            if find(self, &column.name).is_none() {
                found.push(format!("column `{}` is new", column.name));
            }
        }
        if self.partition_by != other.partition_by {
            found.push(format!(
                "partitioned by ({}), now by ({})",
                self.partition_by.join(", "),
                other.partition_by.join(", ")
            ));
        }
        if found.is_empty() && self.columns != other.columns {
            found.push("the columns are in a different order".to_owned());
        }
        found
    }
}
