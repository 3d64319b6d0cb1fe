//! Flags of `simulate`, `test`, `test-state` and `mocks`, the verbs for state machines.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use drivetrain_statemachine::MachineType;

use crate::error::Result;
use crate::machines::buckets::handler::Buckets;
use crate::machines::simulation::MaxEvents;
use crate::machines::stand_ins::StandIns;

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// File that defines the state machine.
    pub definition: PathBuf,
    /// Input of the execution: a file, JSON, or `-` for standard input [default: `{}`].
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,
    /// Type of the state machine.
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = MachineKind::Standard, ignore_case = true)]
    pub machine_type: MachineKind,
    /// Start date of the execution, such as `2026-01-31T12:00:00Z` [default: now].
    #[arg(long, value_name = "DATE", value_parser = start_time)]
    pub start_time: Option<DateTime<Utc>>,
    /// Seed of random numbers, jitter and UUIDs.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub seed: u64,
    /// Name of the state machine in ARNs and in the mock file [default: the file's name without `.json` and `.asl`].
    #[arg(long, value_name = "NAME", value_parser = machine_name)]
    pub name: Option<String>,
    /// File with mocked answers of tasks, in the format of Step Functions Local.
    #[arg(long, value_name = "FILE")]
    pub mocks: Option<PathBuf>,
    /// Name of the case in the mock file; optional if the file has only one case for the machine.
    #[arg(long, value_name = "NAME", requires = "mocks")]
    pub case: Option<String>,
    /// Stand-ins of AWS services.
    #[command(flatten)]
    pub stand_ins: StandInArgs,
    /// Makes waits take real time; without this flag, they take no time.
    #[arg(long)]
    pub real_time: bool,
    /// Maximum number of events of the execution, or `none` for no limit [default: 25000 for STANDARD, none for
    /// EXPRESS].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_events: Option<MaxEvents>,
    /// File to write the history of the execution to, one event per line; `drivetrain mocks` can turn it into a test
    /// case.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// File to write the histories of distributed Maps' child executions to; each line is an event with `executionArn`.
    #[arg(long, value_name = "FILE")]
    pub children: Option<PathBuf>,
    /// Shows the input and output of each state.
    #[arg(long)]
    pub show_data: bool,
}

/// Parses a date with time and time zone.
fn start_time(text: &str) -> Result<DateTime<Utc>, String> {
    let date = DateTime::parse_from_rfc3339(text).map(|date| date.to_utc());
    date.map_err(|error| {
        format!("{error}; expected a date with time and time zone, such as `2026-01-31T12:00:00Z`")
    })
}

/// Parses the name of a state machine, which must follow AWS's rules.
fn machine_name(text: &str) -> Result<String, String> {
    let is_forbidden = |one: char| {
        one.is_whitespace() || one.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(one)
    };
    match text.chars().count() {
        1..=80 if !text.contains(is_forbidden) => Ok(text.to_owned()),
        _ => Err(
            "expected 1 to 80 characters, without spaces and without any of <>{}[]?*\"#%\\^|~`$&,;:/"
                .to_owned(),
        ),
    }
}

/// Flags of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Folder with test cases, or the file of one test case.
    pub path: PathBuf,
    /// File to write the results to, as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Flags of `test-state`.
#[derive(Debug, Args)]
pub struct TestStateArgs {
    /// File that defines the state, or a state machine that contains it.
    #[arg(required_unless_present = "request", conflicts_with = "request")]
    pub definition: Option<PathBuf>,
    /// Name of the state to test, if the file defines a state machine.
    #[arg(long, value_name = "NAME", conflicts_with = "request")]
    pub state: Option<String>,
    /// Input of the state: a file, JSON, or `-` for standard input [default: `{}`].
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub input: Option<String>,
    /// Variables that earlier states have assigned, as a JSON object.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub variables: Option<String>,
    /// Context object, or some of its fields, as a JSON object.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub context: Option<String>,
    /// Mocked answer, required for a Task state: `{"result": ..}` or `{"errorOutput": {"error": .., "cause": ..}}`.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub mock: Option<String>,
    /// Situation that the test assumes, such as earlier retries: a JSON object with `retrierRetryCount`,
    /// `errorCausedByState`, `mapIterationFailureCount` or `mapItemReaderData`.
    #[arg(long, value_name = "JSON", conflicts_with = "request")]
    pub configuration: Option<String>,
    /// Level of detail of the printed data.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = Level::Info, ignore_case = true, conflicts_with = "request")]
    pub level: Level,
    /// Shows the secrets of an HTTP task, which are hidden otherwise.
    #[arg(long, conflicts_with = "request")]
    pub reveal_secrets: bool,
    /// ARN of the role in the context object.
    #[arg(long, value_name = "ARN", conflicts_with = "request")]
    pub role_arn: Option<String>,
    /// File with a request of AWS's TestState API, as JSON; the response is printed as JSON of the API.
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
}

/// Level of detail of the data that a test of a state shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Level {
    /// The output or the error.
    Info,
    /// Also the data after each processing step, such as `InputPath`.
    Debug,
    /// Also the request and response of an HTTP task.
    Trace,
}

/// Flags of the stand-ins: local services that answer tasks in place of AWS services.
#[derive(Debug, Args)]
pub struct StandInArgs {
    /// Folder used in place of an S3 bucket by Map states; may be repeated.
    #[arg(long, value_name = "BUCKET=DIR")]
    pub s3: Vec<String>,
}

impl StandInArgs {
    /// Converts the flags to the stand-ins of an execution.
    ///
    /// # Errors
    /// `Usage` for a value that is not `BUCKET=DIR`; `InputMissing` for a folder that does not exist.
    pub fn resolve(&self) -> Result<StandIns> {
        Ok(StandIns {
            buckets: Buckets::parse(&self.s3)?,
        })
    }
}

/// Flags of `mocks`.
#[derive(Debug, Args)]
pub struct MocksArgs {
    /// File with the history, as `aws stepfunctions get-execution-history` prints it or `simulate --history` writes it.
    #[arg(long, value_name = "FILE")]
    pub from_history: PathBuf,
    /// File with the history of a distributed Map's child execution, or a file that `simulate --children` has written;
    /// may be repeated.
    #[arg(long, value_name = "FILE")]
    pub children: Vec<PathBuf>,
    /// File that defines the state machine; needed to order the answers if iterations ran in parallel [default: with
    /// `--format case`, the definition beside the file of `--out`].
    #[arg(long, value_name = "FILE")]
    pub definition: Option<PathBuf>,
    /// Stand-ins of AWS services.
    #[command(flatten)]
    pub stand_ins: StandInArgs,
    /// Kind of file to write.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = MocksFormat::Mocks)]
    pub format: MocksFormat,
    /// Name of the state machine in the mock file.
    #[arg(long, value_name = "NAME", default_value = "StateMachine")]
    pub name: String,
    /// Name of the case in the mock file.
    #[arg(long, value_name = "NAME", default_value = "Recorded")]
    pub case: String,
    /// File to write [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Kind of file that `mocks` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MocksFormat {
    /// Mock file in the format of Step Functions Local.
    Mocks,
    /// Test case for `drivetrain test`: input, mocks and the expected result.
    Case,
}

/// Type of a state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum MachineKind {
    /// Standard workflow: runs for up to a year.
    Standard,
    /// Express workflow: runs for up to five minutes.
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
