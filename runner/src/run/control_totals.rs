//! Control totals and other numbers of live tables: what readers of a table see after a run, beside what the run wrote.

use std::collections::{BTreeMap, BTreeSet};

use drivetrain_jobs::contract::ColumnType;
use drivetrain_jobs::job::{Job, Output};
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use tracing::warn;

use crate::commit::{Attempt, Part, State, Sums};
use crate::error::{Context, ErrorKind, Result};
use crate::report::{LiveTable, OutputReport};
use crate::run::outputs::summed;
use crate::run::part_reader::PartReader;
use crate::run::request::RunInProgress;
use crate::sink::sums::{ColumnSums, add_texts};
use crate::store::Store;

/// The number of parts that are read at the same time for their sums.
const PARTS_AT_ONCE: usize = 8;

/// Reads the columns that control totals sum from the live parts whose sums the log lacks, and adds the sums to the
/// record of the run. A part that cannot be read is only a warning: its table is then reported without the total.
pub(crate) async fn sum_older_parts(run: &RunInProgress<'_>, attempt: &Attempt) {
    for output in &run.job().outputs {
        let parts = attempt.parts_without_sums(&output.name);
        for (part, sums) in sums_of_all(&run.roots.output, &parts, output).await {
            attempt.add_sums(&output.name, part, sums);
        }
    }
}

/// Reads the sums of parts, several at a time. A part that cannot be read is only a warning.
async fn sums_of_all<'a>(
    store: &Store,
    parts: &'a [Part],
    output: &Output,
) -> Vec<(&'a Part, Sums)> {
    let columns = summed(output);
    let reads = parts.iter().map(async |part| {
        let sums = sums_of(store, part, &columns).await;
        sums.inspect_err(|error| {
            warn!(part = part.key, %error, "cannot read a part for the control totals");
        })
        .ok()
        .map(|sums| (part, sums))
    });
    let read = futures::stream::iter(reads).buffer_unordered(PARTS_AT_ONCE);
    read.filter_map(std::future::ready).collect().await
}

/// Adds the numbers of the live tables to the reports of the job's outputs.
pub(crate) async fn add_live_tables(
    job: &Job,
    state: &State,
    store: &Store,
    reports: &mut [OutputReport],
) {
    for report in reports {
        let output = job.outputs.iter().find(|output| output.name == report.name);
        if let Some(output) = output {
            report.live = Some(live_table(output, state, store).await);
        }
    }
}

/// Returns the numbers of a table in this state.
async fn live_table(output: &Output, state: &State, store: &Store) -> LiveTable {
    let table = state.table(&output.name);
    let parts = table
        .map(|table| table.parts.as_slice())
        .unwrap_or_default();
    let partitions: BTreeSet<_> = parts.iter().map(|part| &part.partition).collect();
    let mut totals = BTreeMap::new();
    // Only runs of a contract without a total, committed beside this run, leave parts without its sum.
    let lacks = |part: &&Part| {
        let mut totals = output.totals.iter();
        totals.any(|total| !part.sums.contains_key(&total.column))
    };
    let lacking: Vec<Part> = parts.iter().filter(lacks).cloned().collect();
    let read = sums_of_all(store, &lacking, output).await.into_iter();
    let read: BTreeMap<&str, Sums> = read.map(|(part, sums)| (part.key.as_str(), sums)).collect();
    for total in &output.totals {
        let sum = |part: &Part| {
            let kept = part.sums.get(&total.column);
            kept.or_else(|| read.get(part.key.as_str())?.get(&total.column))
                .cloned()
        };
        let sums: Option<Vec<String>> = parts.iter().map(sum).collect();
        let sums = sums.unwrap_or_default();
        let is_known = sums.len() == parts.len();
        let scale = zero(output, &total.column);
        let texts = sums.iter().map(String::as_str).chain([scale.as_str()]);
        if let (true, Some(sum)) = (is_known, add_texts(texts)) {
            totals.insert(total.name.clone(), sum);
        } else {
            warn!(
                table = output.name,
                total = total.name,
                "the control total is not known"
            );
        }
    }
    LiveTable {
        rows: parts.iter().map(|part| part.rows).sum(),
        bytes: parts.iter().map(|part| part.size_bytes).sum(),
        partitions: partitions.len() as u64,
        totals,
    }
}

/// Returns the sum of no value of a column: 0 with the digits of the column's type.
fn zero(output: &Output, column: &str) -> String {
    let column = output.columns.iter().find(|found| found.name == column);
    match column.map(|column| &column.kind) {
        Some(ColumnType::Decimal { scale, .. }) if *scale > 0 => {
            format!("0.{}", "0".repeat(usize::from(*scale)))
        }
        _ => "0".to_owned(),
    }
}

/// Reads the columns of a part and returns their sums.
async fn sums_of(store: &Store, part: &Part, columns: &[String]) -> Result<Sums> {
    let cannot = format!("cannot read `{}`", store.location().url(&part.path()?));
    let reader = PartReader {
        objects: store.reader(),
        key: part.path()?,
        size_bytes: part.size_bytes,
    };
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await;
    let builder = builder.context(ErrorKind::Failed, &cannot)?;
    let names = columns.iter().map(String::as_str);
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    let rows = builder.with_projection(mask).build();
    let mut rows = rows.context(ErrorKind::Failed, &cannot)?;
    let mut sums = ColumnSums::new(rows.schema(), columns);
    while let Some(batch) = rows.try_next().await.context(ErrorKind::Failed, &cannot)? {
        sums.add(&batch);
    }
    Ok(sums.to_texts())
}
