//! A model checker for the commit protocol of `docs/commit-protocol.md`. It explores every order of the steps of a few processes,
//! with crashes and pauses at every step and with the faults that stores have. The document's section "The model" lists the
//! commands and the sizes.
//!
//! ```text
//!   suites ----> configuration ----> search <---- visited (a hash of each state)
//!   which        processes,            |
//!   worlds       plans, faults         +---> steps/ (numbered as in the document), events of the store (in configuration)
//!                                      +---> invariants, in every state
//!                                      +---> settle: halts all processes, then lets a repair, a reader and fresh runs recover
//!                                      +---> trace, if an invariant is broken
//! ```
//!
//! A crash needs no step of its own: a process that is never chosen again has crashed. The invariants are checked in every state.

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
    --only TEXT   explores only configurations whose name contains TEXT
    --mutants     tries all mutants and prints how each is caught";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut is_full, mut only, mut is_mutants) = (false, None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--full" => is_full = true,
            "--mutants" => is_mutants = true,
            "--only" => only = arguments.next(),
            _ => {
                eprintln!("unknown argument `{argument}`\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    if is_mutants {
        return exit(try_mutants(true));
    }
    let configurations = if is_full {
        suites::full()
    } else {
        suites::reduced()
    };
    let wanted = only.as_deref().unwrap_or_default();
    let configurations = configurations.into_iter();
    let holds = explore(configurations.filter(|world| world.name.contains(wanted)));
    exit(holds && (only.is_some() || try_mutants(false)))
}

fn exit(holds: bool) -> ExitCode {
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
