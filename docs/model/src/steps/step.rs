//! The list of steps, with their numbers in `docs/commit-protocol.md`.

use std::fmt;

/// A step of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Step {
    /// No step: the process has not begun.
    #[default]
    Idle,
    /// Lists the table roots.
    ListTables,
    /// Reads the log.
    ReadLog,
    /// Finishes the publish of the last record, if it is not marked.
    FinishLast,
    /// Lists the inputs.
    ListInputs,
    /// Lists the table whose log the reader has read, to get the versions of its parts.
    ListParts,
    /// Looks in the log for a record that shows that its run is done.
    FindRun,
    /// Chooses the number of its record, the inputs that it consumes and the keys that it deletes.
    Aim,
    /// Opens the uploads of its parts and sends their bytes.
    OpenUploads,
    /// Puts its record, create-only.
    PutRecord,
    /// Reads the record at its number, after any answer to the put but success.
    ReadBack,
    /// Reads all records from its number on.
    ReadFound,
    /// Finishes the publish of the last record that it found.
    FinishFound,
    /// Aborts its uploads because another attempt has committed its run.
    AbortAfterSame,
    /// Aborts its uploads because another run conflicts.
    AbortAfterConflict,
    /// Aborts its uploads and starts again, because its own record or the record before it is void.
    AbortAndStartAgain,
    /// Chooses the number after the records that it found.
    TakeNextNumber,
    /// Completes the upload of a part of the record.
    Complete,
    /// Checks whether the object of a part exists.
    Look,
    /// Aborts the uploads of the record.
    AbortAll,
    /// Checks once more whether the objects of all parts exist.
    LookAgain,
    /// Checks whether the record is marked.
    ReadMark,
    /// Reads the next record.
    ReadNext,
    /// Puts the record that voids this one, create-only.
    PutVoid,
    /// Deletes a part that the record replaces, or a part of the run that a void record declares lost.
    Delete,
    /// Puts the record's mark.
    PutMark,
    /// Lists old attempts and determines which of them are in no record.
    ListAttempts,
    /// Aborts an upload of an old attempt that is in no record.
    RemoveUploads,
    /// Aborts its uploads because it has received a stop before its put.
    StopBeforePut,
    /// Reads the record at its number once more, because it has received a stop after it sent its put.
    LastLook,
    /// No step: the process has ended.
    Exited,
}

impl Step {
    /// Returns the step's number in `docs/commit-protocol.md`; a test compares these with the document.
    pub fn number(self) -> &'static str {
        match self {
            Self::Idle | Self::Exited => "",
            Self::ListTables => "1.1",
            Self::ReadLog => "1.2",
            Self::FinishLast => "1.3",
            Self::ListInputs => "1.4",
            Self::ListParts => "1.5",
            Self::FindRun => "2.2",
            Self::Aim => "2.3",
            Self::OpenUploads => "3.1",
            Self::PutRecord => "6.1",
            Self::ReadBack => "6.2",
            Self::ReadFound => "6.3",
            Self::FinishFound => "6.4",
            Self::AbortAfterSame | Self::AbortAfterConflict | Self::AbortAndStartAgain => "6.5",
            Self::TakeNextNumber => "6.6",
            Self::Complete => "7.1",
            Self::Look => "7.2",
            Self::AbortAll => "7.3",
            Self::LookAgain => "7.4",
            Self::ReadMark => "7.5",
            Self::ReadNext => "7.6",
            Self::PutVoid => "7.7",
            Self::Delete => "7.9",
            Self::PutMark => "7.10",
            Self::ListAttempts => "8.1",
            Self::RemoveUploads => "8.2",
            Self::StopBeforePut => "9.1",
            Self::LastLook => "9.2",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self:?}", self.number())
    }
}
