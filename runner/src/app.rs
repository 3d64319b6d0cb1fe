//! The path from a command line to an exit code.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use crate::cli::{
    Command, CommandLine, InvalidCommandLine, NewCommand, Parsed, TaskArgs, hide_token, parse,
};
use crate::commands;
use crate::commands::simulate::Unanswered;
use crate::error::{Error, ErrorKind, Failure, Result, exit, printable};
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::sql::threads::run_on_threads;
use crate::terminal::print;
use crate::terminal::printer::{Answer, Printer, Verdict};
use crate::terminal::stderr::{AboveBar, flush, note};

/// The longest wait for the last texts on standard error, if a thread of its own writes them.
const LAST_TEXTS: Duration = Duration::from_secs(1);

/// Parses the command line, runs the verb, prints its answer or its failure once, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let hidden = hide_token();
    let cli = match parse() {
        Parsed::CommandLine(cli) => *cli,
        Parsed::Invalid(invalid) => {
            answer_task(&invalid);
            Printer::new(invalid.format).print_failure(&failed(&invalid.error, None));
            invalid.exit()
        }
    };
    begin_logging(cli.verbose);
    if let Err(error) = hidden {
        tracing::warn!(cause = %error, "the task token stays in the arguments or the environment of this process");
    }
    let printer = Printer::new(cli.output_format);
    let ended = run(&cli, printer).and_then(|answer| Ok(printer.print(&answer)?));
    let code = match ended {
        Ok(verdict) => exit_code(verdict),
        Err(failure) => {
            failure.print(printer);
            ExitCode::from(exit::code(failure.error.kind()))
        }
    };
    flush(LAST_TEXTS);
    code
}

/// Answers the task that waits for a run, if there is one, with the error of an invalid command line. A failure to do so
/// is printed and changes nothing.
fn answer_task(invalid: &InvalidCommandLine) {
    let Some(task) = &invalid.task else {
        return;
    };
    begin_logging(0);
    refuse(task, &invalid.error);
}

/// Answers the task that waits for a run, if there is one, with a usage error. A failure to do so is printed and changes
/// nothing.
fn refuse(task: &TaskArgs, usage: &Error) {
    if let Err(error) = commands::run::refuse(task, usage) {
        note(&format!("error: cannot answer the task: {error}"));
    }
}

/// Runs the verb that the command line names.
fn run(cli: &CommandLine, printer: Printer) -> Result<Answer, FailedVerb> {
    if cli.output_format.is_only_for_findings() && !matches!(cli.command, Command::Check(_)) {
        let error = cli.output_format.unsupported();
        if let Command::Run(args) = &cli.command {
            refuse(&args.task, &error);
        }
        return Err(error.into());
    }
    match &cli.command {
        Command::Local(args) => Ok(run_on_threads(
            args.engine.threads,
            commands::local::local(args, printer),
        )?),
        Command::Run(args) => Ok(commands::run::run(args)?),
        Command::Plan(args) => on_threads(args.request.engine.threads, commands::plan::plan(args)),
        Command::Query(args) => on_threads(None, commands::query::query(args, printer)),
        Command::Jobs(args) => on_threads(None, commands::jobs::jobs(args)),
        Command::Runs(args) => on_threads(None, commands::runs::runs(args)),
        Command::Register(args) => on_threads(None, commands::register::register(args)),
        Command::Repair(args) => on_threads(None, commands::repair::repair(args)),
        Command::Vacuum(args) => on_threads(None, commands::vacuum::vacuum(args)),
        Command::Generate(args) => on_threads(None, commands::generate::generate(args)),
        Command::Check(args) => Ok(commands::check::check(args)?),
        Command::New(NewCommand::Job(args)) => Ok(commands::new_job::new_job(args)?),
        Command::New(NewCommand::Machine(args)) => Ok(commands::new_machine::new_machine(args)?),
        Command::Simulate(args) => Ok(commands::simulate::simulate(args, printer)?),
        Command::Test(args) => Ok(commands::test::test(args)?),
        Command::TestState(args) => Ok(commands::test_state::test(args)?),
        Command::Mocks(args) => Ok(commands::mocks::mocks(args)?),
    }
}

/// Runs the work of a data verb on a new runtime with this number of threads. Verbs for state machines do not need it.
fn on_threads(
    threads: Option<usize>,
    work: impl Future<Output = Result<Answer>>,
) -> Result<Answer, FailedVerb> {
    Ok(run_on_threads(threads, work)?)
}

/// Returns the exit code for the verdict of a verb's answer: 0 if it passed, otherwise the code of `Failed` or `Usage`,
/// or the one that a child process determined.
fn exit_code(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Failed => ExitCode::from(exit::code(ErrorKind::Failed)),
        Verdict::Invalid => ExitCode::from(exit::code(ErrorKind::Usage)),
        Verdict::ByChild(code) => ExitCode::from(code),
    }
}

/// Starts logging: always warnings and errors; with `-v` also debug events of this crate, with `-vv` those of all
/// crates.
fn begin_logging(verbose: u8) {
    let filter = match verbose {
        // After a warning, `aws_config` returns an error that says the same.
        0 => "warn,aws_config=off",
        1 => "warn,aws_config=off,drivetrain_runner=debug",
        _ => "debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(|| AboveBar)
        .with_target(false)
        .init();
}

/// The failure of a verb, with the output that still has to be printed.
struct FailedVerb {
    /// The error that ends the process.
    error: Error,
    /// The report of the run that failed; only the JSON output shows it. `None` if the verb runs no job, or if the
    /// failure has no report, as before the run's first attempt.
    report: Option<Box<Report>>,
    /// The text to print before the error, such as the tree of a simulated execution; `None` for JSON.
    shown: Option<String>,
}

impl From<Error> for FailedVerb {
    fn from(error: Error) -> Self {
        Self {
            error,
            report: None,
            shown: None,
        }
    }
}

impl From<FailedRun> for FailedVerb {
    fn from(FailedRun { error, report }: FailedRun) -> Self {
        Self {
            report,
            ..error.into()
        }
    }
}

impl From<Unanswered> for FailedVerb {
    fn from(Unanswered { error, shown }: Unanswered) -> Self {
        Self {
            shown,
            ..error.into()
        }
    }
}

impl FailedVerb {
    /// Prints the failure: as a JSON object if programs read the output, and always as text on standard error.
    fn print(&self, printer: Printer) {
        if let Some(shown) = &self.shown {
            print::outcome(&printable(shown));
        }
        printer.print_failure(&failed(&self.error, self.report.as_deref()));
        let failure = Failure::of(&self.error);
        note(&format!("error: {}", failure.message));
        for cause in failure.causes {
            note(&format!("  cause: {cause}"));
        }
        if let Some(hint) = failure.hint {
            note(&format!("hint: {hint}"));
        }
    }
}

/// Returns a failure as JSON: within the report of the run that failed, or alone if there is no report.
fn failed(error: &Error, report: Option<&Report>) -> Value {
    let failure = Failure::of(error);
    match report {
        None => json!({ "status": "failed", "error": failure }),
        Some(report) => {
            let mut report = report.clone();
            report.error = Some(failure);
            json!(report)
        }
    }
}
