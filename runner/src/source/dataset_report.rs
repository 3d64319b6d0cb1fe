//! What reading a dataset found, as the run's report shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::source::judge::{JudgedRows, Rejected};

/// Counts what was read of one dataset; `rows_read == accepted + quarantined` always.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DatasetReport {
    /// Objects read.
    pub files: u64,
    /// Their bytes, as stored.
    pub bytes: u64,
    /// Physical lines that records span; headers and blank lines are none.
    pub lines: u64,
    /// Lines that hold nothing at all, not even a delimiter.
    pub blank_lines: u64,
    /// Records, whatever became of them.
    pub rows_read: u64,
    /// Rows handed on.
    pub accepted: u64,
    /// Rows rejected, for whatever reason.
    pub quarantined: u64,
    /// Those of `quarantined` that are rejected only because the row that they refer to was.
    pub quarantined_by_reference: u64,
    /// Lines of rejected rows, less those of `quarantined_by_reference`: what the threshold is about.
    pub quarantined_lines: u64,
    /// Rejected rows by rule.
    pub rejects: BTreeMap<Arc<str>, u64>,
    /// Those of `quarantined_by_reference` by rule.
    pub rejects_by_reference: BTreeMap<Arc<str>, u64>,
    /// Accepted rows that break a rule which only warns, by rule.
    pub warnings: BTreeMap<Arc<str>, u64>,
    /// Columns that some object has and the contract does not.
    pub extra_columns: Vec<String>,
    /// Objects without a byte of content.
    pub empty_files: Vec<String>,
    /// Bytes of accepted rows that were put on disk.
    pub spilled_bytes: u64,
}

impl DatasetReport {
    /// The share of lines that were rejected, from 0 to 1.
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

    /// Rows that broke a rule themselves, by rule.
    pub fn rejects_of_their_own(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        let own = self.rejects.iter().map(|(rule, count)| {
            let by_reference = self.rejects_by_reference.get(rule);
            (rule, count - by_reference.copied().unwrap_or_default())
        });
        own.filter(|(_, count)| *count > 0)
    }

    /// Whether the share of rejected lines is above a threshold.
    #[must_use]
    pub fn is_above(&self, max_bad_share: f64) -> bool {
        self.bad_share() > max_bad_share
    }

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

    /// Counts a row that had been accepted as rejected.
    pub(crate) fn reject(&mut self, rejected: &Rejected) {
        self.accepted -= 1;
        self.add_rejected(rejected);
    }

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

    pub(crate) fn add_extra_columns(&mut self, names: &[String]) {
        for name in names {
            if !self.extra_columns.contains(name) {
                self.extra_columns.push(name.clone());
            }
        }
    }
}
