//! The command line: every verb and flag with its help, and the functions that turn flags into settings.

mod arguments;
mod machines;
mod settings;

pub use arguments::{
    BadRowAction, CheckArgs, Cli, Command, EngineArgs, GenerateArgs, JobsArgs, LocalArgs, LogArgs,
    NewCommand, NewJobArgs, NewMachineArgs, OutputFormat, PlanArgs, QueryArgs, QueryFormat,
    RequestArgs, RunArgs, VacuumArgs,
};
pub use machines::{Level, MocksArgs, MocksFormat, SimulateArgs, TestArgs, TestStateArgs};
