//! `drivetrain check`: every error of a job folder at once.

use serde::Serialize;

use drivetrain_jobs::Problem;

use crate::cli::CheckArgs;
use crate::commands::print_json;
use crate::error::{Error, ErrorKind, Result};
use crate::job_folder::JobFolder;

/// Checks a job folder; silence is no answer, so a sound one is said to be.
///
/// # Errors
/// `Usage`, if there is anything wrong; each problem was printed with its file and place.
pub async fn check(args: &CheckArgs, json: bool) -> Result<()> {
    let folder = JobFolder::read(&args.path).await?;
    let problems = folder.problems().await;
    if json {
        print_json(&Checked {
            path: &args.path,
            problems: &problems,
        })?;
    } else if problems.is_empty() {
        println!("{}: no problems", args.path);
    } else {
        for problem in &problems {
            println!("{problem}");
        }
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(Error::new(
            ErrorKind::Usage,
            format!("`{}` has {count} problems", args.path),
        )),
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    path: &'a str,
    problems: &'a [Problem],
}
