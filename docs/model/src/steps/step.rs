//! The list of steps, with their numbers in the document.

use std::fmt;

/// The step that a process takes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Step {
    /// It has not begun.
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
    /// Lists a table whose log it has read, for the versions of its parts.
    ListParts,
    /// Looks in the log for a record that answers for its run.
    FindRun,
    /// Decides what it aims at, consumes and deletes.
    Aim,
    /// Opens the uploads of its parts and sends their bytes.
    OpenUploads,
    /// Puts the record, create-only.
    PutRecord,
    /// Reads the record at its number after any answer but success.
    ReadBack,
    /// Reads all records from its number on.
    ReadFound,
    /// Finishes the publish of the last of them.
    FinishFound,
    /// Aborts its uploads because another attempt has committed its run.
    AbortAfterSame,
    /// Aborts its uploads because another run conflicts.
    AbortAfterConflict,
    /// Aborts its uploads because what it was built on, or its own record, is void.
    AbortAndStartAgain,
    /// Aims at the number after the records that came first.
    TakeNextNumber,
    /// Completes an upload of the record.
    Complete,
    /// Looks at the key of a part.
    Look,
    /// Aborts the uploads of the record.
    AbortAll,
    /// Looks at the keys of all parts once more.
    LookAgain,
    /// Looks at the record's mark.
    ReadMark,
    /// Reads the next record.
    ReadNext,
    /// Puts the record that voids this one, create-only.
    PutVoid,
    /// Deletes a key that the record replaces, or that a void record takes back.
    Delete,
    /// Puts the record's mark.
    PutMark,
    /// Lists the attempts that are old and reads which of them are in a record.
    ListAttempts,
    /// Aborts an upload of an attempt that was in no record.
    RemoveUploads,
    /// Aborts its uploads because it has received a stop before its put.
    StopBeforePut,
    /// Reads its number once more because it has received a stop after its put was sent.
    LastLook,
    /// It has ended.
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
