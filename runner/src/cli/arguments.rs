//! The command line: every verb and flag, with its help.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::machines::{MachineKind, MocksArgs, SimulateArgs, TestArgs, TestStateArgs};
use crate::sink::parquet::file_settings::Codec;
use crate::terminal::printer::AnswerFormat;

/// Runs data pipelines without Spark: raw CSV in, partitioned Parquet out, committed exactly once.
#[derive(Debug, Parser)]
#[command(
    name = "drivetrain",
    version,
    max_term_width = 110,
    disable_help_subcommand = true
)]
pub struct CommandLine {
    /// Verb that the user has chosen.
    #[command(subcommand)]
    pub command: Command,
    /// Logs more on standard error: `-v` adds this program's debug messages, `-vv` also those of its libraries.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Format of the result; nothing else is printed on standard output.
    #[arg(long, global = true, value_enum, default_value_t = AnswerFormat::Text, value_name = "FORMAT")]
    pub output_format: AnswerFormat,
}

impl ValueEnum for AnswerFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.help()))
    }
}

/// A verb of the command line, with its flags.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the bundled pipeline on this machine: generates sample data, runs three jobs, answers four questions.
    #[command(
        after_long_help = "Example:\n  drivetrain local\n  drivetrain local --data ./mine   # raw data in ./mine/raw"
    )]
    Local(LocalArgs),
    /// Runs one job: reads and checks its inputs, computes its tables, commits them.
    #[command(
        after_long_help = "Example:\n  drivetrain run rental_facts --input s3://raw-bucket/tenant-1 --output s3://lake/tenant-1\n  drivetrain run ./my-job --input ./data --output ./data/processed --param from=2024-01-01 --param to=2024-01-31"
    )]
    Run(RunArgs),
    /// Shows what a run would read, write and replace; writes nothing.
    #[command(
        after_long_help = "Example:\n  drivetrain plan rental_facts --input ./data --output ./data/processed"
    )]
    Plan(PlanArgs),
    /// Runs an SQL query on the published tables.
    #[command(
        after_long_help = "Example:\n  drivetrain query \"select brand, sum(total_revenue) from brand_metrics group by brand\" --output ./drivetrain-data/processed"
    )]
    Query(QueryArgs),
    /// Lists the bundled jobs, or shows the contract of one job in full.
    #[command(after_long_help = "Example:\n  drivetrain jobs\n  drivetrain jobs rental_facts")]
    Jobs(JobsArgs),
    /// Creates a folder with a new job or a new state machine to start from.
    #[command(subcommand)]
    New(NewCommand),
    /// Finds every error in jobs and state machines, with file, line and column.
    #[command(
        after_long_help = "Example:\n  drivetrain check ./my-job\n  drivetrain check orders.asl.json --type EXPRESS\n  drivetrain check . --output-format sarif   # all jobs and machines below, for code scanning\n\nThe exit code is 2 if there are errors, otherwise 0, even if there are warnings."
    )]
    Check(CheckArgs),
    /// Runs a state machine offline: tasks have mocked answers, waits take no time.
    #[command(
        after_long_help = "Example:\n  drivetrain simulate orders.asl.json --input order.json --mocks mocks.json --case SecondTry\n  drivetrain simulate orders.asl.json --input '{\"id\": 7}' --s3 reports=./reports --show-data\n\nThe exit code is 0 if the execution succeeds, 1 if it fails, times out or is stopped, 2 if the definition has errors or a task call has no mocked answer. Ctrl-C stops the execution; the states so far are shown."
    )]
    Simulate(SimulateArgs),
    /// Runs test cases of state machines, and lists the states, choices, retriers and catchers that no case reached.
    #[command(
        after_long_help = "Example:\n  drivetrain test ./machines --junit report.xml\n\nA test case is a file `<machine>.<name>.case.json` beside `<machine>.asl.json`:\n  {\"input\": {\"id\": 7}, \"mocks\": {\"Charge\": {\"0\": {\"Return\": {\"paid\": true}}}}, \"expect\": {\"output_at\": {\"$.paid\": true}}}\n\nThe exit code is 0 if all cases pass, 1 if one fails, and 2 if a case or a definition has errors; then no case is run."
    )]
    Test(TestArgs),
    /// Runs one attempt of a single state, and shows its output or error; `--level DEBUG` adds the data of every step.
    #[command(
        after_long_help = "Example:\n  drivetrain test-state orders.asl.json --state Charge --input '{\"id\": 7}' --mock '{\"result\": {\"paid\": true}}' --level DEBUG\n  drivetrain test-state --request request.json   # the TestState API's request object in, its response object out\n\nA mock may have a `fieldValidationMode` (STRICT, PRESENT, NONE), but `drivetrain` never compares the mock's result with the shapes of AWS's APIs, which it does not know.\n\nThe exit code is 0 if the state succeeds or a retrier or catcher matches its error, 1 if none matches, 2 if the request is invalid."
    )]
    TestState(Box<TestStateArgs>),
    /// Creates mocks or a test case from the recorded history of an execution.
    #[command(
        after_long_help = "Example:\n  aws stepfunctions get-execution-history --execution-arn arn:aws:states:.. > history.json\n  drivetrain mocks --from-history history.json --definition orders.asl.json --name orders --case LastNight --out mocks.json\n  drivetrain mocks --from-history history.json --format case --out orders.last-night.case.json"
    )]
    Mocks(MocksArgs),
    /// Lists a job's runs, newest last.
    #[command(
        after_long_help = "Example:\n  drivetrain runs rental_facts --output s3://lake/tenant-1"
    )]
    Runs(LogArgs),
    /// Finishes publishing a run that was interrupted after its commit.
    #[command(
        after_long_help = "Example:\n  drivetrain repair rental_facts --output s3://lake/tenant-1"
    )]
    Repair(LogArgs),
    /// Registers the tables of a job in a catalog, as the job's log has them now.
    #[command(
        after_long_help = "Example:\n  drivetrain register rental_facts --output s3://lake/tenant-1 --catalog file:./catalog"
    )]
    Register(RegisterArgs),
    /// Removes the leftovers of attempts that never committed.
    #[command(
        after_long_help = "Example:\n  drivetrain vacuum rental_facts --output s3://lake/tenant-1 --quarantine-older-than 90d"
    )]
    Vacuum(VacuumArgs),
    /// Generates sample data of any size; the same size, seed and share of bad rows always give the same data.
    #[command(
        after_long_help = "Example:\n  drivetrain generate --rentals 1000000 --seed 7 --dirt 0.005 --out ./data"
    )]
    Generate(GenerateArgs),
}

