//! Decides by row rules and references which rows of a decoded batch are accepted, and separates them from the rejected
//! rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use drivetrain_jobs::contract::Severity;

use crate::error::Context;
use crate::source::csv::record_grammar::offset;
use crate::source::decode_plan::DatasetPlan;
use crate::source::keys::reference_targets::ReferenceTarget;
use crate::source::keys::row_hash::{NO_HASH, row_hashes};
use crate::source::row_faults::{RowFault, RowFaults};
use crate::{ErrorKind, Result};

/// The number of references that are looked up together.
///
/// The hash table's slots for all of them are loaded into the cache before the first comparison. Otherwise the
/// processor would wait for memory at each comparison.
const ASKED_AT_ONCE: usize = 128;

/// The plan of a dataset, with the reference targets and the seed that are needed to judge its rows.
#[derive(Debug)]
pub(crate) struct Judge {
    /// The contract, prepared for decoding.
    pub(crate) plan: DatasetPlan,
    /// The target of each reference in the plan; `None` if the reference can be resolved only after decoding.
    pub(crate) targets: Vec<Option<Arc<ReferenceTarget>>>,
    /// The seed of row hashes, the same for all datasets of a run.
    pub(crate) seed: u64,
}

/// The location of a row in its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowLocation {
    /// The physical line on which the row begins; for Parquet, the number of the row.
    pub(crate) line: u64,
    /// The physical line on which the row ends; for Parquet, the number of the row.
    pub(crate) last_line: u64,
    /// The offset of the row's first byte in the decompressed object; 0 for Parquet.
    pub(crate) byte_offset: u64,
    /// The text of the row, as the quarantine shows it.
    pub(crate) raw_text: String,
}

/// A rejected row, with its location and the reason.
#[derive(Clone, Debug)]
pub(crate) struct Rejected {
    /// The location of the row in its object.
    pub(crate) place: RowLocation,
    /// The rule that the row breaks, with a message for users.
    pub(crate) fault: RowFault,
}

impl Rejected {
    /// Returns the number of physical lines that the row spans.
    pub(crate) fn lines(&self) -> u64 {
        self.place.last_line - self.place.line + 1
    }
}

/// The accepted and the rejected rows of a decoded block, with counts and hashes.
#[derive(Debug, Default)]
pub(crate) struct JudgedRows {
    /// The accepted rows, with the held columns only.
    pub(crate) batches: Vec<RecordBatch>,
    /// The number of accepted rows, which is that of all rows in `batches`.
    pub(crate) accepted: u32,
    /// An estimate of the final number of records, for which memory is reserved.
    pub(crate) expected: usize,
    /// The number of records, accepted or not.
    pub(crate) records: u32,
    /// The number of physical lines that the records span.
    pub(crate) lines: u64,
    /// The rejected rows, each with its location and the reason.
    pub(crate) rejected: Vec<Rejected>,
    /// The indices of the rejected records among all records, ascending.
    pub(crate) rejected_records: Vec<u32>,
    /// The number of accepted rows that break a rule which only warns, per rule.
    pub(crate) warnings: BTreeMap<Arc<str>, u64>,
    /// The hashes of accepted rows: one item per list of columns that [`Judge::hashed`] returns, with one hash per row.
    pub(crate) hashes: Vec<Vec<u128>>,
    /// The hashes of rejected rows: one item per list of columns in `DatasetPlan::tracked`.
    pub(crate) rejected_hashes: Vec<Vec<u128>>,
}

impl Judge {
    /// Returns the lists of columns to hash: the tracked lists, then the columns of references that are resolved after
    /// decoding.
    pub(crate) fn hashed(&self) -> Vec<&[usize]> {
        let deferred = self
            .plan
            .references
            .iter()
            .zip(&self.targets)
            .filter(|(_, target)| target.is_none())
            .map(|(reference, _)| reference.columns.as_slice());
        self.plan
            .tracked
            .iter()
            .map(Vec::as_slice)
            .chain(deferred)
            .collect()
    }

    /// Decides which rows of a batch are accepted, and adds the result to `judged`. `columns` has all columns in
    /// contract order, and `place` locates a row by its index in the batch.
    ///
    /// # Errors
    /// `Failed` if Arrow rejects the arrays, which is a bug.
    pub(crate) fn judge(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        mut faults: RowFaults,
        place: impl Fn(usize) -> RowLocation,
        judged: &mut JudgedRows,
    ) -> Result<()> {
        let mut warned = Vec::new();
        self.apply_rules(columns, rows, &mut faults, &mut warned)?;
        self.apply_references(columns, &mut faults, &mut warned);
        for (row, rule) in warned {
            if !faults.is_faulty(row) {
                *judged.warnings.entry(rule).or_default() += 1;
            }
        }
        self.keep_hashes(columns, &faults, judged);
        let accepted = (!faults.is_empty()).then(|| {
            (0..rows)
                .map(|row| Some(!faults.is_faulty(row)))
                .collect::<BooleanArray>()
        });
        for fault in faults.into_sorted() {
            judged.rejected_records.push(judged.records + fault.row);
            judged.rejected.push(Rejected {
                place: place(fault.row as usize),
                fault,
            });
        }
        judged.records += offset(rows);
        self.keep_rows(columns, rows, accepted.as_ref(), judged)
    }

