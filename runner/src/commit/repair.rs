//! Work on a log outside a run: finishing a publish, and listing the runs.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::commit::layout::{Layout, LogKey};
use crate::commit::log::{Log, read_records};
use crate::commit::publish::{Settled, settle};
use crate::commit::record::{AttemptId, Entry, Record, RunId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use crate::watch::StopSignal;

/// The result of a repair that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repaired {
    /// The log is empty, or its last record was published already.
    NothingToDo,
    /// The repair finished the publish of the record with this number.
    Published(u64),
}

/// Finishes the publish of a job's last record if it is not marked.
///
/// # Errors
/// `TryAgain` if the record's uploads were lost and it is now void, so that the job must run again; otherwise the kind
/// of the store's failure.
pub async fn repair(store: &Store, job: &str) -> Result<Repaired> {
    let layout = Layout::new(job);
    let log = Log::read_layout(store, &layout).await?;
    let Some(record) = log.last_record().filter(|_| !log.marked) else {
        return Ok(Repaired::NothingToDo);
    };
    match settle(store, &layout, record, &StopSignal::never()).await? {
        Settled::Published => Ok(Repaired::Published(record.number)),
        Settled::Voided => {
            let message = format!(
                "the run of record {} of job `{job}` was lost: the store dropped its uploads before they were published",
                record.number
            );
            Err(Error::new(ErrorKind::TryAgain, message).hint("run the job again"))
        }
    }
}

/// One record of a job's log, as a list of runs shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunLine {
    /// The record's number in the job's log.
    pub number: u64,
    /// The id of the run that the record commits or voids.
    pub run: RunId,
    /// The attempt that committed the run; `None` for a record that voids another.
    pub attempt: Option<AttemptId>,
    /// The time at which the record was put, by the store's clock.
    pub committed: DateTime<Utc>,
    /// The state of the record: published, pending, voided, or itself a void.
    pub status: RunStatus,
    /// The number of parts that the run wrote. A record that voids another has 0 here, in `rows` and in `size_bytes`.
    pub parts: usize,
    /// The number of rows in the parts.
    pub rows: u64,
    /// The total size of the parts in bytes.
    pub size_bytes: u64,
    /// The number of objects that the publish of the record deletes.
    pub deletes: usize,
}

/// The state of a record in the log, as `drivetrain runs` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The run is committed, and its publish is finished.
    Published,
    /// The run is committed, and its publish is not finished.
    Pending,
    /// The run is lost: the next record voids this one.
    Voided,
    /// This record voids the previous one.
    Void,
}

/// Lists all records of a job's log, oldest first.
///
/// # Errors
/// `Failed` for a record that cannot be read; otherwise the kind of the store's failure.
pub async fn runs(store: &Store, job: &str) -> Result<Vec<RunLine>> {
    let layout = Layout::new(job);
    let (mut times, mut marks) = (Vec::new(), std::collections::BTreeSet::new());
    for object in store.list(&layout.log()).await? {
        match Layout::parse(&object.location) {
            Some(LogKey::Record(_)) => times.push(object.last_modified),
            Some(LogKey::Mark(number)) => {
                marks.insert(number);
            }
            _ => {}
        }
    }
    let records = read_records(store, &layout, 1..=times.len() as u64).await?;
    let next = records.iter().skip(1).map(Some).chain([None]);
    let lines = records.iter().zip(next).zip(times);
    Ok(lines
        .map(|((record, next), committed)| {
            let marked = marks.contains(&record.number);
            line(record, next, committed, marked)
        })
        .collect())
}

/// Summarizes a record. `next` is the following record, which may void this one; `marked` is whether the mark exists.
fn line(record: &Record, next: Option<&Record>, committed: DateTime<Utc>, marked: bool) -> RunLine {
    match &record.entry {
        Entry::Void(void) => RunLine {
            number: record.number,
            run: void.run.clone(),
            attempt: None,
            committed,
            status: RunStatus::Void,
            parts: 0,
            rows: 0,
            size_bytes: 0,
            deletes: void.keys.len(),
        },
        Entry::Run(run) => RunLine {
            number: record.number,
            run: run.run.clone(),
            attempt: Some(run.attempt.clone()),
            committed,
            status: match next {
                Some(next) if next.voids(record.number) => RunStatus::Voided,
                Some(_) => RunStatus::Published,
                None if marked => RunStatus::Published,
                None => RunStatus::Pending,
            },
            parts: run.parts().count(),
            rows: run.parts().map(|part| part.rows).sum(),
            size_bytes: run.parts().map(|part| part.size_bytes).sum(),
            deletes: run.outputs.iter().map(|output| output.deletes.len()).sum(),
        },
    }
}