/// Flags of `local`.
#[derive(Debug, Args)]
pub struct LocalArgs {
    /// Folder for the raw data (DIR/raw) and the tables (DIR/processed).
    #[arg(long, value_name = "DIR", default_value = "./drivetrain-data")]
    pub data: PathBuf,
    /// Flags that shape the tables and limit resources.
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The job, the folders of its inputs and outputs, and its settings.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Catalog in which the tables are registered after the run: `file:<folder>`.
    #[arg(long, value_name = "CATALOG")]
    pub register: Option<String>,
    /// Flags of the registration.
    #[command(flatten)]
    pub registration: RegistrationArgs,
    /// Flags for the task of a state machine that waits for the run.
    #[command(flatten)]
    pub task: TaskArgs,
}

/// Flags of a registration in a catalog.
#[derive(Debug, Args)]
pub struct RegistrationArgs {
    /// Action if the columns of a registered table have changed.
    #[arg(long, value_enum, value_name = "ACTION", default_value_t = SchemaChangeAction::Fail)]
    pub schema_change: SchemaChangeAction,
    /// Takes over a table at the same location that another tool has made, such as a crawler.
    #[arg(long)]
    pub adopt: bool,
}

/// Action if the columns of a registered table have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaChangeAction {
    /// Fails the registration.
    Fail,
    /// Adds new columns, and keeps columns that are gone as NULL; a column whose type has changed still fails.
    Add,
}

/// Flags of `register`.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Name of a bundled job, or folder or URL of your own job.
    pub job: String,
    /// Folder or URL above the tables: the `--output` of the runs.
    #[arg(long, value_name = "URL")]
    pub output: String,
    /// Catalog in which the tables are registered: `file:<folder>`.
    #[arg(long, value_name = "CATALOG")]
    pub catalog: String,
    /// Flags of the registration.
    #[command(flatten)]
    pub registration: RegistrationArgs,
}

