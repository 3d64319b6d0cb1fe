//! The command line: every verb and flag with its help, and the functions that turn flags into settings.

mod arguments;
mod catalog;
mod duration;
mod machines;
mod node;
mod own_command;
mod parse;
mod settings;
mod task;

pub use arguments::{
    BadRowAction, CheckArgs, Command, CommandLine, EngineArgs, GenerateArgs, JobsArgs, LocalArgs,
    LogArgs, NewCommand, NewJobArgs, NewMachineArgs, PlanArgs, QueryArgs, QueryFormat,
    RegisterArgs, RequestArgs, RunArgs, SchemaChangeAction, TaskArgs, VacuumArgs,
};
pub use catalog::catalog;
pub use duration::duration;
pub use machines::{Level, MocksArgs, MocksFormat, SimulateArgs, TestArgs, TestStateArgs};
pub use node::{asks_ec2, emr_step};
pub use own_command::{hide_token, supervised_child};
pub use parse::{InvalidCommandLine, Parsed, parse};
