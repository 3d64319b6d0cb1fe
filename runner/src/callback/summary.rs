//! The end of a run, in the form that a waiting process receives.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::report::{LiveTable, Report, Status};

/// The end of a run: which run it was, and whether it succeeded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Summary {
    /// Name of the job; as on the command line if the run failed before the job was read.
    pub job: String,
    /// Id of the run; `None` if it failed without a report, as before its first attempt.
    pub run_id: Option<String>,
    /// Success with the written tables, or failure with the error.
    pub end: End,
}

/// Success or failure of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The outputs are visible.
    Succeeded {
        /// Numbers of the run as a whole.
        numbers: RunNumbers,
        /// Number of quarantined rows, by dataset that the run read.
        quarantined_rows: BTreeMap<String, u64>,
        /// Tables that the run wrote.
        tables: Vec<TableSummary>,
    },
    /// The run failed.
    Failed {
        /// The failure, with the error name that a state machine sees.
        failure: Failure,
        /// URL of the folder of rejected rows, if there are any.
        quarantine: Option<String>,
    },
}

/// The numbers of a run as a whole.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RunNumbers {
    /// Number of the record in the job's log.
    pub record: u64,
    /// `true` if an earlier attempt committed the same run.
    pub already_done: bool,
    /// Wall-clock time since this run started, in seconds.
    pub wall_seconds: f64,
    /// Peak resident memory of the process that wrote the tables, in bytes.
    pub peak_memory_bytes: u64,
    /// URL of the full report, if it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// The numbers of one table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TableSummary {
    /// Name of the table.
    pub name: String,
    /// The numbers of the whole table, with its control totals; `None` if they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveTable>,
    /// The numbers of what the run wrote.
    pub written: Written,
}

/// The numbers of what a run wrote to one table.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Written {
    /// Number of rows.
    pub rows: u64,
    /// Total size of the files, in bytes.
    pub bytes: u64,
    /// Number of partitions; 1 for a table without partition columns.
    pub partitions: u64,
}

impl Summary {
    /// Builds the summary of a run that succeeded from its report; `wall` is the time since the run started.
    #[must_use]
    pub fn succeeded(report: &Report, wall: Duration) -> Self {
        let tables = report.outputs.iter().map(|output| TableSummary {
            name: output.name.clone(),
            live: output.live.clone(),
            written: Written {
                rows: output.rows,
                bytes: output.bytes,
                partitions: output.partitions,
            },
        });
        let quarantined = report
            .inputs
            .iter()
            .map(|input| (input.name.clone(), input.quarantined_rows));
        Self {
            job: report.job.clone(),
            run_id: Some(report.run_id.clone()),
            end: End::Succeeded {
                numbers: RunNumbers {
                    record: report.record,
                    already_done: report.status == Status::AlreadyDone,
                    wall_seconds: wall.as_secs_f64(),
                    peak_memory_bytes: report.peak_memory_bytes,
                    report: report.url.clone(),
                },
                quarantined_rows: quarantined.collect(),
                tables: tables.collect(),
            },
        }
    }

    /// Builds the summary of a run that failed; `report` is that of its attempt, if there is one.
    #[must_use]
    pub fn failed(job: &str, failure: Failure, report: Option<&Report>) -> Self {
        Self {
            job: report.map_or_else(|| job.to_owned(), |report| report.job.clone()),
            run_id: report.map(|report| report.run_id.clone()),
            end: End::Failed {
                failure,
                quarantine: report.and_then(|report| report.quarantine.clone()),
            },
        }
    }
}
