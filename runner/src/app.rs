//! From the command line to an exit code.

use std::error::Error as _;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, NewCommand, OutputFormat};
use crate::commands;
use crate::display::AboveBar;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::exit;

/// Parses the command line, runs the verb, prints a failure once, and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    begin_logging(cli.verbose);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match cli.output_format {
                OutputFormat::Text => print_error(&error),
                OutputFormat::Json if error.is_told() => {}
                OutputFormat::Json => print_error_json(&error),
            }
            ExitCode::from(exit::code(error.kind()))
        }
    }
}

/// Ends the process with what is wrong with the command line (or with the help that was asked for); a program that wants JSON
/// is told in JSON too.
fn refuse(error: &clap::Error) -> ! {
    let wants_json = std::env::args().any(|word| word == "json" || word == "--output-format=json");
    if wants_json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("error: ");
        print_error_json(
            &Error::new(ErrorKind::Usage, message).hint("`--help` shows what goes together"),
        );
    }
    error.exit()
}

fn run(cli: &Cli) -> Result<()> {
    let json = cli.output_format == OutputFormat::Json;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(commands::worker_threads(&cli.command))
        .build()
        .context(ErrorKind::Failed, "cannot start the threads")?;
    let result = runtime.block_on(async {
        match &cli.command {
            Command::Local(args) => Box::pin(commands::local::local(args, json)).await,
            Command::Run(args) => Box::pin(commands::run::run(args, json)).await,
            Command::Plan(args) => commands::plan::plan(args, json).await,
            Command::Query(args) => commands::query::query(args, json).await,
            Command::Jobs(args) => commands::jobs::jobs(args, json).await,
            Command::New(NewCommand::Job(args)) => commands::new_job::new_job(args, json),
            Command::Check(args) => commands::check::check(args, json).await,
            Command::Runs(args) => commands::runs::runs(args, json).await,
            Command::Repair(args) => commands::repair::repair(args, json).await,
            Command::Vacuum(args) => commands::vacuum::vacuum(args, json).await,
            Command::Generate(args) => Box::pin(commands::generate::generate(args, json)).await,
        }
    });
    // Blocking reads that nobody waits for any more must not hold up the exit.
    runtime.shutdown_background();
    result
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
    eprintln!("error: {error}");
    for cause in causes(error) {
        eprintln!("  cause: {cause}");
    }
    if let Some(hint) = error.hint_text() {
        eprintln!("hint: {hint}");
    }
}

/// A failure as JSON has what the text has, and what a state machine would see.
fn print_error_json(error: &Error) {
    let object = serde_json::json!({
        "status": "failed",
        "error": {
            "name": exit::asl_name(error.kind()),
            "exit_code": exit::code(error.kind()),
            "message": error.to_string(),
            "causes": causes(error),
            "hint": error.hint_text(),
        }
    });
    println!("{object}");
}

/// The chain below the error, without links that only repeat the one above.
fn causes(error: &Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !last.contains(&text) {
            causes.push(text.clone());
            last = text;
        }
        next = cause.source();
    }
    causes
}
