//! The one table from error kinds to exit codes and ASL error names.

use crate::error::ErrorKind;

/// Exit code, error name in a state machine, and meaning of each kind; exit code 0 is success.
pub const TABLE: [(ErrorKind, u8, &str, &str); 7] = [
    (
        ErrorKind::Failed,
        1,
        "Drivetrain.Failed",
        "failed for good: permission, disk, memory, a defect",
    ),
    (
        ErrorKind::Usage,
        2,
        "Drivetrain.Usage",
        "the command, a job folder or a setting is wrong",
    ),
    (
        ErrorKind::InputMissing,
        3,
        "Drivetrain.InputMissing",
        "a prefix, bucket or file to read is missing",
    ),
    (
        ErrorKind::QualityGate,
        4,
        "Drivetrain.QualityGate",
        "the data breaks its contract, or a check failed",
    ),
    (
        ErrorKind::Conflict,
        5,
        "Drivetrain.Conflict",
        "another run, or a foreign object, stands in the way",
    ),
    (
        ErrorKind::TryAgain,
        75,
        "Drivetrain.TryAgain",
        "the same command may succeed later",
    ),
    (
        ErrorKind::Cancelled,
        143,
        "Drivetrain.Cancelled",
        "stopped before anything was committed",
    ),
];

/// Returns the exit code of a kind.
#[must_use]
pub fn code(kind: ErrorKind) -> u8 {
    row(kind).1
}

/// Returns the error name that a state machine sees.
#[must_use]
pub fn asl_name(kind: ErrorKind) -> &'static str {
    row(kind).2
}

/// Returns the row of a kind.
fn row(kind: ErrorKind) -> &'static (ErrorKind, u8, &'static str, &'static str) {
    TABLE
        .iter()
        .find(|row| row.0 == kind)
        .expect("the table has a row for each kind")
}
