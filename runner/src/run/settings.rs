//! The settings of a run, resolved and validated.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::EmrStep;
use crate::sink::parquet::file_settings::FileSettings;
use crate::source::OnBadRow;
use crate::sql::engine_settings::EngineSettings;
use crate::store::Location;

/// The settings of one run, with every flag and default resolved.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The root above the folder `raw/`; `None` if `--input` was not given.
    pub input: Option<Location>,
    /// The output root: the tables are below it, and the logs in its folder `_drivetrain/`.
    pub output: Location,
    /// The text of each `--param`, by the parameter's name.
    pub parameters: BTreeMap<String, String>,
    /// Names of the checks that are off by default and that this run executes.
    pub checks: Vec<String>,
    /// Whether to run even if the log already holds the result of the same run.
    pub force: bool,
    /// Whether to delete objects that no run wrote from the tables, instead of refusing to run.
    pub replace_foreign: bool,
    /// Settings that change the result of a run.
    pub shape: Shape,
    /// The EMR step that executes the run, for the report; `None` elsewhere.
    pub emr: Option<EmrStep>,
    /// The memory, threads and spill folder that queries may use.
    pub engine: EngineSettings,
}

/// Settings that change the result of a run; they are part of its id.
#[derive(Clone, Debug, Serialize)]
pub struct Shape {
    /// Whether a row that breaks the contract goes to the quarantine or fails the run.
    pub on_bad_row: OnBadRow,
    /// The share of a dataset's lines that may be rejected, 0 to 1.
    pub max_rejected: f64,
    /// The settings by which Parquet files are written.
    pub files: FileSettings,
}