    /// Evaluates the row rules; adds a fault or a warning for each row that breaks one.
    fn apply_rules(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        faults: &mut RowFaults,
        warned: &mut Vec<(usize, Arc<str>)>,
    ) -> Result<()> {
        if self.plan.rules.is_empty() {
            return Ok(());
        }
        let batch = RecordBatch::try_new_with_options(
            Arc::clone(&self.plan.loose_schema),
            columns.to_vec(),
            &RecordBatchOptions::new().with_row_count(Some(rows)),
        )
        .context(
            ErrorKind::Failed,
            "the decoded columns do not match the contract's columns, which is a bug",
        )?;
        for rule in &self.plan.rules {
            for (row, error) in rule.broken(&batch) {
                if faults.is_faulty(row) {
                    continue;
                }
                if rule.severity == Severity::Warn {
                    warned.push((row, Arc::clone(&rule.name)));
                    continue;
                }
                faults.push(RowFault {
                    row: offset(row),
                    column: None,
                    rule: Arc::clone(&rule.name),
                    message: match error {
                        Some(error) => {
                            format!("the condition `{}` cannot be evaluated: {error}", rule.sql)
                        }
                        None => format!("the condition `{}` is not true", rule.sql),
                    },
                    by_reference: false,
                });
            }
        }
        Ok(())
    }

    /// Looks up the references whose targets are in memory; adds a fault or a warning for each that leads to no
    /// accepted row.
    fn apply_references(
        &self,
        columns: &[ArrayRef],
        faults: &mut RowFaults,
        warned: &mut Vec<(usize, Arc<str>)>,
    ) {
        // If a row's references lead both to a rejected row and to no row at all, the latter is the reason for the
        // rejection.
        let mut by_reference = Vec::new();
        for (reference, target) in self.plan.references.iter().zip(&self.targets) {
            let Some(target) = target else { continue };
            let hashes = row_hashes(&pick(columns, &reference.columns), self.seed);
            for (row, hash) in hashes.iter().copied().enumerate() {
                if row.is_multiple_of(ASKED_AT_ONCE) {
                    target.fetch(&hashes[row..hashes.len().min(row + ASKED_AT_ONCE)]);
                }
                if hash == NO_HASH || target.holds(hash) || faults.is_faulty(row) {
                    continue;
                }
                if reference.severity == Severity::Warn {
                    warned.push((row, Arc::clone(&reference.rule)));
                    continue;
                }
                let fault = reference.fault(row, target.has_rejected(hash));
                if fault.by_reference {
                    by_reference.push(fault);
                } else {
                    faults.push(fault);
                }
            }
        }
        for fault in by_reference {
            if !faults.is_faulty(fault.row as usize) {
                faults.push(fault);
            }
        }
    }

    /// Adds the hashes of the batch's rows to `judged`, separately for accepted and for rejected rows.
    fn keep_hashes(&self, columns: &[ArrayRef], faults: &RowFaults, judged: &mut JudgedRows) {
        let hashed = self.hashed();
        judged.hashes.resize_with(hashed.len(), Vec::new);
        judged
            .rejected_hashes
            .resize_with(self.plan.tracked.len(), Vec::new);
        for (index, positions) in hashed.into_iter().enumerate() {
            let all = row_hashes(&pick(columns, positions), self.seed);
            let kept = &mut judged.hashes[index];
            if kept.is_empty() {
                kept.reserve_exact(judged.expected);
            }
            if faults.is_empty() {
                kept.extend(all);
                continue;
            }
            for (row, hash) in all.into_iter().enumerate() {
                if !faults.is_faulty(row) {
                    kept.push(hash);
                } else if hash != NO_HASH
                    && let Some(rejected) = judged.rejected_hashes.get_mut(index)
                {
                    rejected.push(hash);
                }
            }
        }
    }

    /// Adds the accepted rows of the batch to `judged`, with the held columns only.
    fn keep_rows(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        accepted: Option<&BooleanArray>,
        judged: &mut JudgedRows,
    ) -> Result<()> {
        let count = accepted.map_or(rows, BooleanArray::true_count);
        if count == 0 {
            return Ok(());
        }
        let held = self.plan.held.iter().map(|index| match accepted {
            Some(accepted) => filter(&columns[*index], accepted),
            None => Ok(Arc::clone(&columns[*index])),
        });
        let batch = held
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| {
                RecordBatch::try_new_with_options(
                    Arc::clone(&self.plan.held_schema),
                    columns,
                    &RecordBatchOptions::new().with_row_count(Some(count)),
                )
            })
            .context(
                ErrorKind::Failed,
                "the accepted rows do not match the contract's columns, which is a bug",
            )?;
        judged.accepted += offset(count);
        judged.batches.push(batch);
        Ok(())
    }
}

impl crate::source::decode_plan::ReferencePlan {
    /// Builds the fault of a row whose reference leads to a rejected row (`to_rejected`) or to no row at all.
    pub(crate) fn fault(&self, row: usize, to_rejected: bool) -> RowFault {
        let message = if to_rejected {
            "this row refers to a rejected row"
        } else {
            "this row refers to a row that does not exist"
        };
        RowFault {
            row: offset(row),
            column: Some(Arc::clone(&self.column)),
            rule: Arc::clone(&self.rule),
            message: message.to_owned(),
            by_reference: to_rejected,
        }
    }
}

/// Selects columns by their indices.
fn pick<'a>(columns: &'a [ArrayRef], positions: &[usize]) -> Vec<&'a ArrayRef> {
    positions
        .iter()
        .map(|position| &columns[*position])
        .collect()
}