/// Flags for the task of a state machine that waits for the run.
#[derive(Args)]
pub struct TaskArgs {
    /// Token of the Step Functions task that waits for the run; `-` reads standard input [default: the variable
    /// `DRIVETRAIN_TASK_TOKEN`]. A small parent process sends heartbeats, and answers the task once.
    #[arg(long, value_name = "TOKEN")]
    pub task_token: Option<String>,
    /// File that contains the task token; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "task_token")]
    pub task_token_file: Option<PathBuf>,
    /// Time from one heartbeat to the next, such as `30s` or `1m`.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub heartbeat: String,
    /// Time after which the run stops if no heartbeat was answered: the `HeartbeatSeconds` of the task.
    #[arg(long, value_name = "DURATION", default_value = "600s")]
    pub heartbeat_timeout: String,
    /// Time after which a run with a token stops if no row, byte or request was counted.
    #[arg(long, value_name = "DURATION", default_value = "30m")]
    pub stall_timeout: String,
    /// Do the work in the process that answers the task. If it is killed, the task is not answered.
    #[arg(long)]
    pub no_supervise: bool,
    /// Standard input is the pipe of the process that answers the task; drivetrain itself passes this flag.
    #[arg(long, hide = true)]
    pub supervised: bool,
}

/// Omits the token, so that no log contains it.
impl std::fmt::Debug for TaskArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskArgs")
            .field("task_token_file", &self.task_token_file)
            .field("heartbeat", &self.heartbeat)
            .field("heartbeat_timeout", &self.heartbeat_timeout)
            .field("stall_timeout", &self.stall_timeout)
            .field("no_supervise", &self.no_supervise)
            .field("supervised", &self.supervised)
            .finish_non_exhaustive()
    }
}

/// Flags of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The job, the folders of its inputs and outputs, and its settings.
    #[command(flatten)]
    pub request: RequestArgs,
}

/// Flags that `run` and `plan` share.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Name of a bundled job, or folder or URL of your own job.
    pub job: String,
    /// Folder or URL above the raw data: a dataset's files are in `<URL>/raw/<dataset>/`.
    #[arg(long, value_name = "URL")]
    pub input: Option<String>,
    /// Folder or URL above the tables: a table is published in `<URL>/<job>/<table>/`.
    #[arg(long, value_name = "URL")]
    pub output: String,
    /// Sets a parameter of the job; may be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Runs the job even if a run with the same inputs and settings is already committed.
    #[arg(long)]
    pub force: bool,
    /// Deletes the objects in the tables' folders that no run wrote; without this flag, the run fails if there are any.
    #[arg(long)]
    pub replace_foreign: bool,
    /// Also runs the check with this name, even if the job has set `enabled = false` for it; may be repeated.
    #[arg(long = "check", value_name = "NAME")]
    pub checks: Vec<String>,
    /// Flags that shape the tables and limit resources.
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// Flags that shape the tables and limit resources.
#[derive(Clone, Debug, Args)]
pub struct EngineArgs {
    /// Action for rows that break the contract.
    #[arg(long, value_enum, default_value_t = BadRowAction::Quarantine, value_name = "ACTION")]
    pub on_bad_row: BadRowAction,
    /// Share of a dataset's lines, 0 to 1, that may be rejected before the run fails.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    pub max_rejected: f64,
    /// Compression of Parquet pages: none, snappy, zstd or gzip.
    #[arg(long, value_name = "CODEC", default_value = "zstd")]
    pub compression: Codec,
    /// Size at which a Parquet file is closed and the next one is started.
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub file_size: String,
    /// Maximum number of rows in a Parquet row group.
    #[arg(long, value_name = "ROWS", default_value_t = 1 << 20)]
    pub row_group_rows: usize,
    /// Memory limit for processing data: a size such as `2GiB`, or a share such as `45%` of the container's or the
    /// machine's memory, on EMR without what other processes hold [default: 70%].
    #[arg(long, value_name = "SIZE")]
    pub memory_limit: Option<String>,
    /// Number of threads that process data [default: one per processor].
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Folder for data that does not fit into memory [default: on EMR the largest disk for data, elsewhere the system's
    /// folder for temporary files].
    #[arg(long, value_name = "DIR")]
    pub spill_dir: Option<PathBuf>,
}

/// Action for a row that breaks the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BadRowAction {
    /// Writes bad rows to the quarantine; the run fails if their share is above `--max-rejected`.
    Quarantine,
    /// Fails the run at the first bad row.
    Fail,
}

