//! Reads all inputs of a job; this file shows the whole path from objects to tables.

use std::fmt;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectMeta;

use super::{InputObjects, Quarantine, ReadSettings};
use crate::source::block_collector::{BlockCollector, Budgets};
use crate::source::csv::object::read_file;
use crate::source::dataset_report::DatasetReport;
use crate::source::decode_plan::{DatasetPlan, plan, reading_order};
use crate::source::judge::Judge;
use crate::source::keys::key_entries::shards_for;
use crate::source::keys::late_rejections::{Late, Resolved, resolve, targets};
use crate::source::read_context::ReadContext;
use crate::source::revisit::revisit;
use crate::source::source_file::SourceFile;
use crate::sql::held::dataset_rows::HeldDataset;
use crate::sql::held::dataset_table::HeldDatasetTable;
use crate::sql::held::memory_budget::Budget;
use crate::watch::Progress;
use crate::{Error, ErrorKind, Result};

/// The share of the memory pool, in percent, that held rows may take. The rest is left for blocks and keys, and later
/// for outputs.
const ROWS_PERCENT: usize = 60;

/// The share of the memory pool, in percent, that hashes of keys may take. It is released once all inputs are read.
const KEYS_PERCENT: usize = 25;

/// Result of [`read`]: the accepted and the rejected rows of all inputs.
#[derive(Debug)]
pub struct Sources {
    /// The datasets, in the order in which the inputs were given.
    pub datasets: Vec<Dataset>,
    /// The rejected rows of all inputs.
    pub quarantine: Quarantine,
}

/// The accepted rows of one input.
#[derive(Debug)]
pub struct Dataset {
    /// The input's name.
    pub name: String,
    /// The counts of the input's rows, accepted and rejected.
    pub report: DatasetReport,
    /// The accepted rows, with the columns that the job's SQL needs.
    pub table: Arc<dyn TableProvider>,
}

