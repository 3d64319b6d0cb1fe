//! The report of one run: what was read, checked and written, how long each stage took, and how the run ended.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Failure;

/// The shape of the report.
pub const VERSION: u32 = 1;

/// What a run did, in the order in which a row travels.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// The shape of this object; it grows by fields, a changed meaning is a new number.
    pub version: u32,
    /// How the run ended.
    pub status: Status,
    /// The job's name.
    pub job: String,
    /// The run's id: the same for the same job, parameters and inputs.
    pub run_id: String,
    /// The id of the attempt that committed, or failed.
    pub attempt_id: String,
    /// The number of its record in the job's log; 0 where the run failed.
    pub record: u64,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The values of the parameters that were set.
    pub parameters: BTreeMap<String, String>,
    /// What was read.
    pub inputs: Vec<InputReport>,
    /// What was written; nobody sees the files of a run that failed.
    pub outputs: Vec<OutputReport>,
    /// What was checked.
    pub checks: Vec<CheckReport>,
    /// Where rejected rows lie, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// Why the run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Wall-clock seconds of each stage that was done, in order.
    pub stages: Vec<StageReport>,
    /// The most memory that the process held at once.
    pub peak_memory_bytes: u64,
    /// Rows that did not fit into memory, as bytes in memory.
    pub spilled_bytes: u64,
    /// Requests to the stores by kind.
    pub requests: BTreeMap<String, u64>,
    /// What ran: drivetrain and the engine below.
    pub versions: BTreeMap<String, String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its outputs are visible.
    #[default]
    Committed,
    /// An earlier attempt committed the same run; nothing was read or written.
    AlreadyDone,
    /// It failed before it was committed, or its commit or publish is left to a later command, as the error says.
    Failed,
}

/// What was read of one input.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct InputReport {
    /// The input's name in the job.
    pub name: String,
    /// Objects.
    pub files: u64,
    /// Their bytes as stored.
    pub bytes: u64,
    /// Rows read: `accepted_rows + quarantined_rows`.
    pub rows: u64,
    /// Rows that keep the contract.
    pub accepted_rows: u64,
    /// Rows set aside.
    pub quarantined_rows: u64,
    /// Those of them that were set aside only because the row that they refer to was.
    pub quarantined_by_reference_rows: u64,
    /// Rows that broke a rule, by rule; a row is rejected by the first rule it breaks.
    pub rejected: BTreeMap<String, u64>,
    /// Accepted rows that broke a rule of severity `warn`, by rule.
    pub warnings: BTreeMap<String, u64>,
    /// Remarks for a person: unknown columns, empty files.
    pub notes: Vec<String>,
}

/// What was written of one output.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OutputReport {
    /// The table's name.
    pub name: String,
    /// Where it lies.
    pub url: String,
    /// Rows written.
    pub rows: u64,
    /// Rows that the contract's `where` or the window left out.
    pub filtered_rows: u64,
    /// Parquet files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Partitions written, 1 for a table without partition columns.
    pub partitions: u64,
    /// Rows for which a warning column is true, by column.
    pub warnings: BTreeMap<String, u64>,
}

/// What a check found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CheckReport {
    /// The check's name.
    pub name: String,
    /// Whether it held.
    pub held: bool,
    /// What it found, where it did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// How long a stage took.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StageReport {
    /// The stage's name.
    pub name: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

impl StageReport {
    /// Of a stage that took this long.
    #[must_use]
    pub fn new(name: &str, took: Duration) -> Self {
        Self {
            name: name.to_owned(),
            seconds: took.as_secs_f64(),
        }
    }
}

/// The versions that a report names.
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
