//! What a log holds: records of runs, records that void them, marks.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commit::partition::{Partition, Window};
use crate::commit::table_columns::Columns;
use crate::error::{Context, Error, ErrorKind, Result};

/// The version of the log's format; a binary refuses a log that a newer one wrote.
pub const FORMAT: u32 = 1;

/// The hash of all that a run's output depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub(super) String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One try at a run: random, never used twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub(super) String);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One numbered entry of a job's log; never changed or deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the format.
    pub format: u32,
    /// Its number, from 1 without gaps.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A run was committed.
    Run(Run),
    /// The record before is void: its uploads were lost before they were published.
    Void(Void),
}

/// A committed run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was run.
    pub run: RunId,
    /// Which try committed it.
    pub attempt: AttemptId,
    /// What became of each table.
    pub outputs: Vec<Output>,
    /// Input objects that no later append run takes again: what an append took in, and what a run read that replaced all
    /// tables. Records of older binaries list only the former.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumed: Vec<Consumed>,
    /// What the caller wants to be remembered: counts, versions.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub summary: Value,
}

/// What a run did to one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The table's name.
    pub table: String,
    /// Columns and types that it wrote.
    pub columns: Columns,
    /// What it replaced.
    pub replaces: Replaces,
    /// Partitions that it wrote.
    pub written: BTreeSet<Partition>,
    /// Files that it added.
    pub parts: Vec<Part>,
    /// Keys that it took away.
    pub deletes: Vec<String>,
}

/// What a run replaces of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replaces {
    /// All of it.
    Table,
    /// The partitions in a window, also with nothing.
    Window(Window),
    /// Nothing: parts are added.
    Append,
}

/// One file of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The key below the output root.
    pub key: String,
    /// The size in bytes.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// The number of rows.
    pub rows: u64,
    /// The partition that it belongs to.
    pub partition: Partition,
    /// The upload that becomes the file.
    pub upload: Upload,
}

impl Part {
    /// The key as a store takes it.
    ///
    /// # Errors
    /// `Failed` for a record with a key that is none.
    pub fn path(&self) -> Result<Path> {
        path(&self.key)
    }
}

/// Reads a key from a record.
pub(super) fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(object_store::Error::from).context(
        ErrorKind::Failed,
        format!("the log names `{key}`, which is no key"),
    )
}

/// An upload that any process can complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The store's id.
    pub id: String,
    /// What the store said to each part of it.
    pub tags: Vec<String>,
}

/// An input object whose rows a table holds, as far as appends are concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// Its full name.
    pub url: String,
    /// Its version.
    pub etag: Option<String>,
}

/// Says that the record before is void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Void {
    /// The number of the void record, one less than its own.
    pub voids: u64,
    /// The run that is lost.
    pub run: RunId,
    /// Every key of the void record, to be deleted.
    pub keys: Vec<String>,
}

impl Output {
    /// Whether both write or replace a partition of the same table.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.table == other.table && (self.touches(other) || other.touches(self))
    }

    /// Whether what this output writes or replaces reaches into what the other one writes or replaces.
    fn touches(&self, other: &Self) -> bool {
        let common = |output: &Self| self.written.intersection(&output.written).next().is_some();
        match (&self.replaces, &other.replaces) {
            (Replaces::Table, Replaces::Table | Replaces::Window(_)) => true,
            (Replaces::Table, Replaces::Append) => !other.written.is_empty(),
            (Replaces::Window(window), Replaces::Window(other_window)) => {
                window.overlaps(other_window) || common(other)
            }
            (Replaces::Window(window), _) => {
                common(other) || other.written.iter().any(|written| window.contains(written))
            }
            (Replaces::Append, _) => common(other),
        }
    }
}

impl Run {
    /// Whether both write or replace a partition of a table, give one table different columns, or consume an input.
    #[must_use]
    pub fn conflicts(&self, other: &Self) -> bool {
        let outputs = self.outputs.iter().any(|mine| {
            other.outputs.iter().any(|theirs| {
                mine.overlaps(theirs)
                    || (mine.table == theirs.table && mine.columns != theirs.columns)
            })
        });
        let consumed = self
            .consumed
            .iter()
            .any(|mine| other.consumed.iter().any(|theirs| mine.url == theirs.url));
        outputs || consumed
    }

    /// All parts of all tables.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.outputs.iter().flat_map(|output| &output.parts)
    }

    /// Whether it replaced all tables and says what they now hold: what was consumed before counts no more. A record of an older
    /// binary that replaced all tables lists nothing, so what was consumed before it still counts.
    #[must_use]
    pub fn starts_over(&self) -> bool {
        let whole = |output: &Output| output.replaces == Replaces::Table;
        !self.consumed.is_empty() && self.outputs.iter().all(whole)
    }

    /// Whether it only added parts.
    #[must_use]
    pub fn appends(&self) -> bool {
        let appends = |output: &Output| output.replaces == Replaces::Append;
        !self.outputs.is_empty() && self.outputs.iter().all(appends)
    }
}

impl Record {
    /// The record of a run.
    #[must_use]
    pub fn run(number: u64, run: Run) -> Self {
        Self {
            format: FORMAT,
            number,
            entry: Entry::Run(run),
        }
    }

    /// The record that voids the run of `number - 1`.
    #[must_use]
    pub fn void(number: u64, run: &Run) -> Self {
        Self {
            format: FORMAT,
            number,
            entry: Entry::Void(Void {
                voids: number - 1,
                run: run.run.clone(),
                keys: run.parts().map(|part| part.key.clone()).collect(),
            }),
        }
    }

    /// The run, unless it is a void.
    #[must_use]
    pub fn as_run(&self) -> Option<&Run> {
        match &self.entry {
            Entry::Run(run) => Some(run),
            Entry::Void(_) => None,
        }
    }

    /// Whether it voids record `number`.
    #[must_use]
    pub fn voids(&self, number: u64) -> bool {
        matches!(&self.entry, Entry::Void(void) if void.voids == number)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// `Failed` for a defect: a record can always be written as JSON.
    pub fn to_bytes(&self) -> Result<Bytes> {
        let bytes = serde_json::to_vec(self).context(ErrorKind::Failed, "cannot write a record")?;
        Ok(bytes.into())
    }

    /// Reads the record of a number.
    ///
    /// # Errors
    /// `Failed` for what is no record of this number, or of a format that this binary does not know.
    pub fn from_bytes(number: u64, bytes: &[u8]) -> Result<Self> {
        let damaged = |what: String| {
            Error::new(
                ErrorKind::Failed,
                format!("record {number} of the log {what}"),
            )
        };
        let format: FormatVersion = serde_json::from_slice(bytes)
            .map_err(|error| damaged("cannot be read".to_owned()).caused_by(error))?;
        if format.format > FORMAT {
            let message = format!("has format {}, this binary reads {FORMAT}", format.format);
            return Err(damaged(message).hint("use a newer drivetrain"));
        }
        let record: Self = serde_json::from_slice(bytes)
            .map_err(|error| damaged("cannot be read".to_owned()).caused_by(error))?;
        if record.number == number {
            Ok(record)
        } else {
            Err(damaged(format!("says that it is {}", record.number)))
        }
    }
}

/// What every format begins with.
#[derive(Deserialize)]
struct FormatVersion {
    format: u32,
}
