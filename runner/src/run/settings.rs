//! The settings of a run, resolved and checked.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sink::parquet::file_settings::FileSettings;
use crate::source::OnBadRow;
use crate::sql::engine_settings::EngineSettings;
use crate::store::Location;

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Root of the raw data, for jobs that read any.
    pub input: Option<Location>,
    /// Root of the tables.
    pub output: Location,
    /// Parameters as given, by name.
    pub parameters: BTreeMap<String, String>,
    /// Checks to run that are off by default.
    pub checks: Vec<String>,
    /// Whether to run although a live run did the same already.
    pub force: bool,
    /// Whether to delete foreign objects instead of refusing them.
    pub replace_foreign: bool,
    /// Settings that shape the result.
    pub shape: Shape,
    /// Memory, threads and disk.
    pub engine: EngineSettings,
}

/// Settings that shape the result, which the run's id covers.
#[derive(Clone, Debug, Serialize)]
pub struct Shape {
    /// Treatment of rows that break the contract.
    pub on_bad_row: OnBadRow,
    /// Share of a dataset's lines that may be rejected, 0 to 1.
    pub max_rejected: f64,
    /// Settings of Parquet files.
    pub files: FileSettings,
}
