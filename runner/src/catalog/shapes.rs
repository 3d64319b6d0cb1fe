//! Tables and partitions in the shapes of AWS Glue's API, which catalogs on disk have too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A table, as a caller describes it: Glue's `TableInput`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CatalogTable {
    /// Name of the table.
    pub name: String,
    /// Description of the table's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `EXTERNAL_TABLE` for a table whose files the catalog does not own.
    pub table_type: String,
    /// Properties of the table.
    pub parameters: BTreeMap<String, String>,
    /// Columns and location of the table.
    pub storage_descriptor: StorageDescriptor,
    /// Columns that are folders, outermost first; they are not among those of the storage descriptor.
    pub partition_keys: Vec<CatalogColumn>,
}

/// A table as a catalog returns it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StoredTable {
    /// The table as it was described last.
    #[serde(flatten)]
    pub table: CatalogTable,
    /// The version of the description, which an update must name.
    pub version_id: String,
}

/// A partition: Glue's `PartitionInput`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CatalogPartition {
    /// The values of the table's partition keys, in their order.
    pub values: Vec<String>,
    /// Properties of the partition.
    pub parameters: BTreeMap<String, String>,
    /// Columns and location of the partition. A catalog keeps columns for each partition.
    pub storage_descriptor: StorageDescriptor,
}

/// Columns, location and format of a table or a partition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StorageDescriptor {
    /// Columns of the files.
    pub columns: Vec<CatalogColumn>,
    /// URL of the folder of the files.
    pub location: String,
    /// Class that reads files.
    pub input_format: String,
    /// Class that writes files.
    pub output_format: String,
    /// Class that turns rows of files into rows of the table.
    pub serde_info: Serde,
}

/// The serializer and deserializer of a table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Serde {
    /// Name of the class.
    pub serialization_library: String,
    /// Settings of the class.
    pub parameters: BTreeMap<String, String>,
}

/// A column with its type in the language of Hive and Athena.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CatalogColumn {
    /// Name of the column.
    pub name: String,
    /// Type of the column, such as `decimal(12,2)`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Meaning of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
