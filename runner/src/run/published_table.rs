//! Published tables as DataFusion scans them: the live parts that a job's log lists, with the columns that the log
//! records.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::execution::object_store::ObjectStoreUrl;
use drivetrain_jobs::contract::Contract;

use crate::commit::TableInput;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::run::freeze::{frozen_store, object_meta};
use crate::sql::column_types::arrow_type;
use crate::sql::parts_table::{LivePart, PartsTable, partition_type};
use crate::sql::workspace::Workspace;
use crate::store::Store;

/// Returns a published table as DataFusion scans it. With a `contract`, the table has the columns that the contract
/// names and all partition columns; otherwise it has all columns.
///
/// # Errors
/// `Failed` for a record with an invalid object name or an unknown type.
pub fn published_table(
    name: &str,
    contract: Option<&Contract>,
    table: &TableInput,
    store: &Store,
    workspace: &Workspace,
) -> Result<PartsTable> {
    let url = ObjectStoreUrl::parse(format!("drivetrain-{}://parts", name.replace('_', "-")))
        .context(
            ErrorKind::Failed,
            format!("`{name}` is not a valid table name"),
        )?;
    workspace
        .context
        .runtime_env()
        .register_object_store(url.as_ref(), Arc::new(frozen_store(store, &table.objects)?));
    let recorded = &table.columns;
    let is_partition = |column: &str| recorded.partition_by.iter().any(|name| name == column);
    let wanted = |column: &str| {
        contract.is_none_or(|contract| contract.columns.iter().any(|wanted| wanted.name == column))
    };
    let mut file_fields = Vec::new();
    let mut partition_fields: Vec<FieldRef> = Vec::new();
    for column in &recorded.columns {
        let kind = arrow_type(&column.kind).ok_or_else(|| {
            Error::new(
                ErrorKind::Failed,
                format!(
                    "column `{}` of table `{name}` has the unknown type `{}`",
                    column.name, column.kind
                ),
            )
            .hint("a newer version of drivetrain probably wrote this table: use that version or a later one")
        })?;
        if !is_partition(&column.name) && wanted(&column.name) {
            file_fields.push(Field::new(&column.name, kind, true));
        }
    }
    for column in &recorded.partition_by {
        let found = recorded
            .columns
            .iter()
            .find(|candidate| candidate.name == *column);
        let kind = found
            .and_then(|column| partition_type(&column.kind))
            .unwrap_or(DataType::Utf8View);
        partition_fields.push(Arc::new(Field::new(column, kind, false)));
    }
    let parts = table
        .parts
        .iter()
        .zip(&table.objects)
        .map(|(part, object)| {
            let values = recorded.partition_by.iter();
            Ok(LivePart {
                object: object_meta(object)?,
                rows: Some(part.rows),
                partition: values
                    .filter_map(|column| part.partition.value(column))
                    .collect(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let file_schema: SchemaRef = Arc::new(Schema::new(file_fields));
    PartsTable::new(url, file_schema, partition_fields, parts)
}
