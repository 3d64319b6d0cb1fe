//! The report of one run: what was read, checked and written, how long each stage took, and how the run ended.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::report::Registered;

/// The current version of the report's shape; see [`Report::version`].
pub const VERSION: u32 = 1;

/// The report of a run. Its fields follow the path of a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// The version of this object's shape. New fields do not change it; a changed meaning increases it.
    pub version: u32,
    /// The way in which the run ended.
    pub status: Status,
    /// Name of the job.
    pub job: String,
    /// Id of the run: the same for the same job, parameters and inputs.
    pub run_id: String,
    /// Id of the attempt that committed or failed.
    pub attempt_id: String,
    /// Number of the record in the job's log; 0 if the run failed.
    pub record: u64,
    /// The time at which the run started, in RFC 3339.
    pub started_at: String,
    /// Values of the parameters that were set.
    pub parameters: BTreeMap<String, String>,
    /// The numbers of each input that was read.
    pub inputs: Vec<InputReport>,
    /// The numbers of each output that was written; the files of a failed run never become visible.
    pub outputs: Vec<OutputReport>,
    /// The results of the checks that were made.
    pub checks: Vec<CheckReport>,
    /// URL of the folder of rejected rows, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// URL of this report, as it was stored beside the job's log; `None` if it is not known to be stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the registration in a catalog did; `None` if the run registered nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
    /// The failure of the run; `None` if it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Duration of each finished stage, in order.
    pub stages: Vec<StageReport>,
    /// Peak resident memory of the process, in bytes; 0 if the system does not report it.
    pub peak_memory_bytes: u64,
    /// Bytes that were spilled to disk. Inputs count with their size on disk, computed rows with their size in memory.
    pub spilled_bytes: u64,
    /// Number of requests to the stores of the raw data and of the tables, by kind such as `get` or `put`.
    pub requests: BTreeMap<String, u64>,
    /// The EMR step that executed the run; `None` elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emr: Option<EmrStep>,
    /// Versions of drivetrain and of the query engine.
    pub versions: BTreeMap<String, String>,
}

/// The step of an EMR cluster that executes a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EmrStep {
    /// Id of the cluster, such as `j-2AXXXXXXGAPLF`.
    pub cluster_id: String,
    /// Id of the step, such as `s-07XXXXXXJ3O0`; `None` for a process on the node that no step has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
}

/// The way in which a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The outputs are visible.
    #[default]
    Committed,
    /// An earlier attempt committed the same run; nothing was read or written.
    AlreadyDone,
    /// The run failed. It has committed nothing, unless the error says that the commit is undecided or that the publish
    /// is pending.
    Failed,
}

/// The numbers of one input: what was read, accepted and rejected.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct InputReport {
    /// Name of the input in the job.
    pub name: String,
    /// Number of objects that were read.
    pub files: u64,
    /// The size of the objects as stored, in bytes.
    pub bytes: u64,
    /// Rows read: `accepted_rows + quarantined_rows`.
    pub rows: u64,
    /// Rows that meet the contract.
    pub accepted_rows: u64,
    /// Rows that broke the contract and went to the quarantine.
    pub quarantined_rows: u64,
    /// The number of quarantined rows whose only fault is that they refer to a quarantined row.
    pub quarantined_by_reference_rows: u64,
    /// The number of rejected rows by rule. A row counts only for the first rule that it breaks.
    pub rejected: BTreeMap<String, u64>,
    /// The number of accepted rows that broke a rule of severity `warn`, by rule.
    pub warnings: BTreeMap<String, u64>,
    /// Remarks for people: unknown columns, empty files.
    pub notes: Vec<String>,
}

/// The numbers of one output: what was written and left out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OutputReport {
    /// Name of the table.
    pub name: String,
    /// URL of the table.
    pub url: String,
    /// Number of rows written.
    pub rows: u64,
    /// Rows that the output's `where` or window left out.
    pub filtered_rows: u64,
    /// Number of Parquet files written.
    pub files: u64,
    /// The size of the Parquet files, in bytes.
    pub bytes: u64,
    /// Partitions written, 1 for a table without partition columns.
    pub partitions: u64,
    /// The number of rows in which a warning column is true, by column.
    pub warnings: BTreeMap<String, u64>,
    /// The numbers of the whole table after the run, or now if the run was already done; `None` if they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveTable>,
}

/// The numbers of a table as its readers see it: with the rows of all runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct LiveTable {
    /// Number of rows.
    pub rows: u64,
    /// The size of the Parquet files, in bytes.
    pub bytes: u64,
    /// Number of partitions that have rows; 1 for a table without partition columns that has rows.
    pub partitions: u64,
    /// The control totals of the contract, as decimal text, by name; those that are not known are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub totals: BTreeMap<String, String>,
}

/// The result of one check.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CheckReport {
    /// Name of the check in `job.toml`, or `<output>: <rule>` for a key or reference of an output.
    pub name: String,
    /// `true` if the check passed.
    pub held: bool,
    /// The expected and the actual values of a check that failed; `None` if it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// The name and the duration of one stage.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StageReport {
    /// Name of the stage: `read`, `compute`, `check`, `write` or `publish`.
    pub name: String,
    /// Wall-clock duration of the stage, in seconds.
    pub seconds: f64,
}

impl StageReport {
    /// Creates the report of a stage from its duration.
    #[must_use]
    pub fn new(name: &str, took: Duration) -> Self {
        Self {
            name: name.to_owned(),
            seconds: took.as_secs_f64(),
        }
    }
}

/// Returns the versions of drivetrain and of the query engine, as a report lists them.
#[must_use]
pub fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            "drivetrain".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
        (
            "datafusion".to_owned(),
            datafusion::DATAFUSION_VERSION.to_owned(),
        ),
    ])
}