/// The failure of [`read`], with the rejected rows and the counts that were collected before it.
#[derive(Debug)]
pub struct Refused {
    /// The cause of the failure.
    pub error: Error,
    /// The rejected rows, which are written even though the run fails.
    pub quarantine: Quarantine,
    /// The report of each dataset whose reading began.
    pub reports: Vec<(String, DatasetReport)>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// Reads all inputs: decodes them by their contracts, holds the accepted rows, and collects the rejected rows.
///
/// Dropping the future stops reading; each thread still finishes its current block.
///
/// # Errors
/// All are wrapped in [`Refused`]:
/// - `Usage` if a contract is invalid.
/// - `QualityGate` if columns are missing, an object cannot be decompressed, a dataset has too few rows, or too many
///   rows are rejected.
/// - `Failed` if memory and disk are full.
/// - `TryAgain` if an object was replaced, or the store failed.
pub async fn read(
    inputs: Vec<InputObjects>,
    settings: &ReadSettings,
    runtime: Arc<RuntimeEnv>,
    progress: &Progress,
) -> Result<Sources, Box<Refused>> {
    let mut done = Vec::new();
    let result = read_all(&inputs, settings, &runtime, progress, &mut done).await;
    let gate = result.and_then(|()| check_gate(&inputs, settings, &done));
    done.sort_by_key(|done| done.input);
    let mut held = Vec::new();
    let mut datasets = Vec::new();
    for done in done {
        held.push(done.quarantine);
        datasets.push((inputs[done.input].name.clone(), done.report, done.held));
    }
    let quarantine = Quarantine::new(held);
    match gate {
        Err(error) => Err(Box::new(Refused {
            error,
            quarantine,
            reports: datasets
                .into_iter()
                .map(|(name, report, _)| (name, report))
                .collect(),
        })),
        Ok(()) => Ok(Sources {
            quarantine,
            datasets: datasets
                .into_iter()
                .map(|(name, report, held)| Dataset {
                    name,
                    report,
                    table: Arc::new(HeldDatasetTable::new(held, settings.threads)),
                })
                .collect(),
        }),
    }
}

/// A dataset that was read completely, or until a failure.
struct DatasetEnd {
    /// The index of the dataset among the inputs.
    input: usize,
    /// The counts of the dataset's rows.
    report: DatasetReport,
    /// The accepted rows, with the columns that the job's SQL needs.
    held: HeldDataset,
    /// The rejected rows, with the columns of the quarantine's files except `run_id`.
    quarantine: HeldDataset,
}

/// Reads the datasets one after another, in the order of their references. Appends each to `done`, also if reading it
/// fails.
async fn read_all(
    inputs: &[InputObjects],
    settings: &ReadSettings,
    runtime: &Arc<RuntimeEnv>,
    progress: &Progress,
    done: &mut Vec<DatasetEnd>,
) -> Result<()> {
    let plans = plan(inputs, runtime)?;
    let order = reading_order(&plans)?;
    let used = used_targets(&plans);
    let reading = Arc::new(ReadContext::new(settings, runtime, progress)?);
    let budgets = Budgets {
        rows: Budget::new(&runtime.memory_pool, "raw rows", ROWS_PERCENT),
        keys: Budget::new(&runtime.memory_pool, "keys", KEYS_PERCENT),
    };
    let files = inputs.iter().map(source_files).collect::<Vec<_>>();
    let bytes = |files: &[SourceFile]| files.iter().map(|file| file.meta.size).sum::<u64>();
    // Keys that do not fit in memory are looked up shard by shard, which requires that all datasets have
    // the same shards.
    let shards = shards_for(files.iter().map(|files| bytes(files)).max().unwrap_or(0));
    progress.expect_bytes(files.iter().map(|files| bytes(files)).sum());
    let seed = random_seed();
    let mut plans = plans.into_iter().map(Some).collect::<Vec<_>>();
    let mut resolved = inputs
        .iter()
        .map(|_| Vec::new())
        .collect::<Vec<Vec<Resolved>>>();
    for input in order {
        let plan = plans[input].take().expect("each dataset is read once");
        let targets_of = plan.references.iter().map(|reference| {
            match resolved[reference.dataset].get(reference.tracked) {
                Some(Resolved::InMemory(target)) => Some(Arc::clone(target)),
                _ => None,
            }
        });
        let judge = Judge {
            targets: targets_of.collect(),
            plan,
            seed,
        };
        let collector = Arc::new(BlockCollector::new(
            judge,
            settings.on_bad_row,
            shards,
            &budgets,
            runtime,
        ));
        let result = read_dataset(&reading, &collector, input, &files[input], &resolved).await;
        let (result, late) = match result {
            Ok(late) => (Ok(()), late),
            Err(error) => (Err(error), Arc::default()),
        };
        if result.is_ok() {
            let (collector, keys) = (Arc::clone(&collector), Arc::clone(&budgets.keys));
            let is_used = used[input].clone();
            resolved[input] = reading
                .on_thread(move || targets(&collector, &late, &is_used, &keys))
                .await?;
        }
        let mut report = std::mem::take(&mut collector.state().report);
        let (held, quarantine) = (collector.hold.finish(), collector.quarantine.finish());
        let keys = collector.entries.iter();
        let spilled_keys = keys.map(|entries| entries.spilled_bytes()).sum::<u64>();
        report.spilled_bytes = held.spilled_bytes + quarantine.spilled_bytes + spilled_keys;
        report.extra_columns.sort();
        report.empty_files.sort();
        let is_sound = result.is_err()
            || report.rows_read == report.accepted + report.quarantined
                && held.rows == report.accepted
                && quarantine.rows == report.quarantined;
        done.push(DatasetEnd {
            input,
            report,
            held,
            quarantine,
        });
        result?;
        if !is_sound {
            return Err(Error::new(
                ErrorKind::Failed,
                format!(
                    "the row counts of `{}` do not agree: expected each row read to be either accepted or quarantined",
                    inputs[input].name
                ),
            )
            .hint("this is a bug: please report it"));
        }
    }
    Ok(())
}

/// Returns, for each tracked list of columns of each dataset, `true` if another dataset refers to it. After a dataset
/// was read, only the hashes over such lists are kept.
fn used_targets(plans: &[DatasetPlan]) -> Vec<Vec<bool>> {
    let mut used = plans
        .iter()
        .map(|plan| vec![false; plan.tracked.len()])
        .collect::<Vec<_>>();
    for (from, plan) in plans.iter().enumerate() {
        for reference in &plan.references {
            if reference.dataset != from {
                used[reference.dataset][reference.tracked] = true;
            }
        }
    }
    used
}

/// Reads the objects of one dataset, then rejects rows with duplicate keys or unresolved references; returns those
/// rows.
async fn read_dataset(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    input: usize,
    files: &[SourceFile],
    resolved: &[Vec<Resolved>],
) -> Result<Arc<Late>> {
    let mut reads = stream::iter(files)
        .map(|file| read_file(reading, collector, file))
        .buffered(reading.files_at_once(files));
    while reads.try_next().await?.is_some() {}
    drop(reads);
    let late = resolve(reading, collector, input, resolved).await?;
    if !late.is_empty() {
        revisit(reading, collector, files, &late).await?;
    }
    Ok(late)
}

/// Fails if a dataset has too few rows or too large a share of rejected lines.
///
/// # Errors
/// `QualityGate` in both cases.
fn check_gate(inputs: &[InputObjects], settings: &ReadSettings, done: &[DatasetEnd]) -> Result<()> {
    for done in done {
        let input = &inputs[done.input];
        let (found, least) = (done.report.rows_read, input.contract.min_rows);
        if found < least {
            return Err(Error::new(
                ErrorKind::QualityGate,
                format!(
                    "`{}` has {found} rows in `{}`, but its contract requires at least {least}",
                    input.name, input.display_root
                ),
            )
            .hint("check that the input is complete, or lower `min_rows` in the contract"));
        }
    }
    let above = done
        .iter()
        .filter(|done| done.report.is_above(settings.max_bad_share))
        .map(|done| {
            let report = &done.report;
            let rules = report
                .rejects_of_their_own()
                .map(|(rule, count)| format!("{rule} {count}"))
                .collect::<Vec<_>>();
            let others = match report.quarantined_by_reference {
                0 => String::new(),
                count => format!("; not counted: {count} that only refer to rejected rows"),
            };
            format!(
                "{} of {} lines of `{}` (rejected rows per rule: {}{others})",
                report.quarantined_lines,
                report.lines,
                inputs[done.input].name,
                rules.join(", ")
            )
        })
        .collect::<Vec<_>>();
    if above.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::QualityGate,
        format!(
            "too many rows break their contract: {}; at most {} % of the lines may be rejected",
            above.join("; "),
            percent(settings.max_bad_share)
        ),
    )
    .hint("fix the rows or the contract, or allow a larger share with `--max-rejected`"))
}

