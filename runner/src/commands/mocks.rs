//! `drivetrain mocks`: answers of tasks from a recorded history.

use std::path::Path;

use serde_json::json;

use crate::cli::{MocksArgs, MocksFormat};
use crate::commands::{Verdict, print_json, print_text};
use crate::error::{Context, ErrorKind, Result};
use crate::machines::definition::read_text;
use crate::machines::machine_files::not_one_of;
use crate::machines::recorded::Recorded;

/// Writes a mock file, or a whole test case, that replays what an execution did.
///
/// # Errors
/// `InputMissing` if the history is not there, `Usage` if it is none or not complete.
pub fn mocks(args: &MocksArgs, json: bool) -> Result<Verdict> {
    let children = args.children.iter().map(|path| read_text(path));
    let children: Vec<String> = children.collect::<Result<_>>()?;
    let recorded = Recorded::parse(&read_text(&args.from_history)?, &children)?;
    if recorded.lacks_children() {
        eprintln!(
            "warning: a distributed Map ran, whose child executions have histories of their own: without \
             `--children FILE` their tasks have no answers"
        );
    }
    let made = match args.format {
        MocksFormat::Mocks => recorded.mock_file(&args.name, &args.case)?,
        MocksFormat::Case => recorded.test_case(&args.name)?,
    };
    let Some(path) = &args.out else {
        print_json(&made)?;
        return Ok(Verdict::Passed);
    };
    let read = std::iter::once(&args.from_history).chain(&args.children);
    not_one_of("--out", path, read)?;
    let text = serde_json::to_string_pretty(&made)
        .context(ErrorKind::Failed, "cannot write the result")?;
    std::fs::write(path, text + "\n").context(
        ErrorKind::Failed,
        format!("cannot write `{}`", path.display()),
    )?;
    report(path, json)?;
    Ok(Verdict::Passed)
}

fn report(path: &Path, json: bool) -> Result<()> {
    let path = path.display().to_string();
    if json {
        return print_json(&json!({"written": path}));
    }
    print_text(&format!("wrote {path}\n"))
}
