//! The settings of a run, resolved and validated.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sink::parquet::file_settings::FileSettings;
use crate::source::OnBadRow;
use crate::sql::engine_settings::EngineSettings;
use crate::store::Location;

/// The settings of one run.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The root of the raw data; `None` if it was not given.
    pub input: Option<Location>,
    /// The root below which tables and logs are stored.
    pub output: Location,
    /// The parameters as they were given, by name.
    pub parameters: BTreeMap<String, String>,
    /// Names of the checks to run that are off by default.
    pub checks: Vec<String>,
    /// Whether to run even if the log has the result of the same run.
    pub force: bool,
    /// Whether to delete objects that no run wrote from the tables, instead of refusing to run.
    pub replace_foreign: bool,
    /// Settings that change the result of a run.
    pub shape: Shape,
    /// Memory, threads and disk.
    pub engine: EngineSettings,
}

/// Settings that change the result of a run; they are part of its id.
#[derive(Clone, Debug, Serialize)]
pub struct Shape {
    /// The treatment of rows that break the contract.
    pub on_bad_row: OnBadRow,
    /// The share of a dataset's lines that may be rejected, 0 to 1.
    pub max_rejected: f64,
    /// The settings by which Parquet files are written.
    pub files: FileSettings,
}
