//! The `drivetrain` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    drivetrain_runner::app::main()
}
