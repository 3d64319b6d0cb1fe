//! The content of a log: records of runs, and records that void them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commit::partition::{Partition, Window};
use crate::commit::table_columns::Columns;
use crate::error::{Context, Error, ErrorKind, Result};

/// The version of the log's format that this binary writes. This binary refuses a log with a higher version.
pub const FORMAT: u32 = 1;

/// The id of a run: a hash of everything that its output depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub(super) String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of one attempt at a run: random, never used twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptId(pub(super) String);

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One numbered entry of a job's log; it is never changed or deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the log's format in which the record is written.
    pub format: u32,
    /// The record's number, from 1 without gaps.
    pub number: u64,
    /// A committed run, or the void of the previous record.
    #[serde(flatten)]
    pub entry: Entry,
}

/// The event that a record states: the commit of a run, or the loss of a committed run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A run was committed; its publish is possibly unfinished.
    Run(Run),
    /// The previous record is void: its uploads were lost before they were published.
    Void(Void),
}

/// A committed run: the files that it adds and deletes, and the inputs that it consumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The id of the run; a retry of the run has the same id.
    pub run: RunId,
    /// The attempt that committed the run.
    pub attempt: AttemptId,
    /// The effect of the run on each table of the job.
    pub outputs: Vec<Output>,
    /// Input objects that no later append may read again. A run that appends, or that replaces all tables, lists the
    /// objects that it read. In records of older binaries, only runs that append list them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumed: Vec<Consumed>,
    /// Data that the caller stores with the run, such as counts and versions.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub summary: Value,
}

/// The effect of a run on one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The name of the table, which is unique within the job.
    pub table: String,
    /// The columns and types that the run wrote.
    pub columns: Columns,
    /// The rows of the table that the run replaced.
    pub replaces: Replaces,
    /// The partitions to which the run added parts.
    pub written: BTreeSet<Partition>,
    /// The parts that the run added.
    pub parts: Vec<Part>,
    /// The keys of the objects that the publish of the run deletes.
    pub deletes: Vec<String>,
    /// The sums of parts that earlier runs wrote without them, by the key of the part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums_of_older_parts: BTreeMap<String, Sums>,
}

/// The rows of a table that a run replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replaces {
    /// All rows of the table, so every existing part is deleted.
    Table,
    /// All rows of the partitions in a window, even if the run writes no rows to them.
    Window(Window),
    /// No rows; the run only adds parts.
    Append,
}

/// One file of a table, and the upload that becomes the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The key of the file, relative to the output root.
    pub key: String,
    /// The size of the file in bytes. A publish compares it with the size of the object at `key`.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// The number of rows in the file.
    pub rows: u64,
    /// The partition that the file belongs to.
    pub partition: Partition,
    /// The sums of columns over the rows of the file, by column.
    #[serde(default, skip_serializing_if = "Sums::is_empty")]
    pub sums: Sums,
    /// The upload that becomes the file.
    pub upload: Upload,
}

/// The sums of columns, by column name, as decimal text: exact whatever the reader's numbers are.
pub type Sums = BTreeMap<String, String>;

impl Part {
    /// Parses the key to the path type that stores take.
    ///
    /// # Errors
    /// `Failed` for a record with an invalid key.
    pub fn path(&self) -> Result<Path> {
        path(&self.key)
    }
}

/// Parses the key of an object to the path type that stores take.
pub(super) fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(object_store::Error::from).context(
        ErrorKind::Failed,
        format!("the name `{key}`, from the log or from a folder of the contract, is not a valid object name"),
    )
}

/// An upload that any process can complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id that the store gave the upload.
    pub id: String,
    /// The tag that the store returned for each piece, in order; the completion must send the tags back.
    pub tags: Vec<String>,
}

/// An input object that later appends must not read again, because a table already holds its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// The URL of the object, so that objects of different stores with the same key are distinct.
    pub url: String,
    /// The ETag of the version that was read; `None` if the store gave it none.
    pub etag: Option<String>,
}

