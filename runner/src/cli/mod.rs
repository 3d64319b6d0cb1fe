//! The command line: every verb and flag with its help, and the functions that turn flags into settings.

mod arguments;
mod machines;
mod parse;
mod settings;

pub use arguments::{
    BadRowAction, CheckArgs, Command, CommandLine, EngineArgs, GenerateArgs, JobsArgs, LocalArgs,
    LogArgs, NewCommand, NewJobArgs, NewMachineArgs, PlanArgs, QueryArgs, QueryFormat, RequestArgs,
    RunArgs, VacuumArgs,
};
pub use machines::{Level, MocksArgs, MocksFormat, SimulateArgs, TestArgs, TestStateArgs};
pub use parse::{Parsed, parse};
