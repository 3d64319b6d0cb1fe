//! Collects the results of a dataset's blocks: accepted rows are held, rejected ones go to the quarantine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use datafusion::execution::runtime_env::RuntimeEnv;
use tracing::debug;

use crate::source::OnBadRow;
use crate::source::bytes::encoding::show;
use crate::source::csv::block_decoder::{Block, Decoded};
use crate::source::csv::record_grammar::Beyond;
use crate::source::dataset_report::DatasetReport;
use crate::source::judge::{Judge, JudgedRows, Rejected, RowLocation};
use crate::source::keys::key_entries::Entries;
use crate::source::quarantine;
use crate::source::row_faults::{RowFault, rule};
use crate::sql::held::clustering::Clustering;
use crate::sql::held::dataset_rows::DatasetHolder;
use crate::sql::held::memory_budget::Budget;
use crate::{Error, ErrorKind, Result};

/// Collector of one dataset's decoded blocks, shared by all threads that decode them.
#[derive(Debug)]
pub(crate) struct BlockCollector {
    /// The contract's row rules and references, which decide whether a row is accepted.
    pub(crate) judge: Judge,
    /// The accepted rows so far, in memory or on disk.
    pub(crate) hold: DatasetHolder,
    /// The rejected rows so far, in memory or on disk.
    pub(crate) quarantine: DatasetHolder,
    /// The hashes of accepted rows: one item per list of columns that [`Judge::hashed`] returns.
    pub(crate) entries: Vec<Arc<Entries>>,
    /// Whether a rejected row goes to the quarantine or fails the run.
    on_bad_row: OnBadRow,
    /// The counts, hashes and notes so far; locked only briefly.
    state: Mutex<CollectedState>,
}

/// Counts, hashes and notes of the blocks that were collected so far.
#[derive(Debug, Default)]
pub(crate) struct CollectedState {
    /// The row counts for the run's report.
    pub(crate) report: DatasetReport,
    /// The hashes of rejected rows: one item per list of columns in `DatasetPlan::tracked`.
    pub(crate) rejected_hashes: Vec<Vec<u128>>,
    /// The note of each block by its rank; empty if no row can be rejected after its block was decoded.
    pub(crate) notes: BTreeMap<u64, BlockNote>,
}

/// The data needed to find a row of a block again: the block's byte range, and the records that decoding rejected.
#[derive(Debug)]
pub(crate) struct BlockNote {
    /// The offset of the block's first byte in the object, as decompressed.
    pub(crate) start: u64,
    /// The offset in the decompressed object at which the block's last complete record ends.
    pub(crate) end: u64,
    /// The kind of content that follows the block in the object.
    pub(crate) beyond: Beyond,
    /// The line of the block's first byte in the object, counted from 1.
    pub(crate) first_line: u64,
    /// The number of fields per record.
    pub(crate) width: usize,
    /// The indices of records that were rejected during decoding, ascending.
    pub(crate) rejected_records: Vec<u32>,
}

/// Limits of the memory that reading takes.
#[derive(Debug)]
pub(crate) struct Budgets {
    /// The memory for accepted and rejected rows.
    pub(crate) rows: Arc<Budget>,
    /// The memory for hashes of keys.
    pub(crate) keys: Arc<Budget>,
}

impl BlockCollector {
    /// Creates the collector of a dataset. Hashes of keys are divided into `shards` shards, each of which is compared
    /// on its own.
    pub(crate) fn new(
        judge: Judge,
        on_bad_row: OnBadRow,
        shards: usize,
        budgets: &Budgets,
        runtime: &RuntimeEnv,
    ) -> Self {
        let entries = judge
            .hashed()
            .iter()
            .map(|_| {
                Arc::new(Entries::new(
                    &judge.plan.name,
                    shards,
                    &budgets.keys,
                    runtime,
                ))
            })
            .collect();
        let hold = |schema, rows: &str| {
            let what = format!("the {rows} rows of `{}`", judge.plan.name);
            DatasetHolder::new(schema, &what, &budgets.rows, runtime)
        };
        let schema = &judge.plan.held_schema;
        let clustering = judge.plan.cluster_by.as_ref().and_then(|by| {
            // The order makes later steps faster, but no result depends on it, so an error here is not fatal.
            Clustering::new(by, schema)
                .inspect_err(|error| debug!(%error, "rows are held in the order of the input"))
                .ok()
        });
        Self {
            hold: hold(Arc::clone(schema), "accepted").clustered(clustering),
            quarantine: hold(quarantine::schema(), "rejected"),
            entries,
            on_bad_row,
            state: Mutex::default(),
            judge,
        }
    }

