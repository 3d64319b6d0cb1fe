//! A job's log, as it was read at one moment.

use std::collections::BTreeSet;

use futures::stream::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::commit::bounded_concurrency::together;
use crate::commit::layout::{self, Layout, LogKey};
use crate::commit::live_state::State;
use crate::commit::record::{FORMAT, Record};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::Store;

/// The number of records between checkpoints. A reader starts at the last checkpoint, so it reads at most about this
/// many records one by one.
pub const CHECKPOINT_EVERY: u64 = 100;

/// A job's log as it was read at one moment: the last record, whether it is published, and the live state.
#[derive(Clone, Debug)]
pub struct Log {
    /// The number of the last record, 0 for an empty log.
    pub(super) last: u64,
    /// `true` if the last record is published or the log is empty.
    pub(super) marked: bool,
    /// The number of the checkpoint from which the log was read; 0 if there was none.
    pub(super) checkpoint: u64,
    /// The records after the checkpoint, in order; all records if there is no checkpoint.
    pub(super) tail: Vec<Record>,
    /// The live state after the last record.
    pub(super) state: State,
}

/// The content of a checkpoint, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Checkpoint {
    /// The version of the log's format in which the checkpoint is written.
    format: u32,
    /// The number of the last record that `state` includes.
    number: u64,
    /// The live state after that record.
    state: State,
}

/// Returns the names of the jobs that have a log below an output root.
///
/// # Errors
/// The kind of the store's failure.
pub async fn jobs_with_log(store: &Store) -> Result<Vec<String>> {
    let listed = store
        .reader()
        .list_with_delimiter(Some(&layout::jobs()))
        .await
        .map_err(|error| store.explain(error, "list the jobs"))?;
    let folders = listed.common_prefixes.iter();
    Ok(folders
        .filter_map(|folder| folder.filename().map(str::to_owned))
        .collect())
}

impl Log {
    /// Reads a job's log with one listing, the last checkpoint and the records after it.
    ///
    /// # Errors
    /// `Failed` for a log with a gap or an unreadable record; otherwise the kind of the store's failure.
    pub async fn read(store: &Store, job: &str) -> Result<Self> {
        Self::read_layout(store, &Layout::new(job)).await
    }

    /// Reads the log of the job with this layout; see [`Log::read`].
    pub(super) async fn read_layout(store: &Store, layout: &Layout) -> Result<Self> {
        let (mut last, mut checkpoint, mut marks) = (0, 0, BTreeSet::new());
        for object in store.list(&layout.log()).await? {
            match Layout::parse(&object.location) {
                Some(LogKey::Record(number)) => last = last.max(number),
                Some(LogKey::Mark(number)) => {
                    marks.insert(number);
                }
                Some(LogKey::Checkpoint(number)) => checkpoint = checkpoint.max(number),
                None => {}
            }
        }
        let mut state = match checkpoint {
            0 => State::default(),
            number => read_checkpoint(store, layout, number).await?,
        };
        let tail = read_records(store, layout, checkpoint + 1..=last).await?;
        state.extend(&tail);
        Ok(Self {
            last,
            marked: last == 0 || marks.contains(&last),
            checkpoint,
            tail,
            state,
        })
    }

    /// Returns the number of the last record, 0 for an empty log.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Returns the live state after the last record.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the last record. Returns `None` if the log is empty, or if the checkpoint includes its last record,
    /// which is then marked.
    pub(super) fn last_record(&self) -> Option<&Record> {
        self.tail.last()
    }
}

/// Reads the records with these numbers concurrently; each must exist.
pub(super) async fn read_records(
    store: &Store,
    layout: &Layout,
    numbers: std::ops::RangeInclusive<u64>,
) -> Result<Vec<Record>> {
    let reads = numbers.map(|number| read_present(store, layout, number));
    together(reads).try_collect().await
}

/// Reads a record; fails if it does not exist, because a log has no gaps.
async fn read_present(store: &Store, layout: &Layout, number: u64) -> Result<Record> {
    let record = read_record(store, layout, number).await?;
    record.ok_or_else(|| {
        let message = format!(
            "record {number} of the log `{}` is missing",
            store.location().url(&layout.log())
        );
        Error::new(ErrorKind::Failed, message)
            .hint("Drivetrain never deletes a record: restore the record from the bucket's versions or a backup")
    })
}

/// Reads a record; `None` if it does not exist.
pub(super) async fn read_record(
    store: &Store,
    layout: &Layout,
    number: u64,
) -> Result<Option<Record>> {
    match store.read(&layout.record(number)).await? {
        Some(bytes) => Record::from_bytes(number, &bytes)
            .map(Some)
            .map_err(|error| {
                let url = store.location().url(&layout.record(number));
                let message = format!("`{url}`: {error}");
                error.reworded(message)
            }),
        None => Ok(None),
    }
}

/// Reads the records from `first` up to the first number without one.
pub(super) async fn read_from(store: &Store, layout: &Layout, first: u64) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for number in first.. {
        match read_record(store, layout, number).await? {
            Some(record) => records.push(record),
            None => break,
        }
    }
    Ok(records)
}

/// Reads a checkpoint and returns the live state that it holds.
async fn read_checkpoint(store: &Store, layout: &Layout, number: u64) -> Result<State> {
    let url = store.location().url(&layout.checkpoint(number));
    let damaged = format!("the log's checkpoint `{url}` is damaged");
    let delete = "delete this checkpoint: the log is then read from its records";
    let bytes = store.read(&layout.checkpoint(number)).await?;
    let bytes = bytes.ok_or_else(|| {
        let message = format!("the store lists the log's checkpoint `{url}`, but cannot find it");
        Error::new(ErrorKind::Failed, message).hint("run the same command again")
    })?;
    let checkpoint: Checkpoint = serde_json::from_slice(&bytes)
        .context(ErrorKind::Failed, &damaged)
        .map_err(|error| error.hint(delete))?;
    if checkpoint.format > FORMAT {
        let message = format!("a newer version of drivetrain wrote the log's checkpoint `{url}`");
        return Err(Error::new(ErrorKind::Failed, message)
            .hint("use the version of drivetrain that wrote the checkpoint, or a newer one"));
    }
    if checkpoint.number != number {
        let message = format!(
            "{damaged}: expected number {number} in its JSON, got {}",
            checkpoint.number
        );
        return Err(Error::new(ErrorKind::Failed, message).hint(delete));
    }
    Ok(checkpoint.state)
}

/// Writes the checkpoint of a marked record if its number is a multiple of [`CHECKPOINT_EVERY`]. A checkpoint that
/// another process has written is kept, because it has the same content.
pub(super) async fn write_checkpoint(store: &Store, layout: &Layout, number: u64) -> Result<()> {
    if number == 0 || !number.is_multiple_of(CHECKPOINT_EVERY) {
        return Ok(());
    }
    let log = Log::read_layout(store, layout).await?;
    if log.checkpoint >= number {
        return Ok(());
    }
    let mut state = match log.checkpoint {
        0 => State::default(),
        before => read_checkpoint(store, layout, before).await?,
    };
    let upto = log
        .tail
        .into_iter()
        .take_while(|record| record.number <= number);
    state.extend(&upto.collect::<Vec<_>>());
    let checkpoint = Checkpoint {
        format: FORMAT,
        number,
        state,
    };
    let bytes = serde_json::to_vec(&checkpoint).context(
        ErrorKind::Failed,
        "a checkpoint cannot be converted to JSON; this is a bug",
    )?;
    store
        .put_new(&layout.checkpoint(number), bytes.into())
        .await?;
    Ok(())
}
