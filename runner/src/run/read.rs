//! The first half of a row's path: frozen inputs become tables of SQL, and what breaks the contract goes to quarantine.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use drivetrain_jobs::contract::Contract;
use drivetrain_jobs::job::{Input, InputOrigin, Job};
use drivetrain_jobs::plan::{Parameters, clustering};
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::commit::TableInput;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::job::job_error::job_error;
use crate::report::{InputReport, Report};
use crate::run::freeze::{FrozenInput, FrozenInputs};
use crate::run::roots::{RAW, Stores};
use crate::run::row_path::Run;
use crate::sink::collect::query_error;
use crate::source::{self, DatasetReport, InputObjects, Quarantine, ReadSettings, Refused};
use crate::sql::column_types::arrow_type;
use crate::sql::parts_table::{LivePart, PartsTable, partition_type};
use crate::sql::workspace::Workspace;
use crate::store::{FrozenObject, FrozenStore, Store};
use crate::watch::Progress;

/// Rows in a batch: what DataFusion works with.
const BATCH_ROWS: usize = 8192;

/// What reading gave; the rows themselves are registered in the workspace's session.
pub struct Reading {
    /// Accepted rows by input.
    pub accepted_rows: BTreeMap<String, u64>,
    /// Bytes of rows that did not fit into memory.
    pub spilled_bytes: u64,
}

/// Reads the raw inputs, writes the quarantine (also when reading fails), and registers every input in the session. What was
/// found of each input goes into the report, also when reading fails.
///
/// # Errors
/// `QualityGate` for data that breaks its contract beyond the threshold, naming the quarantine; `TryAgain` for an object that
/// was replaced meanwhile; otherwise as stores and disks say.
pub async fn read(
    run: &Run<'_>,
    parameters: &Parameters,
    stores: &Stores,
    frozen: &FrozenInputs,
    workspace: &Workspace,
    progress: &Progress,
    report: &mut Report,
) -> Result<Reading> {
    let (job, shape) = (run.job, &run.settings.shape);
    let clustering = clustering(job, parameters).await.map_err(job_error)?;
    let objects = raw_objects(job, clustering, stores, frozen)?;
    let read_settings = ReadSettings {
        threads: workspace.threads,
        batch_rows: BATCH_ROWS,
        on_bad_row: shape.on_bad_row,
        max_bad_share: shape.max_rejected,
        block_bytes: None,
    };
    let sources = source::read(
        objects,
        &read_settings,
        Arc::clone(&workspace.holding),
        progress,
    )
    .await;
    let sources = match sources {
        Ok(sources) => sources,
        Err(refused) => return Err(refuse(*refused, job, stores, report).await),
    };
    report.quarantine = write_quarantine(&sources.quarantine, job, stores, report).await?;
    let mut reports = BTreeMap::new();
    let mut accepted_rows = BTreeMap::new();
    let mut spilled_bytes = 0;
    for dataset in sources.datasets {
        accepted_rows.insert(dataset.name.clone(), dataset.report.accepted);
        spilled_bytes += dataset.report.spilled_bytes;
        reports.insert(
            dataset.name.clone(),
            raw_report(&dataset.name, &dataset.report),
        );
        workspace
            .context
            .register_table(&dataset.name, dataset.table)
            .map_err(query_error)?;
    }
    for input in &job.inputs {
        if let Some(FrozenInput::Table(table)) = frozen.get(&input.name) {
            register_table(input, table, &stores.output, workspace)?;
            let found = table_report(&input.name, table);
            accepted_rows.insert(input.name.clone(), found.rows);
            reports.insert(input.name.clone(), found);
        }
    }
    let inputs = job.inputs.iter();
    report.inputs = inputs
        .filter_map(|input| reports.remove(&input.name))
        .collect();
    Ok(Reading {
        accepted_rows,
        spilled_bytes,
    })
}

fn raw_objects(
    job: &Job,
    mut clustering: BTreeMap<String, Expr>,
    stores: &Stores,
    frozen: &FrozenInputs,
) -> Result<Vec<InputObjects>> {
    let mut inputs = Vec::new();
    for input in &job.inputs {
        let (InputOrigin::Raw(folder), Some(FrozenInput::Raw { all, fresh, .. })) =
            (&input.origin, frozen.get(&input.name))
        else {
            continue;
        };
        let store = stores
            .input
            .as_ref()
            .expect("a job that reads raw data has an input store");
        let table_root = Path::parse(format!("{RAW}/{folder}"))
            .map_err(object_store::Error::from)
            .context(ErrorKind::Usage, format!("`{folder}` is no usable folder"))?;
        let mut contract = input.contract.clone();
        if fresh.is_empty() && !all.is_empty() {
            // Everything was appended before: there is nothing new to be too little of.
            contract.min_rows = 0;
        }
        inputs.push(InputObjects {
            name: input.name.clone(),
            contract,
            store: Arc::new(frozen_store(store, fresh)?),
            objects: fresh.iter().map(object_meta).collect::<Result<_>>()?,
            display_root: store.location().url(&table_root),
            table_root,
            columns_needed: None,
            cluster_by: clustering.remove(&input.name),
        });
    }
    Ok(inputs)
}