    /// Adds the rows of a decoded block; blocks the thread if rows must be spilled to disk.
    ///
    /// # Errors
    /// `QualityGate` if a row is rejected under [`OnBadRow::Fail`], `Failed` if neither memory nor disk has room.
    pub(crate) fn take_block(
        &self,
        file: &str,
        rank: u64,
        first_line: u64,
        width: usize,
        block: &Block,
        decoded: Decoded,
    ) -> Result<()> {
        let note = BlockNote {
            start: block.start,
            end: decoded.end,
            beyond: block.beyond,
            first_line,
            width,
            rejected_records: Vec::new(),
        };
        self.state().report.blank_lines += decoded.blank_lines;
        self.take(file, rank, note, decoded.judged)
    }

    /// Adds the accepted and rejected rows of one block; line numbers in `judged` are relative to `note.first_line`.
    ///
    /// # Errors
    /// Those of [`Self::take_block`].
    pub(crate) fn take(
        &self,
        file: &str,
        rank: u64,
        mut note: BlockNote,
        mut judged: JudgedRows,
    ) -> Result<()> {
        for rejected in &mut judged.rejected {
            rejected.place.line += note.first_line;
            rejected.place.last_line += note.first_line;
        }
        for (entries, hashes) in self.entries.iter().zip(&judged.hashes) {
            entries.add(rank, hashes)?;
        }
        self.hold.add(rank, std::mem::take(&mut judged.batches))?;
        self.put_in_quarantine(file, rank, &judged.rejected)?;
        note.rejected_records = std::mem::take(&mut judged.rejected_records);
        let mut state = self.state();
        state.report.add(&judged);
        state
            .rejected_hashes
            .resize_with(self.judge.plan.tracked.len(), Vec::new);
        for (kept, new) in state
            .rejected_hashes
            .iter_mut()
            .zip(&judged.rejected_hashes)
        {
            kept.extend_from_slice(new);
        }
        if !self.entries.is_empty() {
            state.notes.insert(rank, note);
        }
        drop(state);
        self.stop_at(file, judged.rejected.first())
    }

    /// Adds a line that is longer than any record may be, as one rejected row; `shown` has the line's first bytes.
    ///
    /// # Errors
    /// Those of [`Self::take_block`].
    pub(crate) fn take_long_line(
        &self,
        file: &str,
        rank: u64,
        line: u64,
        start: u64,
        shown: &[u8],
    ) -> Result<()> {
        let rejected = Rejected {
            place: RowLocation {
                line,
                last_line: line,
                byte_offset: start,
                raw_text: show(shown),
            },
            fault: RowFault {
                row: 0,
                column: None,
                rule: rule::RECORD_SIZE.into(),
                message: "the record is longer than 1 MiB".to_owned(),
                by_reference: false,
            },
        };
        self.put_in_quarantine(file, rank, std::slice::from_ref(&rejected))?;
        let mut state = self.state();
        state.report.lines += 1;
        state.report.rows_read += 1;
        state.report.add_rejected(&rejected);
        drop(state);
        self.stop_at(file, Some(&rejected))
    }

    /// Adds rows that decoding accepted to the quarantine, and counts them as rejected. The caller must drop them from
    /// `hold`.
    ///
    /// # Errors
    /// Those of [`Self::take_block`].
    pub(crate) fn take_late(&self, file: &str, rank: u64, rejected: &[Rejected]) -> Result<()> {
        self.put_in_quarantine(file, rank, rejected)?;
        let mut state = self.state();
        for rejected in rejected {
            state.report.reject(rejected);
        }
        drop(state);
        self.stop_at(file, rejected.first())
    }

    /// Locks and returns the counts, hashes and notes.
    pub(crate) fn state(&self) -> MutexGuard<'_, CollectedState> {
        self.state
            .lock()
            .expect("no thread panics while it holds the lock")
    }

    /// Adds rejected rows to the quarantine as one batch; does nothing if there are none.
    fn put_in_quarantine(&self, file: &str, rank: u64, rejected: &[Rejected]) -> Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let batch = quarantine::batch(&self.judge.plan.name, file, rejected)?;
        self.quarantine.add(rank, vec![batch])
    }

    /// Returns an error if a row was rejected and [`OnBadRow::Fail`] is set.
    fn stop_at(&self, file: &str, rejected: Option<&Rejected>) -> Result<()> {
        let (OnBadRow::Fail, Some(rejected)) = (self.on_bad_row, rejected) else {
            return Ok(());
        };
        let column = match &rejected.fault.column {
            Some(column) => format!(", column `{column}`"),
            None => String::new(),
        };
        Err(Error::new(
            ErrorKind::QualityGate,
            format!(
                "`{file}` line {}{column}: {} (rule `{}`)",
                rejected.place.line, rejected.fault.message, rejected.fault.rule
            ),
        )
        .hint("correct the row, or use `--on-bad-row quarantine`, which moves such rows to the quarantine and continues"))
    }
}
