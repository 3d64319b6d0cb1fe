//! Reads frozen inputs into tables of the SQL session; rows that break the contract go to the quarantine.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::Expr;
use drivetrain_jobs::job::{Input, InputOrigin, Job};
use drivetrain_jobs::plan::clustering;
use object_store::path::Path;

use crate::commit::{Attempt, TableInput};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::report::InputReport;
use crate::run::freeze::{FrozenInput, FrozenInputs, frozen_store, object_meta};
use crate::run::published_table::published_table;
use crate::run::request::RunInProgress;
use crate::run::roots::Roots;
use crate::source::{
    self, Dataset, DatasetReport, InputObjects, Quarantine, ReadSettings, Refused,
};
use crate::sql::query_error;
use crate::sql::workspace::Workspace;
use crate::store::{RAW, Store};
use crate::watch::Progress;

/// The number of rows per batch of the tables that queries read, which is DataFusion's default.
const BATCH_ROWS: usize = 8192;

/// The inputs that were read; the accepted rows themselves are registered in the workspace's session.
pub(crate) struct SourcesRead {
    /// The reports of the inputs, in the job's order.
    pub inputs: Vec<InputReport>,
    /// The URL of the folder of rejected rows; `None` if no rejected row was written.
    pub quarantine: Option<String>,
    /// The number of bytes that were spilled to disk while the inputs were read.
    pub spilled_bytes: u64,
}

impl SourcesRead {
    /// Returns the number of accepted rows of each input.
    pub fn accepted_rows(&self) -> BTreeMap<String, u64> {
        let inputs = self.inputs.iter();
        inputs
            .map(|input| (input.name.clone(), input.accepted_rows))
            .collect()
    }
}

/// The failure of a run while it reads its inputs, with the reports of the inputs that were read before the failure.
pub(crate) struct SourcesRefused {
    /// The error that the run fails with.
    pub error: Error,
    /// The reports of the inputs that were read before the failure.
    pub inputs: Vec<InputReport>,
    /// The URL of the folder of rejected rows; `None` if no rejected row was written.
    pub quarantine: Option<String>,
}

impl From<Error> for Box<SourcesRefused> {
    fn from(error: Error) -> Self {
        Self::new(SourcesRefused {
            error,
            inputs: Vec::new(),
            quarantine: None,
        })
    }
}

/// Reads the raw inputs, writes the quarantine (also when reading fails), and registers every input in the session.
///
/// # Errors
/// `QualityGate` for data that breaks its contract beyond the threshold, naming the quarantine; `TryAgain` for an
/// object that was replaced meanwhile; otherwise the kind of the store's or the disk's failure.
pub(crate) async fn read(
    run: &RunInProgress<'_>,
    attempt: &Attempt,
    frozen: &FrozenInputs,
    workspace: &Workspace,
    progress: &Progress,
) -> Result<SourcesRead, Box<SourcesRefused>> {
    let (job, shape) = (run.job(), &run.settings().shape);
    let clustering = clustering(job, &run.parameters)
        .await
        .map_err(Error::from)?;
    let objects = raw_objects(job, clustering, &run.roots, frozen)?;
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
        Err(refused) => return Err(refuse(*refused, attempt, &run.roots.output).await),
    };
    let quarantine = write_quarantine(&sources.quarantine, attempt, &run.roots.output).await?;
    let mut reports = BTreeMap::new();
    let mut spilled_bytes = 0;
    for dataset in &sources.datasets {
        spilled_bytes += dataset.report.spilled_bytes;
        reports.insert(
            dataset.name.clone(),
            raw_report(&dataset.name, &dataset.report),
        );
    }
    let registered = register(run, frozen, workspace, sources.datasets, &mut reports);
    let inputs = job.inputs.iter();
    let inputs = inputs
        .filter_map(|input| reports.remove(&input.name))
        .collect();
    match registered {
        Ok(()) => Ok(SourcesRead {
            inputs,
            quarantine,
            spilled_bytes,
        }),
        Err(error) => Err(Box::new(SourcesRefused {
            error,
            inputs,
            quarantine,
        })),
    }
}

