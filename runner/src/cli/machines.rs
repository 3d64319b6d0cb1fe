//! The flags of the verbs around state machines.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use drivetrain_statemachine::MachineType;

use crate::machines::simulation::MaxEvents;

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The file that defines the state machine.
    pub definition: PathBuf,
    /// The input: a file, JSON itself, or `-` for standard input [default: `{}`].
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,
    /// The type of the state machine.
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = MachineKind::Standard, ignore_case = true)]
    pub machine_type: MachineKind,
    /// The date at which the execution starts, such as `2026-01-31T12:00:00Z` [default: now].
    #[arg(long, value_name = "DATE", value_parser = start_time)]
    pub start_time: Option<DateTime<Utc>>,
    /// What random numbers, jitter and UUIDs are made from.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub seed: u64,
    /// The machine's name, in ARNs and in the mock file [default: the file's, without `.json` and `.asl`].
    #[arg(long, value_name = "NAME", value_parser = machine_name)]
    pub name: Option<String>,
    /// The answers of tasks, in the format of Step Functions Local.
    #[arg(long, value_name = "FILE")]
    pub mocks: Option<PathBuf>,
    /// The case of the mock file; need not be named if there is only one.
    #[arg(long, value_name = "NAME", requires = "mocks")]
    pub case: Option<String>,
    /// The folder that Map states read from and write to instead of a bucket.
    #[arg(long, value_name = "BUCKET=DIR")]
    pub s3: Vec<String>,
    /// Lets waits take as long as they say.
    #[arg(long)]
    pub real_time: bool,
    /// How many events the execution may have, or `none` for any number [default: 25000 for a STANDARD machine].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_events: Option<MaxEvents>,
    /// Writes the execution's own history to this file, an event a line, while it runs; `mocks` makes a case of it.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Writes the histories of distributed Maps' child executions to this file, an event a line with its `executionArn`.
    #[arg(long, value_name = "FILE")]
    pub children: Option<PathBuf>,
    /// Shows each state's input and output.
    #[arg(long)]
    pub show_data: bool,
}

fn start_time(text: &str) -> Result<DateTime<Utc>, String> {
    let date = DateTime::parse_from_rfc3339(text).map(|date| date.to_utc());
    date.map_err(|error| {
        format!("{error}; expected a date with time and zone, such as `2026-01-31T12:00:00Z`")
    })
}

/// Takes what AWS takes for the name of a state machine.
fn machine_name(text: &str) -> Result<String, String> {
    let is_forbidden = |one: char| {
        one.is_whitespace() || one.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(one)
    };
    match text.chars().count() {
        1..=80 if !text.contains(is_forbidden) => Ok(text.to_owned()),
        _ => Err(
            "expected 1 to 80 characters, none of them a blank or one of <>{}[]?*\"#%\\^|~`$&,;:/"
                .to_owned(),
        ),
    }
}

/// Flags of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The folder of the cases, or one case.
    pub path: PathBuf,
    /// Writes what became of each case to this file, as JUnit's XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Flags of `test-state`.
#[derive(Debug, Args)]
pub struct TestStateArgs {
    /// The file that defines the state, or a state machine that holds it.
    #[arg(required_unless_present = "request", conflicts_with = "request")]
    pub definition: Option<PathBuf>,
    /// The state's name, in a state machine.
    #[arg(long, value_name = "NAME", conflicts_with = "request")]
    pub state: Option<String>,
    /// The state's input: a file, JSON itself, or `-` for standard input [default: `{}`].
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub input: Option<String>,
    /// The variables assigned before, an object.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub variables: Option<String>,
    /// The context object, or parts of it.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub context: Option<String>,
    /// What takes the place of the work, which a Task state needs: `{"result": ..}`, or `{"errorOutput": {"error": ..,
    /// "cause": ..}}`.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub mock: Option<String>,
    /// The situation: `retrierRetryCount`, `errorCausedByState`, `mapIterationFailureCount`, `mapItemReaderData`.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub configuration: Option<String>,
    /// How much of the way of the data is shown.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Info, ignore_case = true, conflicts_with = "request")]
    pub level: Level,
    /// Shows what an HTTP task would hide.
    #[arg(long, conflicts_with = "request")]
    pub reveal_secrets: bool,
    /// The role that the context object shows.
    #[arg(long, value_name = "ARN", conflicts_with = "request")]
    pub role_arn: Option<String>,
    /// Takes everything from the API's request object in this file, and prints the API's response object.
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
}

/// How much a test shows of the way of a state's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Level {
    /// The output, or the error.
    Info,
    /// Each step of the data as well.
    Debug,
    /// The requests of an HTTP task as well.
    Trace,
}

/// Flags of `mocks`.
#[derive(Debug, Args)]
pub struct MocksArgs {
    /// The history, as `aws stepfunctions get-execution-history` prints it or `simulate --history` writes it.
    #[arg(long, value_name = "FILE")]
    pub from_history: PathBuf,
    /// The history of a child execution of a distributed Map, which AWS keeps apart; or what `simulate --children` writes.
    #[arg(long, value_name = "FILE")]
    pub children: Vec<PathBuf>,
    /// The state machine, which tells the order of answers where iterations ran side by side [default: with `--format case`,
    /// the definition beside the case].
    #[arg(long, value_name = "FILE")]
    pub definition: Option<PathBuf>,
    /// The folder that its Map states read from instead of a bucket.
    #[arg(long, value_name = "BUCKET=DIR")]
    pub s3: Vec<String>,
    /// What is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = MocksFormat::Mocks)]
    pub format: MocksFormat,
    /// The machine's name in the mock file.
    #[arg(long, value_name = "NAME", default_value = "StateMachine")]
    pub name: String,
    /// The case's name in the mock file.
    #[arg(long, value_name = "NAME", default_value = "Recorded")]
    pub case: String,
    /// Where it is written [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What `mocks` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MocksFormat {
    /// A mock file in the format of Step Functions Local.
    Mocks,
    /// A whole case for `drivetrain test`: input, mocks, and how it ended.
    Case,
}

/// The type of a state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum MachineKind {
    /// Runs up to a year.
    Standard,
    /// Runs up to five minutes.
    Express,
}

impl From<MachineKind> for MachineType {
    fn from(kind: MachineKind) -> Self {
        match kind {
            MachineKind::Standard => Self::Standard,
            MachineKind::Express => Self::Express,
        }
    }
}
