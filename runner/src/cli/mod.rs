//! The command line: every verb and flag, with its help.

mod arguments;
mod machines;

pub use arguments::{
    CheckArgs, Cli, Command, EngineArgs, GenerateArgs, JobsArgs, LocalArgs, LogArgs, NewCommand,
    NewJobArgs, NewMachineArgs, OutputFormat, QueryArgs, QueryFormat, RunArgs, VacuumArgs,
};
pub use machines::{
    Level, MachineKind, MocksArgs, MocksFormat, SimulateArgs, TestArgs, TestStateArgs,
};