/// Registers the raw inputs and the tables of other jobs in the session; adds the reports of the tables to `reports`.
fn register(
    run: &RunInProgress<'_>,
    frozen: &FrozenInputs,
    workspace: &Workspace,
    datasets: Vec<Dataset>,
    reports: &mut BTreeMap<String, InputReport>,
) -> Result<()> {
    for dataset in datasets {
        workspace
            .context
            .register_table(&dataset.name, dataset.table)
            .map_err(query_error)?;
    }
    for input in &run.job().inputs {
        if let Some(FrozenInput::Table(table)) = frozen.get(&input.name) {
            register_table(input, table, &run.roots.output, workspace)?;
            reports.insert(input.name.clone(), table_report(&input.name, table));
        }
    }
    Ok(())
}

/// Returns each raw input with its objects to read, its contract, and the expression by which its rows are clustered.
fn raw_objects(
    job: &Job,
    mut clustering: BTreeMap<String, Expr>,
    roots: &Roots,
    frozen: &FrozenInputs,
) -> Result<Vec<InputObjects>> {
    let mut inputs = Vec::new();
    for input in &job.inputs {
        let (InputOrigin::Raw(folder), Some(FrozenInput::Raw { all, fresh, .. })) =
            (&input.origin, frozen.get(&input.name))
        else {
            continue;
        };
        let store = roots
            .input
            .as_ref()
            .expect("a job that reads raw data has an input store");
        let table_root = Path::parse(format!("{RAW}/{folder}"))
            .map_err(object_store::Error::from)
            .context(
                ErrorKind::Usage,
                format!(
                    "input `{}` reads from `{folder}`, which is not a valid folder name",
                    input.name
                ),
            )?;
        let mut contract = input.contract.clone();
        if fresh.is_empty() && !all.is_empty() {
            // Earlier runs appended every object, so the contract's minimum of rows does not apply to this run.
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

/// Writes the rejected rows of refused inputs to the quarantine, and adds the quarantine's URL to the error's hint.
async fn refuse(refused: Refused, attempt: &Attempt, store: &Store) -> Box<SourcesRefused> {
    let Refused {
        error,
        quarantine,
        reports,
    } = refused;
    let found = reports.iter();
    let inputs = found.map(|(name, found)| raw_report(name, found)).collect();
    let (error, quarantine) = match write_quarantine(&quarantine, attempt, store).await {
        Ok(Some(place)) => {
            let rows =
                format!("the rejected rows are in `{place}`, each with its file, line and rule");
            // The failure's own hint comes first, because the rejected rows need not be its cause.
            let hint = match error.hint_text() {
                Some(own) => format!("{own}; {rows}"),
                None => rows,
            };
            (error.hint(hint), Some(place))
        }
        Ok(None) => (error, None),
        Err(lost) => {
            tracing::error!(error = %lost, "cannot write the rejected rows to the quarantine");
            (error, None)
        }
    };
    Box::new(SourcesRefused {
        error,
        inputs,
        quarantine,
    })
}

/// Writes the rejected rows to the quarantine and returns the URL of their folder; `None` if no row was rejected.
async fn write_quarantine(
    quarantine: &Quarantine,
    attempt: &Attempt,
    store: &Store,
) -> Result<Option<String>> {
    let (folder, run) = (attempt.quarantine_folder(), attempt.run().to_string());
    let written = quarantine.write(&store.reader(), &folder, &run).await?;
    Ok(written.map(|_| store.location().url(&folder)))
}

/// Builds the report of a raw dataset.
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

/// Builds the report of a table that another job wrote.
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
    let parts = published_table(&input.name, Some(&input.contract), table, store, workspace)?;
    workspace
        .context
        .register_table(&input.name, Arc::new(parts))
        .map(|_| ())
        .map_err(query_error)
}