/// Converts a share to percent. Rounds to eight decimals, because `0.07 * 100.0` is `7.000000000000001`.
fn percent(share: f64) -> f64 {
    (share * 1e10).round() / 1e8
}

/// Returns the objects of an input, ordered by name, without hidden objects and folder markers.
fn source_files(input: &InputObjects) -> Vec<SourceFile> {
    let root = input.table_root.parts().count();
    let mut objects = input
        .objects
        .iter()
        .filter_map(|meta| {
            let parts = meta
                .location
                .parts()
                .skip(root)
                .map(|part| part.as_ref().to_owned())
                .collect::<Vec<_>>();
            let is_hidden = parts.is_empty()
                || parts.iter().any(|part| {
                    (part.starts_with('_') || part.starts_with('.')) && !part.contains('=')
                });
            (!is_hidden && !is_folder(input, meta)).then_some((parts, meta))
        })
        .collect::<Vec<_>>();
    objects.sort_by(|(_, left), (_, right)| left.location.as_ref().cmp(right.location.as_ref()));
    objects
        .into_iter()
        .enumerate()
        .map(|(index, (mut parts, meta))| {
            let name = format!(
                "{}/{}",
                input.display_root.trim_end_matches('/'),
                parts.join("/")
            );
            parts.pop();
            SourceFile {
                index: crate::source::csv::record_grammar::offset(index),
                store: Arc::clone(&input.store),
                meta: meta.clone(),
                name: name.into(),
                folders: parts,
            }
        })
        .collect()
}

/// `true` if an object is a folder marker: it is empty, and other objects are below it.
fn is_folder(input: &InputObjects, meta: &ObjectMeta) -> bool {
    let below = |other: &ObjectMeta| {
        let rest = other.location.as_ref().strip_prefix(meta.location.as_ref());
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    meta.size == 0 && input.objects.iter().any(below)
}

/// Returns a seed for row hashes that differs in each run.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_is_printed_in_percent_without_the_errors_of_floating_point_numbers() {
        let printed = [0.07, 0.01, 1.0, 0.0, 0.123_456].map(|share| percent(share).to_string());
        assert_eq!(printed, ["7", "1", "100", "0", "12.3456"]);
    }
}
