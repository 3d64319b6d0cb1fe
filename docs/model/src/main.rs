//! A model checker for the commit protocol of `docs/commit-protocol.md`. It explores every order of the steps of a few
//! processes, with crashes and pauses at every step and with the faults that stores have. The document's section "The
//! model" lists the commands and the sizes.
//!
//! ```text
//!   suites ----> configuration ----> search <---- visited (a hash of each state)
//!   which        processes,            |
//!   worlds       plans, faults         +---> steps/ (numbered as in the document)
//!                                      +---> events of the store (in configuration)
//!                                      +---> invariants, in every state
//!                                      +---> settle: halts all processes; a repair, a reader and fresh runs recover
//!                                      +---> trace, if an invariant is broken
//! ```
//!
//! A crash needs no step of its own: a process that is never chosen again has crashed. The invariants are checked in
//! every state.

mod canonical;
mod check;
mod configuration;
mod invariants;
mod log;
mod mutants;
mod plan;
mod report;
mod search;
mod settle;
mod state;
mod steps;
mod suites;
mod trace;
mod visited;

use std::process::ExitCode;

use report::{explore, try_mutants};

const USAGE: &str = "usage: commit-protocol-model [--full] [--only TEXT] | --mutants

    (none)        explores the reduced size, then tries all mutants
    --full        explores the full size, then tries all mutants
    --only TEXT   explores only configurations whose name contains TEXT, and tries no mutant
    --mutants     tries all mutants and prints how each is caught";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut is_full, mut only, mut is_mutants) = (false, None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--full" => is_full = true,
            "--mutants" => is_mutants = true,
            "--only" => match arguments.next() {
                Some(text) => only = Some(text),
                None => return usage("`--only` needs a text"),
            },
            _ => return usage(&format!("unknown argument `{argument}`")),
        }
    }
    if is_mutants {
        if is_full || only.is_some() {
            return usage("`--mutants` cannot be combined with `--full` or `--only`");
        }
        return exit(try_mutants(true));
    }
    let mut configurations = if is_full {
        suites::full()
    } else {
        suites::reduced()
    };
    let Some(text) = only else {
        return exit(explore(configurations) && try_mutants(false));
    };
    configurations.retain(|configuration| configuration.name.contains(&text));
    if configurations.is_empty() {
        return usage(&format!(
            "no configuration of this size has a name that contains `{text}`"
        ));
    }
    exit(explore(configurations))
}

/// Prints a mistake in the arguments and the usage; returns the exit code 2.
fn usage(mistake: &str) -> ExitCode {
    eprintln!("{mistake}\n{USAGE}");
    ExitCode::from(2)
}

fn exit(holds: bool) -> ExitCode {
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
