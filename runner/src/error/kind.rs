//! Classes of failures, by what a caller can do about them.

use serde::{Deserialize, Serialize};

/// The class of a failure, by what a caller can do about it. Each kind has one ASL error name, and one exit code, which
/// kinds can share (see [`exit`](crate::error::exit)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum ErrorKind {
    /// Only a change outside the process helps: a permission, a full disk, a bug.
    Failed,
    /// The work needs more memory than the limit or the system allows.
    OutOfMemory,
    /// The command line, a job folder or a setting is wrong.
    Usage,
    /// A prefix, bucket or file to read is missing.
    InputMissing,
    /// The data breaks its contract, or a check failed.
    QualityGate,
    /// Another run, or an object that no run wrote, conflicts with this run.
    Conflict,
    /// The same command may succeed later.
    TryAgain,
    /// The node that the run works on is about to end.
    NodeLost,
    /// The run was stopped before it committed anything.
    Cancelled,
}
