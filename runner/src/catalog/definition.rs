//! The tables and partitions that a catalog must have for the live parts of a job's log.

use std::collections::{BTreeMap, BTreeSet};

use drivetrain_jobs::contract::ColumnType;
use drivetrain_jobs::job::Output;

use crate::catalog::shapes::{
    CatalogColumn, CatalogPartition, CatalogTable, Serde, StorageDescriptor,
};
use crate::commit::{self, Partition, State};
use crate::store::Location;

/// The parameter with the name of the job. A table or partition with it, at a location of ours, is ours.
pub(super) const JOB: &str = "drivetrain.job";
/// The parameter with the number of the last record whose parts the catalog shows.
pub(super) const RECORD: &str = "drivetrain.record";
/// The parameter with the id of the run that changed the table last.
const RUN: &str = "drivetrain.run";
/// The parameter with the number of rows, by the name that Athena and Hive use.
const ROWS: &str = "recordCount";
/// The parameter by which AWS's services know the format.
const CLASSIFICATION: &str = "classification";

/// A table that the catalog must have, with its partitions.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The table.
    pub table: CatalogTable,
    /// The partitions by their values; empty for a table without partition columns.
    pub partitions: BTreeMap<Vec<String>, CatalogPartition>,
}

/// Returns the table of an output after record `number`, in which the live state is `state`.
pub(super) fn wanted(
    job: &str,
    output: &Output,
    root: &Location,
    number: u64,
    state: &State,
) -> Wanted {
    let live = state.table(&output.name);
    let parts = live.map(|live| live.parts.as_slice()).unwrap_or_default();
    let location = format!("{}/", root.url(&commit::table_root(job, &output.name)));
    let is_key = |name: &String| output.partition_by.contains(name);
    let column = |name: &String| {
        let column = output.columns.iter().find(|column| column.name == *name);
        column.map(|column| CatalogColumn {
            name: column.name.clone(),
            kind: athena_type(&column.kind),
            comment: column.description.clone(),
        })
    };
    let names = output.columns.iter().map(|column| &column.name);
    let columns: Vec<CatalogColumn> = names
        .filter(|name| !is_key(name))
        .filter_map(column)
        .collect();
    let mut parameters = BTreeMap::from([
        ("EXTERNAL".to_owned(), "TRUE".to_owned()),
        (CLASSIFICATION.to_owned(), "parquet".to_owned()),
        (JOB.to_owned(), job.to_owned()),
        (RECORD.to_owned(), number.to_string()),
        (
            ROWS.to_owned(),
            parts.iter().map(|part| part.rows).sum::<u64>().to_string(),
        ),
    ]);
    if let Some(run) = live.and_then(|live| live.run.as_ref()) {
        parameters.insert(RUN.to_owned(), run.to_string());
    }
    let table = CatalogTable {
        name: output.name.clone(),
        description: output.description.clone(),
        table_type: "EXTERNAL_TABLE".to_owned(),
        parameters,
        storage_descriptor: parquet(columns, location),
        partition_keys: output.partition_by.iter().filter_map(column).collect(),
    };
    let partitions: BTreeSet<&Partition> = parts.iter().map(|part| &part.partition).collect();
    let partitions = partitions
        .into_iter()
        .filter(|_| !output.partition_by.is_empty())
        .map(|partition| self::partition(job, output, &table, partition))
        .map(|partition| (partition.values.clone(), partition))
        .collect();
    Wanted { table, partitions }
}

/// Returns a partition of a table. Its description depends on nothing that a run changes, so that a run that replaces
/// its files changes nothing in the catalog.
fn partition(
    job: &str,
    output: &Output,
    table: &CatalogTable,
    partition: &Partition,
) -> CatalogPartition {
    let values = output.partition_by.iter();
    let values = values.map(|column| partition.value(column).unwrap_or_default());
    let descriptor = &table.storage_descriptor;
    let location = format!("{}{partition}/", descriptor.location);
    CatalogPartition {
        values: values.collect(),
        parameters: BTreeMap::from([
            (CLASSIFICATION.to_owned(), "parquet".to_owned()),
            (JOB.to_owned(), job.to_owned()),
        ]),
        storage_descriptor: parquet(descriptor.columns.clone(), location),
    }
}

/// Returns the descriptor of a folder of Parquet files.
fn parquet(columns: Vec<CatalogColumn>, location: String) -> StorageDescriptor {
    let class = |name: &str| format!("org.apache.hadoop.hive.ql.io.parquet.{name}");
    StorageDescriptor {
        columns,
        location,
        input_format: class("MapredParquetInputFormat"),
        output_format: class("MapredParquetOutputFormat"),
        serde_info: Serde {
            serialization_library: class("serde.ParquetHiveSerDe"),
            parameters: BTreeMap::from([("serialization.format".to_owned(), "1".to_owned())]),
        },
    }
}

/// Returns a type in the language of Hive and Athena. A timestamp of an instant is one of UTC there.
fn athena_type(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Timestamp { .. } => "timestamp".to_owned(),
        other => other.to_string(),
    }
}
