//! Keys of everything that a job stores below an output root.

use object_store::path::Path;

use crate::commit::partition::Partition;
use crate::commit::record::{AttemptId, Run, RunId};
use crate::error::{Context, ErrorKind, Result};

/// The folder of everything that is not a table. It is outside every table root, so crawlers never see it.
const OURS: &str = "_drivetrain";

/// Returns the folder that holds one folder per job, for its log, reports and quarantine.
pub(super) fn jobs() -> Path {
    Path::from(OURS)
}

/// Returns the key of the folder of a table.
#[must_use]
pub fn table_root(job: &str, table: &str) -> Path {
    Layout::new(job).table(table)
}

/// Returns the key at which the report of a committed run is stored.
#[must_use]
pub fn report_key(job: &str, run: &Run) -> Path {
    Layout::new(job).report(&run.run, &run.attempt)
}

/// The keys under which one job stores its tables, log and notes.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The job's name. It was validated, so it contains no slashes.
    job: String,
}

/// The kind and number of an object in the log's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogKey {
    /// A record: a committed run, or a void.
    Record(u64),
    /// The mark of a published record.
    Mark(u64),
    /// A checkpoint that includes the records up to this number.
    Checkpoint(u64),
}

impl Layout {
    /// Returns the layout of the job with this name, which must be valid.
    pub fn new(job: &str) -> Self {
        Self {
            job: job.to_owned(),
        }
    }

    /// Parses a key that is always valid: job and table names were validated, and Drivetrain itself makes the attempt
    /// ids and numbers.
    fn key(text: &str) -> Path {
        Path::parse(text).expect("names of jobs and attempts hold no slashes")
    }

    /// Returns a key in the job's folder below [`OURS`].
    fn ours(&self, rest: &str) -> Path {
        Self::key(&format!("{OURS}/{}/{rest}", self.job))
    }

    /// Returns the folder of records, marks and checkpoints.
    pub fn log(&self) -> Path {
        self.ours("log")
    }

    /// Returns the key of a record. Numbers have 20 digits, so that key order is numeric order.
    pub fn record(&self, number: u64) -> Path {
        self.ours(&format!("log/{number:020}.json"))
    }

    /// Returns the key of the mark of a published record.
    pub fn mark(&self, number: u64) -> Path {
        self.ours(&format!("log/{number:020}.published"))
    }

    /// Returns the key of the checkpoint that includes the records up to `number`.
    pub fn checkpoint(&self, number: u64) -> Path {
        self.ours(&format!("log/{number:020}.checkpoint.json"))
    }

    /// Parses a key of the log's folder; `None` if its file name is not one of the log's.
    pub fn parse(key: &Path) -> Option<LogKey> {
        let (number, kind) = key.filename()?.split_once('.')?;
        if number.len() != 20 {
            return None;
        }
        let number = number.parse().ok()?;
        match kind {
            "json" => Some(LogKey::Record(number)),
            "published" => Some(LogKey::Mark(number)),
            "checkpoint.json" => Some(LogKey::Checkpoint(number)),
            _ => None,
        }
    }

    /// Returns the folder that holds one folder of notes per attempt.
    pub fn attempts(&self) -> Path {
        self.ours("attempts")
    }

    /// Returns the folder of one attempt's notes.
    pub fn attempt(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("attempts/{attempt}"))
    }

    /// Returns the key of the note that an attempt writes first.
    pub fn started(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("attempts/{attempt}/started.json"))
    }

    /// Returns the key of a list of uploads; `sequence` is the number of uploads that earlier lists hold.
    pub fn uploads(&self, attempt: &AttemptId, sequence: u64) -> Path {
        self.ours(&format!("attempts/{attempt}/{sequence:06}.uploads"))
    }

    /// Returns the key of the note that marks an attempt as ended, so that the next run may clean up after it.
    pub fn ended(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("attempts/{attempt}/ended.json"))
    }

    /// Returns the folder of all attempts' staged files; only a file system stages files.
    pub fn staging_root(&self) -> Path {
        self.ours("staging")
    }

    /// Returns the folder of one attempt's staged files.
    pub fn staged(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("staging/{attempt}"))
    }

    /// Returns the key of the file in which an attempt stages its part number `sequence`.
    pub fn staging(&self, attempt: &AttemptId, sequence: u64) -> Path {
        self.ours(&format!("staging/{attempt}/{sequence:06}"))
    }

    /// Returns the quarantine: the folder of the rows that any attempt has rejected.
    pub fn quarantine(&self) -> Path {
        self.ours("quarantine")
    }

    /// Returns the folder of the rows that one attempt rejects.
    pub fn quarantine_of(&self, run: &RunId, attempt: &AttemptId) -> Path {
        self.ours(&format!("quarantine/{run}/{attempt}"))
    }

    /// Returns the key of the report of an attempt at a run.
    pub fn report(&self, run: &RunId, attempt: &AttemptId) -> Path {
        self.ours(&format!("reports/{run}/{attempt}.json"))
    }

    /// Returns the key of an object that is written to test conditional puts.
    pub fn probe(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("probe/{attempt}.json"))
    }

    /// Returns the folder of the objects that test conditional puts.
    pub fn probes(&self) -> Path {
        self.ours("probe")
    }

    /// Returns the folder of the objects that are written to read the store's clock.
    pub fn clocks(&self) -> Path {
        self.ours("clock")
    }

    /// Returns the key of an object that is written to read the store's clock from its listing entry.
    pub fn clock(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("clock/{attempt}.json"))
    }

    /// Returns the folder of everything that the job stores outside its tables.
    pub fn everything(&self) -> Path {
        Self::key(&format!("{OURS}/{}", self.job))
    }

    /// Returns the folder that contains a table's parts and nothing else.
    pub fn table(&self, table: &str) -> Path {
        Self::key(&format!("{}/{table}", self.job))
    }

    /// Returns the key of a part. Its name contains the attempt's id, so attempts never share a key.
    pub fn part(
        &self,
        table: &str,
        partition: &Partition,
        attempt: &AttemptId,
        sequence: u64,
        extension: &str,
    ) -> Result<Path> {
        let folder = match partition.as_str() {
            "" => format!("{}/{table}", self.job),
            folders => format!("{}/{table}/{folders}", self.job),
        };
        let key = format!("{folder}/{attempt}-{sequence:06}.{extension}");
        Path::parse(&key)
            .map_err(object_store::Error::from)
            .context(
                ErrorKind::Failed,
                format!("`{key}` is not a valid object name"),
            )
    }
}
