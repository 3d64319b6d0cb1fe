//! Keys of what lies below an output root.

use object_store::path::Path;

use crate::commit::partition::Partition;
use crate::commit::record::{AttemptId, RunId};
use crate::error::{Context, ErrorKind, Result};

/// The folder of everything that is no table; outside every table root, so that crawlers never see it.
const OURS: &str = "_drivetrain";

/// Returns the folder below which each job has its log, reports and quarantine.
pub(super) fn jobs() -> Path {
    Path::from(OURS)
}

/// The keys of one job.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    job: String,
}

/// What a key of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogKey {
    Record(u64),
    Mark(u64),
    Checkpoint(u64),
}

impl Layout {
    pub fn new(job: &str) -> Self {
        Self {
            job: job.to_owned(),
        }
    }

    /// Job and table names are checked words, attempts and numbers are ours: this is always a key.
    fn key(text: &str) -> Path {
        Path::parse(text).expect("names of jobs and attempts hold no slashes")
    }

    fn ours(&self, rest: &str) -> Path {
        Self::key(&format!("{OURS}/{}/{rest}", self.job))
    }

    pub fn log(&self) -> Path {
        self.ours("log")
    }

    pub fn record(&self, number: u64) -> Path {
        self.ours(&format!("log/{number:020}.json"))
    }

    pub fn mark(&self, number: u64) -> Path {
        self.ours(&format!("log/{number:020}.published"))
    }

    pub fn checkpoint(&self, number: u64) -> Path {
        self.ours(&format!("log/{number:020}.checkpoint.json"))
    }

    /// What a file name in the log's folder means; `None` for what is not the log's.
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

    pub fn attempts(&self) -> Path {
        self.ours("attempts")
    }

    pub fn attempt(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("attempts/{attempt}"))
    }

    pub fn started(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("attempts/{attempt}/started.json"))
    }

    pub fn uploads(&self, attempt: &AttemptId, sequence: u64) -> Path {
        self.ours(&format!("attempts/{attempt}/{sequence:06}.uploads"))
    }

    pub fn ended(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("attempts/{attempt}/ended.json"))
    }

    pub fn staging_root(&self) -> Path {
        self.ours("staging")
    }

    pub fn staged(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("staging/{attempt}"))
    }

    pub fn staging(&self, attempt: &AttemptId, sequence: u64) -> Path {
        self.ours(&format!("staging/{attempt}/{sequence:06}"))
    }

    pub fn quarantine(&self) -> Path {
        self.ours("quarantine")
    }

    pub fn quarantine_of(&self, run: &RunId, attempt: &AttemptId) -> Path {
        self.ours(&format!("quarantine/{run}/{attempt}"))
    }

    pub fn report(&self, run: &RunId, attempt: &AttemptId) -> Path {
        self.ours(&format!("reports/{run}/{attempt}.json"))
    }

    pub fn probe(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("probe/{attempt}.json"))
    }

    pub fn probes(&self) -> Path {
        self.ours("probe")
    }

    pub fn clocks(&self) -> Path {
        self.ours("clock")
    }

    pub fn clock(&self, attempt: &AttemptId) -> Path {
        self.ours(&format!("clock/{attempt}.json"))
    }

    pub fn everything(&self) -> Path {
        Self::key(&format!("{OURS}/{}", self.job))
    }

    pub fn table(&self, table: &str) -> Path {
        Self::key(&format!("{}/{table}", self.job))
    }

    /// The key of a part: its name holds the attempt, so no other attempt ever stands at it.
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
            .context(ErrorKind::Failed, format!("`{key}` is no key"))
    }
}
