//! The one table from error kinds to exit codes and ASL error names.

use crate::error::ErrorKind;

/// Exit code, error name in a state machine, and meaning of each kind; exit code 0 is success.
pub const TABLE: [(ErrorKind, u8, &str, &str); 9] = [
    (
        ErrorKind::Failed,
        1,
        "Drivetrain.Failed",
        "permanent failure: a permission, the disk, or a bug",
    ),
    (
        ErrorKind::OutOfMemory,
        1,
        "Drivetrain.OutOfMemory",
        "the work needs more memory than the limit or the system allows",
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
        "another run, or an object that no run wrote, conflicts with this run",
    ),
    (
        ErrorKind::TryAgain,
        75,
        "Drivetrain.TryAgain",
        "the same command may succeed later",
    ),
    (
        ErrorKind::NodeLost,
        75,
        "Drivetrain.NodeLost",
        "the node is about to end: a spot interruption or a shutdown; the same command may succeed on another",
    ),
    (
        ErrorKind::Cancelled,
        143,
        "Drivetrain.Cancelled",
        "stopped before anything was committed",
    ),
];

/// Returns the exit code of a process that fails with this kind.
#[must_use]
pub fn code(kind: ErrorKind) -> u8 {
    row(kind).1
}

/// Returns the error name that a state machine sees.
#[must_use]
pub fn asl_name(kind: ErrorKind) -> &'static str {
    row(kind).2
}

/// Returns the kind with this error name; `None` for a name that is not in [`TABLE`].
#[must_use]
pub fn kind(asl_name: &str) -> Option<ErrorKind> {
    let row = TABLE.iter().find(|row| row.2 == asl_name)?;
    Some(row.0)
}

/// Returns the row of [`TABLE`] for a kind.
fn row(kind: ErrorKind) -> &'static (ErrorKind, u8, &'static str, &'static str) {
    // A match, so that a new kind does not compile without a row.
    let index = match kind {
        ErrorKind::Failed => 0,
        ErrorKind::OutOfMemory => 1,
        ErrorKind::Usage => 2,
        ErrorKind::InputMissing => 3,
        ErrorKind::QualityGate => 4,
        ErrorKind::Conflict => 5,
        ErrorKind::TryAgain => 6,
        ErrorKind::NodeLost => 7,
        ErrorKind::Cancelled => 8,
    };
    &TABLE[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_row_and_name() {
        for row in &TABLE {
            assert_eq!(super::row(row.0), row);
            assert_eq!(kind(row.2), Some(row.0));
            let same = TABLE.iter().filter(|other| other.2 == row.2);
            assert_eq!(same.count(), 1, "{row:?}");
        }
    }
}
