//! The manifest of a sample: its files, and the counts that end-to-end tests compare with the report of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::generate::defect_share::DefectShare;
use crate::generate::defects::DefectKind;
use crate::generate::settings::SampleSettings;

/// The version of the generator's rules; it changes whenever the same settings give other bytes.
pub const GENERATOR_VERSION: u32 = 1;

/// The content of `raw/_generated.json`, which exists only for a complete sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleManifest {
    /// The values from which the sample was generated; a request with other values cannot use the sample.
    pub request: SampleRequest,
    /// The datasets, in the order in which they were written.
    pub datasets: Vec<DatasetManifest>,
    /// Statistics of the clean rentals.
    #[serde(rename = "facts")]
    pub statistics: RentalStatistics,
}

impl SampleManifest {
    /// Returns the manifest of a dataset by its name.
    #[must_use]
    pub fn dataset(&self, name: &str) -> Option<&DatasetManifest> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// Returns the files of all datasets.
    pub fn files(&self) -> impl Iterator<Item = &FileManifest> {
        self.datasets.iter().flat_map(|dataset| &dataset.files)
    }
}

/// The values that determine every byte of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRequest {
    /// The version of the generator's rules: `GENERATOR_VERSION` when the sample was written.
    #[serde(rename = "laws")]
    pub version: u32,
    /// The number of rentals that the contract accepts.
    pub rentals: u64,
    /// The seed of the random data.
    pub seed: u64,
    /// The share of each dataset's lines that have a defect.
    #[serde(rename = "dirt")]
    pub defect_share: DefectShare,
    /// The maximum size of a plain file, in bytes; only a file of a single fragment may be larger.
    pub file_bytes: u64,
}

impl From<&SampleSettings> for SampleRequest {
    fn from(settings: &SampleSettings) -> Self {
        Self {
            version: GENERATOR_VERSION,
            rentals: settings.rentals,
            seed: settings.seed,
            defect_share: settings.defect_share,
            file_bytes: settings.file_bytes,
        }
    }
}

/// The files and counts of one dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetManifest {
    /// The name of the dataset, and of its folder in `raw/`.
    pub name: String,
    /// The number of rows that the contract accepts.
    pub accepted_rows: u64,
    /// The number of physical lines in all files, without headers.
    pub lines: u64,
    /// The numbers of rows that are rejected for a defect of their own, and of their lines, by the kind of defect.
    pub rejected: BTreeMap<DefectKind, DefectCount>,
    /// The number of rows that are rejected only because they refer to a rejected row; the share of defects does not
    /// count them.
    pub cascaded_rows: u64,
    /// The files of the dataset, sorted by name.
    pub files: Vec<FileManifest>,
}

impl DatasetManifest {
    /// Returns the numbers of all rows and lines with a defect of their own.
    #[must_use]
    pub fn rejected_total(&self) -> DefectCount {
        let mut total = DefectCount::default();
        for count in self.rejected.values() {
            total.add(*count);
        }
        total
    }

    /// Adds the counts of a fragment to those of the dataset.
    pub(super) fn add(&mut self, fragment: &Self) {
        self.accepted_rows += fragment.accepted_rows;
        self.lines += fragment.lines;
        self.cascaded_rows += fragment.cascaded_rows;
        for (kind, count) in &fragment.rejected {
            self.rejected.entry(*kind).or_default().add(*count);
        }
    }
}

/// The numbers of defective rows and of their lines, for one kind of defect or in total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefectCount {
    /// The number of defective rows.
    pub rows: u64,
    /// The number of physical lines that a reader counts for these rows.
    pub lines: u64,
}

impl DefectCount {
    /// Adds the rows and lines of another count.
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.lines += other.lines;
    }
}

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileManifest {
    /// The path in `raw/`: `<dataset>/<file>`.
    pub name: String,
    /// The kind of the file's content.
    pub kind: FileKind,
    /// The size in bytes.
    pub bytes: u64,
    /// The number of physical lines, including the header.
    pub lines: u64,
}

/// The kind of a file's content. Only samples with defects have files that are not plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Clean and defective rows under the usual header.
    Plain,
    /// Clean rows whose columns are in reverse order.
    Reordered,
    /// Clean rows with a column that the contract does not have.
    UnknownColumn,
    /// A header and no rows.
    HeaderOnly,
    /// An empty file, without even a header.
    Empty,
}

/// Statistics of the clean rentals: their revenue, and the numbers of anomalies for which a check warns but rejects no
/// row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RentalStatistics {
    /// The sum of all amounts, in cents.
    pub revenue_cents: u64,
    /// The number of rentals that start before the day of their user's sign-up.
    pub starts_before_signup: u64,
    /// The number of rentals by users who are not active.
    pub by_inactive_user: u64,
    /// The number of rentals whose amount is not the duration in hours times the vehicle's rate.
    pub off_price_rule: u64,
}

impl RentalStatistics {
    /// Adds the statistics of other rentals.
    pub(super) fn add(&mut self, other: Self) {
        self.revenue_cents += other.revenue_cents;
        self.starts_before_signup += other.starts_before_signup;
        self.by_inactive_user += other.by_inactive_user;
        self.off_price_rule += other.off_price_rule;
    }
}
