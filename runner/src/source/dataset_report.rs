//! The counts of a dataset's rows, as the run's report shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::source::judge::{JudgedRows, Rejected};

/// The row counts of one dataset; `rows_read` is always `accepted + quarantined`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DatasetReport {
    /// The number of objects that were read.
    pub files: u64,
    /// The number of bytes that the read objects have in the store, before decompression.
    pub bytes: u64,
    /// The number of physical lines that records span; headers and blank lines are not counted.
    pub lines: u64,
    /// The number of lines without any content, not even a delimiter.
    pub blank_lines: u64,
    /// The number of records, accepted or rejected.
    pub rows_read: u64,
    /// The number of rows that conform to the contract and are passed to the job's SQL.
    pub accepted: u64,
    /// The number of rejected rows, for any reason.
    pub quarantined: u64,
    /// The number of rows in `quarantined` that were rejected only because they refer to a rejected row.
    pub quarantined_by_reference: u64,
    /// The number of lines that rejected rows span, without those of `quarantined_by_reference`. The run fails if this
    /// number is too large a share of `lines`.
    pub quarantined_lines: u64,
    /// The number of rejected rows per rule.
    pub rejects: BTreeMap<Arc<str>, u64>,
    /// The number of rows in `quarantined_by_reference`, per rule.
    pub rejects_by_reference: BTreeMap<Arc<str>, u64>,
    /// The number of accepted rows that break a rule which only warns, per rule.
    pub warnings: BTreeMap<Arc<str>, u64>,
    /// The names of columns that occur in an object and not in the contract.
    pub extra_columns: Vec<String>,
    /// The names of objects that have neither a header nor a record.
    pub empty_files: Vec<String>,
    /// The number of bytes that were spilled to disk: rows and hashes of keys.
    pub spilled_bytes: u64,
}

impl DatasetReport {
    /// Returns `quarantined_lines` as a share of `lines`, from 0 to 1.
    #[must_use]
    pub fn bad_share(&self) -> f64 {
        if self.lines == 0 {
            return 0.0;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share to 15 digits is exact enough to compare"
        )]
        let share = self.quarantined_lines as f64 / self.lines as f64;
        share
    }

    /// Returns the number of rejected rows per rule, without rows that only refer to rejected rows.
    pub fn rejects_of_their_own(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        let own = self.rejects.iter().map(|(rule, count)| {
            let by_reference = self.rejects_by_reference.get(rule);
            (rule, count - by_reference.copied().unwrap_or_default())
        });
        own.filter(|(_, count)| *count > 0)
    }

    /// `true` if the share of rejected lines is larger than `max_bad_share`.
    #[must_use]
    pub fn is_above(&self, max_bad_share: f64) -> bool {
        self.bad_share() > max_bad_share
    }

    /// Adds the counts of one block, whose rows were accepted or rejected.
    pub(crate) fn add(&mut self, judged: &JudgedRows) {
        self.lines += judged.lines;
        self.rows_read += u64::from(judged.records);
        self.accepted += u64::from(judged.accepted);
        for (rule, count) in &judged.warnings {
            *self.warnings.entry(Arc::clone(rule)).or_default() += count;
        }
        for rejected in &judged.rejected {
            self.add_rejected(rejected);
        }
    }

    /// Counts a row as rejected instead of accepted.
    pub(crate) fn reject(&mut self, rejected: &Rejected) {
        self.accepted -= 1;
        self.add_rejected(rejected);
    }

    /// Counts a rejected row under its rule, and its lines unless it is rejected only because it refers to a rejected
    /// row.
    pub(crate) fn add_rejected(&mut self, rejected: &Rejected) {
        self.quarantined += 1;
        *self
            .rejects
            .entry(Arc::clone(&rejected.fault.rule))
            .or_default() += 1;
        if rejected.fault.by_reference {
            self.quarantined_by_reference += 1;
            let rule = Arc::clone(&rejected.fault.rule);
            *self.rejects_by_reference.entry(rule).or_default() += 1;
        } else {
            self.quarantined_lines += rejected.lines();
        }
    }

    /// Adds the names of columns that the contract lacks, without duplicates.
    pub(crate) fn add_extra_columns(&mut self, names: &[String]) {
        for name in names {
            if !self.extra_columns.contains(name) {
                self.extra_columns.push(name.clone());
            }
        }
    }
}
