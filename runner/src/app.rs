//! From the command line to an exit code.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, NewCommand, OutputFormat};
use crate::commands::{self, Verdict};
use crate::error::Failure;
use crate::error::exit;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::threads::run_on_threads;
use crate::terminal::print;
use crate::terminal::stage_display::AboveBar;

/// Parses the command line, runs the verb, prints a failure once, and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    begin_logging(cli.verbose);
    match run(&cli) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            // A program reads the object, whoever looks into its log reads the text.
            if cli.output_format == OutputFormat::Json {
                print_error_json(&error);
            }
            print_error(&error);
            ExitCode::from(exit::code(error.kind()))
        }
    }
}

/// Ends the process with what is wrong with the command line (or with the help that was asked for); a program that wants JSON
/// is told in JSON too.
fn refuse(error: &clap::Error) -> ! {
    let wants_json = std::env::args().any(|word| word == "json" || word == "--output-format=json");
    if wants_json && error.use_stderr() {
        print_error_json(&usage_error(&error.render().to_string()));
    }
    error.exit()
}

/// What clap says in paragraphs: the error with the arguments it is about, a tip where it has one, the usage.
fn usage_error(text: &str) -> Error {
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        match lines.split_first() {
            Some((first, rest)) if !rest.is_empty() => format!("{first} {}", rest.join(", ")),
            _ => lines.concat(),
        }
    });
    let message = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|paragraph| Some(paragraph.strip_prefix("tip: ")?.to_owned()));
    let hint = tip.unwrap_or_else(|| "`--help` shows what goes together".to_owned());
    Error::new(ErrorKind::Usage, message.trim_start_matches("error: ")).hint(hint)
}

fn run(cli: &Cli) -> Result<Verdict> {
    let format = cli.output_format;
    let json = match (format, &cli.command) {
        (OutputFormat::Sarif, Command::Check(_)) => false,
        (OutputFormat::Sarif, _) => {
            return Err(Error::new(ErrorKind::Usage, "only `check` prints `sarif`"));
        }
        (format, _) => format == OutputFormat::Json,
    };
    match &cli.command {
        Command::Local(args) => on_threads(args.engine.threads, commands::local::local(args, json)),
        Command::Run(args) => on_threads(args.engine.threads, commands::run::run(args, json)),
        Command::Plan(args) => on_threads(args.engine.threads, commands::plan::plan(args, json)),
        Command::Query(args) => on_threads(None, commands::query::query(args, json)),
        Command::Jobs(args) => on_threads(None, commands::jobs::jobs(args, json)),
        Command::Runs(args) => on_threads(None, commands::runs::runs(args, json)),
        Command::Repair(args) => on_threads(None, commands::repair::repair(args, json)),
        Command::Vacuum(args) => on_threads(None, commands::vacuum::vacuum(args, json)),
        Command::Generate(args) => on_threads(None, commands::generate::generate(args, json)),
        Command::Check(args) => commands::check::check(args, format),
        Command::New(NewCommand::Job(args)) => {
            commands::new_job::new_job(args, json).map(|()| Verdict::Passed)
        }
        Command::New(NewCommand::Machine(args)) => commands::new_machine::new_machine(args, json),
        Command::Simulate(args) => commands::simulate::simulate(args, json),
        Command::Test(args) => commands::test::test(args, json),
        Command::TestState(args) => commands::test_state::test(args, json),
        Command::Mocks(args) => commands::mocks::mocks(args, json),
    }
}

/// Runs data work on threads of its own; what only looks at state machines must start at once.
fn on_threads(threads: Option<usize>, work: impl Future<Output = Result<()>>) -> Result<Verdict> {
    run_on_threads(threads, work).map(|()| Verdict::Passed)
}

/// Warnings and errors always; `-v` what we do, `-vv` what the libraries do too.
fn begin_logging(verbose: u8) {
    let filter = match verbose {
        // What the AWS SDK warns of comes again as the error that it leads to.
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

fn print_error(error: &Error) {
    print::note(&format!("error: {error}"));
    for cause in Failure::of(error).causes {
        print::note(&format!("  cause: {cause}"));
    }
    if let Some(hint) = error.hint_text() {
        print::note(&format!("hint: {hint}"));
    }
}

/// A failure as JSON: in the report of the run that failed, or alone where no run was begun.
fn print_error_json(error: &Error) {
    let failure = Failure::of(error);
    let object = match error.report() {
        None => serde_json::json!({ "status": "failed", "error": failure }),
        Some(report) => {
            let mut report = report.clone();
            report.error = Some(failure);
            serde_json::json!(report)
        }
    };
    // The text on standard error says the same where this cannot be written.
    print::answer(&format!("{object}\n")).ok();
}