/// Flags of `query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// SQL query; tables are named `table`, or `job.table` if two jobs have a table of the same name.
    pub sql: String,
    /// Folder or URL above the tables: the `--output` of the runs.
    #[arg(long, value_name = "URL", required_unless_present = "catalog")]
    pub output: Option<String>,
    /// Catalog of the tables, in place of `--output`: `file:<folder>`.
    #[arg(long, value_name = "CATALOG", conflicts_with = "output")]
    pub catalog: Option<String>,
    /// Format of the rows [default: table on a terminal, csv elsewhere, json with `--output-format json`].
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<QueryFormat>,
    /// Memory limit of the query: a size such as `2GiB`, or a share such as `45%` of the container's or the machine's
    /// memory, on EMR without what other processes hold [default: 70%].
    #[arg(long, value_name = "SIZE")]
    pub memory_limit: Option<String>,
}

/// Format of a query's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// Table with aligned columns.
    Table,
    /// CSV (RFC 4180) with a header; NULL is an empty field.
    Csv,
    /// One JSON object per line; NULL fields are omitted.
    Json,
    /// One Parquet file.
    Parquet,
}

/// Flags of `jobs`.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Name of a bundled job, or folder or URL of your own job [default: lists the bundled jobs].
    pub name: Option<String>,
}

/// Kind of folder that `new` creates.
#[derive(Debug, Subcommand)]
pub enum NewCommand {
    /// Creates a working job folder: contract, SQL and sample data.
    #[command(
        after_long_help = "Example:\n  drivetrain new job trips\n  drivetrain new job trips --from ./trips.csv"
    )]
    Job(NewJobArgs),
    /// Creates a working state machine: definition, input, mocks and test cases.
    #[command(after_long_help = "Example:\n  drivetrain new machine orders")]
    Machine(NewMachineArgs),
}

/// Flags of `new job`.
#[derive(Debug, Args)]
pub struct NewJobArgs {
    /// Path of the new folder. The folder's name is also the job's name: lower-case letters, digits, underscores.
    pub name: String,
    /// CSV or Parquet file to draft the contract from.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// Flags of `new machine`.
#[derive(Debug, Args)]
pub struct NewMachineArgs {
    /// Path of the new folder. The folder's name is also the state machine's name: letters, digits, `-` and `_`.
    pub name: String,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// File that defines a state machine, folder that contains jobs and state machines, or name or URL of a job.
    pub path: String,
    /// Type of all checked state machines.
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t = MachineKind::Standard, ignore_case = true)]
    pub machine_type: MachineKind,
}

/// Flags of the verbs that read a job's log.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Name, folder or URL of the job.
    pub job: String,
    /// Folder or URL above the tables: the `--output` of the runs.
    #[arg(long, value_name = "URL")]
    pub output: String,
}

/// Flags of `vacuum`.
#[derive(Debug, Args)]
pub struct VacuumArgs {
    /// The job, and the folder or URL above its tables.
    #[command(flatten)]
    pub log: LogArgs,
    /// Also deletes quarantined rows that are older than this age, such as `90d`, `12h` or `30m`.
    #[arg(long, value_name = "AGE")]
    pub quarantine_older_than: Option<String>,
}

/// Flags of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Number of rentals; the other datasets are sized to match.
    #[arg(long, value_name = "N", default_value_t = 20_080)]
    pub rentals: u64,
    /// Seed of the random data; a different seed gives different data.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Share of each dataset's lines, 0 to 0.5, that break the contract.
    #[arg(long, value_name = "SHARE", default_value = "0")]
    pub dirt: String,
    /// Folder or URL above the raw data: a dataset's files are written to `<URL>/raw/<dataset>/`.
    #[arg(long, value_name = "URL")]
    pub out: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