/// The content of a record that voids the previous one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Void {
    /// The number of the voided record, one less than this record's.
    pub voids: u64,
    /// The id of the run that the voided record committed.
    pub run: RunId,
    /// The keys of all parts of the voided record. The publish of this void deletes them.
    pub keys: Vec<String>,
}

impl Output {
    /// Returns `true` if both outputs write or replace a common partition of the same table.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.table == other.table && (self.touches(other) || other.touches(self))
    }

    /// Returns `true` if this output writes or replaces a partition that `other` wrote or replaced. It does not
    /// consider every partition that `other` replaces, so [`Self::overlaps`] calls it in both directions.
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
    /// Returns `true` if both runs write or replace a common partition, give one table different columns, or consume
    /// the same input.
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

    /// Returns the parts that the run added to its tables, table by table.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.outputs.iter().flat_map(|output| &output.parts)
    }

    /// Returns `true` if the run replaced all tables and lists the inputs whose rows the tables now hold. Inputs that
    /// earlier appends consumed then no longer count as consumed.
    ///
    /// A record of an older binary that replaced all tables lists no inputs, so inputs that earlier runs consumed still
    /// count.
    #[must_use]
    pub fn starts_over(&self) -> bool {
        let whole = |output: &Output| output.replaces == Replaces::Table;
        !self.consumed.is_empty() && self.outputs.iter().all(whole)
    }

    /// Returns `true` if the run replaced no rows of any table and only added parts.
    #[must_use]
    pub fn appends(&self) -> bool {
        let appends = |output: &Output| output.replaces == Replaces::Append;
        !self.outputs.is_empty() && self.outputs.iter().all(appends)
    }
}

impl Record {
    /// Builds record `number`, which commits a run.
    #[must_use]
    pub fn run(number: u64, run: Run) -> Self {
        Self {
            format: FORMAT,
            number,
            entry: Entry::Run(run),
        }
    }

    /// Builds the record that voids the run of record `number - 1`.
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

    /// Returns the run that the record commits; `None` for a record that voids another.
    #[must_use]
    pub fn as_run(&self) -> Option<&Run> {
        match &self.entry {
            Entry::Run(run) => Some(run),
            Entry::Void(_) => None,
        }
    }

    /// Returns `true` if this record voids record `number`.
    #[must_use]
    pub fn voids(&self, number: u64) -> bool {
        matches!(&self.entry, Entry::Void(void) if void.voids == number)
    }

    /// Writes the record as JSON.
    ///
    /// # Errors
    /// `Failed` only because of a bug: a record can always be written as JSON.
    pub fn to_bytes(&self) -> Result<Bytes> {
        let bytes = serde_json::to_vec(self).context(
            ErrorKind::Failed,
            "a record cannot be converted to JSON; this is a bug",
        )?;
        Ok(bytes.into())
    }

    /// Reads the record with this number from its JSON.
    ///
    /// # Errors
    /// `Failed` for bytes that are not the record of this number, or have a format that this binary does not know.
    pub fn from_bytes(number: u64, bytes: &[u8]) -> Result<Self> {
        let damaged = |what: String| {
            Error::new(
                ErrorKind::Failed,
                format!("record {number} of the log {what}"),
            )
            .hint("restore the record from the bucket's versions or a backup")
        };
        let format: FormatVersion = serde_json::from_slice(bytes)
            .map_err(|error| damaged("cannot be read".to_owned()).caused_by(error))?;
        if format.format > FORMAT {
            let message = format!(
                "has format {}, but this version of drivetrain reads no format above {FORMAT}",
                format.format
            );
            return Err(damaged(message)
                .hint("use the version of drivetrain that wrote the record, or a newer one"));
        }
        let record: Self = serde_json::from_slice(bytes)
            .map_err(|error| damaged("cannot be read".to_owned()).caused_by(error))?;
        if record.number == number {
            Ok(record)
        } else {
            Err(damaged(format!(
                "has the number {} in its JSON",
                record.number
            )))
        }
    }
}

/// The one field that is in every version of the format. It is read first, to refuse a newer version.
#[derive(Deserialize)]
struct FormatVersion {
    /// The version of the log's format in which the record is written.
    format: u32,
}
