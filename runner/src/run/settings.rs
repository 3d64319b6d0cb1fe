//! The settings of a run, resolved and checked.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::sink::parquet::file_settings::FileSettings;
use crate::source::OnBadRow;
use crate::sql::engine_settings::EngineSettings;
use crate::store::Location;

/// Where a run reads and writes, and how it decides.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The root of the raw data, for jobs that read any.
    pub input: Option<Location>,
    /// The root of the tables.
    pub output: Location,
    /// Parameters as given, by name.
    pub parameters: BTreeMap<String, String>,
    /// Checks that are off by default and asked for.
    pub checks: Vec<String>,
    /// Runs although a live run did the same already.
    pub force: bool,
    /// Deletes foreign objects instead of refusing.
    pub replace_foreign: bool,
    /// What shapes the result.
    pub shape: Shape,
    /// What the machine gives to it.
    pub engine: EngineSettings,
}

/// Settings that shape the result: they count in the run's id.
#[derive(Clone, Debug, Serialize)]
pub struct Shape {
    /// What happens to a row that breaks the contract.
    pub on_bad_row: OnBadRow,
    /// The share of a dataset's lines that may be rejected, 0 to 1.
    pub max_rejected: f64,
    /// The settings of files.
    pub files: FileSettings,
}