fn frozen_store(store: &Store, objects: &[FrozenObject]) -> Result<FrozenStore> {
    FrozenStore::new(store.reader(), objects.iter().cloned())
        .context(ErrorKind::Failed, "an input has no usable key")
}

fn object_meta(object: &FrozenObject) -> Result<ObjectMeta> {
    let location = Path::parse(&object.key)
        .map_err(object_store::Error::from)
        .context(
            ErrorKind::Failed,
            format!("`{}` is no usable key", object.key),
        )?;
    Ok(ObjectMeta {
        location,
        last_modified: object.modified,
        size: object.size_bytes,
        e_tag: object.etag.clone(),
        version: None,
    })
}

async fn refuse(refused: Refused, job: &Job, stores: &Stores, report: &mut Report) -> Error {
    let Refused {
        error,
        quarantine,
        reports,
    } = refused;
    let found = reports.iter();
    report.inputs = found.map(|(name, found)| raw_report(name, found)).collect();
    match write_quarantine(&quarantine, job, stores, report).await {
        Ok(Some(place)) => {
            let rows =
                format!("the rejected rows lie in `{place}`, each with its file, line and rule");
            // What helps against the failure comes first; the rejected rows need not be its cause.
            let hint = match error.hint_text() {
                Some(own) => format!("{own}; {rows}"),
                None => rows,
            };
            report.quarantine = Some(place);
            error.hint(hint)
        }
        Ok(None) => error,
        Err(lost) => {
            tracing::error!(error = %lost, "the rejected rows could not be written");
            error
        }
    }
}

/// Writes the rejected rows and returns their folder, where there are any.
async fn write_quarantine(
    quarantine: &Quarantine,
    job: &Job,
    stores: &Stores,
    report: &Report,
) -> Result<Option<String>> {
    let run = &report.run_id;
    let prefix = Path::parse(format!(
        "_drivetrain/{}/quarantine/{run}/{}",
        job.name, report.attempt_id
    ))
    .map_err(object_store::Error::from)
    .context(ErrorKind::Failed, "the quarantine has no usable name")?;
    let written = quarantine
        .write(&stores.output.reader(), &prefix, run)
        .await?;
    Ok(written.map(|_| stores.output.location().url(&prefix)))
}

fn raw_report(name: &str, report: &DatasetReport) -> InputReport {
    let owned = |counts: &BTreeMap<Arc<str>, u64>| {
        counts
            .iter()
            .map(|(rule, count)| (rule.to_string(), *count))
            .collect()
    };
    let unknown = report
        .extra_columns
        .iter()
        .map(|column| format!("column `{column}` is not in the contract"));
    let empty = report
        .empty_files
        .iter()
        .map(|file| format!("`{file}` is empty"));
    InputReport {
        name: name.to_owned(),
        files: report.files,
        bytes: report.bytes,
        rows: report.rows_read,
        accepted_rows: report.accepted,
        quarantined_rows: report.quarantined,
        quarantined_by_reference_rows: report.quarantined_by_reference,
        rejected: owned(&report.rejects),
        warnings: owned(&report.warnings),
        notes: unknown.chain(empty).collect(),
    }
}

fn table_report(name: &str, table: &TableInput) -> InputReport {
    let rows = table.parts.iter().map(|part| part.rows).sum();
    InputReport {
        name: name.to_owned(),
        files: table.parts.len() as u64,
        bytes: table.parts.iter().map(|part| part.size_bytes).sum(),
        rows,
        accepted_rows: rows,
        ..InputReport::default()
    }
}

/// Registers the live parts of another job's table, with the columns that the contract names, under the input's name.
fn register_table(
    input: &Input,
    table: &TableInput,
    store: &Store,
    workspace: &Workspace,
) -> Result<()> {
    let parts = parts_table(&input.name, Some(&input.contract), table, store, workspace)?;
    workspace
        .context
        .register_table(&input.name, Arc::new(parts))
        .map(|_| ())
        .map_err(query_error)
}

/// A published table as DataFusion scans it; `contract` narrows it to the columns that it names.
///
/// # Errors
/// `Failed` for a record that names no usable key or type.
pub fn parts_table(
    name: &str,
    contract: Option<&Contract>,
    table: &TableInput,
    store: &Store,
    workspace: &Workspace,
) -> Result<PartsTable> {
    let url = ObjectStoreUrl::parse(format!("drivetrain-{}://parts", name.replace('_', "-")))
        .context(
            ErrorKind::Failed,
            format!("table `{name}` has no usable name"),
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
            .hint("use a newer drivetrain")
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
                rows: part.rows,
                partition: values
                    .filter_map(|column| part.partition.value(column))
                    .collect(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let file_schema: SchemaRef = Arc::new(Schema::new(file_fields));
    PartsTable::new(url, file_schema, partition_fields, parts)
}
