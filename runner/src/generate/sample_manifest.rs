//! What a sample holds, counted while it was made: end-to-end tests compare a run's report with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::defects::Class;
use super::settings::{Settings, Share};

/// The version of the laws: a sample of other laws is another sample, whatever its settings.
pub const LAWS: u32 = 1;

/// The content of `raw/_generated.json`, which stands beside a whole sample only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What was asked for.
    pub request: Request,
    /// Each dataset, in the order in which they were written.
    pub datasets: Vec<DatasetAccount>,
    /// What is odd or to be reconciled about the clean rentals.
    pub facts: Facts,
}

impl Account {
    /// A dataset's account.
    #[must_use]
    pub fn dataset(&self, name: &str) -> Option<&DatasetAccount> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// The files of all datasets.
    pub fn files(&self) -> impl Iterator<Item = &FileAccount> {
        self.datasets.iter().flat_map(|dataset| &dataset.files)
    }
}

/// What decides every byte of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The version of the laws.
    pub laws: u32,
    /// Clean rentals.
    pub rentals: u64,
    /// The seed.
    pub seed: u64,
    /// The share of each dataset's lines that a rule must reject.
    pub dirt: Share,
    /// The size at which a file is closed.
    pub file_bytes: u64,
}

impl From<&Settings> for Request {
    fn from(settings: &Settings) -> Self {
        Self {
            laws: LAWS,
            rentals: settings.rentals,
            seed: settings.seed,
            dirt: settings.dirt,
            file_bytes: settings.file_bytes,
        }
    }
}

/// What one dataset holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetAccount {
    /// The folder below `raw/`.
    pub name: String,
    /// Rows that the contract accepts.
    pub accepted_rows: u64,
    /// Physical lines of all files, headers apart.
    pub lines: u64,
    /// Rows that a rule rejects for what they are, by what is wrong with them.
    pub rejected: BTreeMap<Class, Planted>,
    /// Rows that are rejected only because the row that they refer to is; not in the share of dirt.
    pub cascaded_rows: u64,
    /// The files, by name.
    pub files: Vec<FileAccount>,
}

impl DatasetAccount {
    /// Rows and lines that a rule rejects for what they are.
    #[must_use]
    pub fn rejected_in_all(&self) -> Planted {
        let mut all = Planted::default();
        for planted in self.rejected.values() {
            all.add(*planted);
        }
        all
    }

    /// Adds what a block held.
    pub(super) fn add(&mut self, block: &Self) {
        self.accepted_rows += block.accepted_rows;
        self.lines += block.lines;
        self.cascaded_rows += block.cascaded_rows;
        for (class, planted) in &block.rejected {
            self.rejected.entry(*class).or_default().add(*planted);
        }
    }
}

/// Dirt of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// Records.
    pub rows: u64,
    /// The physical lines that a reader counts for them.
    pub lines: u64,
}

impl Planted {
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.lines += other.lines;
    }
}

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAccount {
    /// The key below `raw/`.
    pub name: String,
    /// What the file is for.
    pub kind: FileKind,
    /// Its size.
    pub bytes: u64,
    /// Its physical lines, the header too.
    pub lines: u64,
}

/// What a file is for: all but the plain ones are there only with dirt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Rows under the usual header, dirt between them.
    Plain,
    /// Clean rows, all columns in the opposite order.
    Reordered,
    /// Clean rows with one column more than the contract knows.
    UnknownColumn,
    /// A header and no row.
    HeaderOnly,
    /// No byte.
    Empty,
}

/// What is odd about the clean rentals: warnings, not faults; and their revenue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The sum of all amounts.
    pub revenue_cents: u64,
    /// Rentals that start before the day of their user's sign-up.
    pub starts_before_signup: u64,
    /// Rentals by users who are not active.
    pub by_inactive_user: u64,
    /// Rentals whose amount is not hours times the vehicle's rate.
    pub off_price_rule: u64,
}

impl Facts {
    pub(super) fn add(&mut self, other: Self) {
        self.revenue_cents += other.revenue_cents;
        self.starts_before_signup += other.starts_before_signup;
        self.by_inactive_user += other.by_inactive_user;
        self.off_price_rule += other.off_price_rule;
    }
}
