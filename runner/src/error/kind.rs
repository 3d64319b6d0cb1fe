//! What a caller can do about a failure.

/// What a caller can do about a failure; each kind has one exit code and one ASL error name (see [`exit`](crate::error::exit)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Nothing but a change outside helps: no permission, a full disk, too little memory, a defect.
    Failed,
    /// The command line, a job folder or a setting is wrong.
    Usage,
    /// A prefix, bucket or file to be read is not there.
    InputMissing,
    /// The data breaks its contract, or a check failed.
    QualityGate,
    /// Another run, or an object that no run wrote, stands in the way.
    Conflict,
    /// The same command may succeed later.
    TryAgain,
    /// It was stopped before it committed anything.
    Cancelled,
}
