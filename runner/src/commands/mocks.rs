//! `drivetrain mocks`: turns a recorded history into mocks or a test case.

use std::path::PathBuf;

use drivetrain_statemachine::MachineType;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{MocksArgs, MocksFormat};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::definition::{DefinitionFile, read_text, stem};
use crate::machines::definition_cache::not_one_of;
use crate::machines::mocks::from_history::{HistoryText, Recorded};
use crate::machines::mocks::replay::{Replayed, replay};
use crate::terminal::printer::{Answer, Json, ToText};
use crate::terminal::stderr::note;

/// Writes a mock file or a test case that replays a recorded execution.
///
/// # Errors
/// `InputMissing` if the history does not exist; `Usage` if it is invalid or incomplete; `Failed` if the file cannot be
/// written.
pub fn mocks(args: &MocksArgs) -> Result<Answer> {
    let read = |path: &PathBuf| {
        Ok(HistoryText {
            file: path.display().to_string(),
            text: read_text(path)?,
        })
    };
    let children: Vec<HistoryText> = args.children.iter().map(read).collect::<Result<_>>()?;
    let recorded = Recorded::parse(&read(&args.from_history)?, &children)?;
    if recorded.lacks_children() {
        note(
            "warning: the execution ran a distributed Map, and the tasks of its child executions get no answers: pass the \
             histories of the child executions with `--children FILE`",
        );
    }
    let mocks = mock_file(args, &recorded)?;
    let made = match args.format {
        MocksFormat::Mocks => mocks,
        MocksFormat::Case => recorded.test_case(&mocks)?,
    };
    let Some(path) = &args.out else {
        return Ok(Answer::asked(Json(made)));
    };
    let read = std::iter::once(&args.from_history).chain(&args.children);
    let read = read.chain(&args.definition);
    not_one_of("--out", path, read)?;
    let text = serde_json::to_string_pretty(&made).context(
        ErrorKind::Failed,
        "the recorded answers cannot be converted to JSON; this is a bug",
    )?;
    std::fs::write(path, text + "\n").context(
        ErrorKind::Failed,
        format!("cannot write `{}`", path.display()),
    )?;
    let written = path.display().to_string();
    Ok(Answer::done(WrittenFile { written }))
}

/// Answer with the path of the file that was written.
#[derive(Serialize)]
struct WrittenFile {
    /// Path that `--out` names.
    written: String,
}

impl ToText for WrittenFile {
    fn text(&self) -> String {
        format!("wrote {}\n", self.written)
    }
}

/// Returns a mock file with the recorded answers. If the definition is known and its replay does not diverge, the
/// answers are in the order of the replayed calls, otherwise in recorded order.
fn mock_file(args: &MocksArgs, recorded: &Recorded) -> Result<Value> {
    if let Some(path) = args.definition.clone().or_else(|| beside(args)) {
        let definition = DefinitionFile::read(&path)?;
        let name = definition.name();
        let shown = path.display();
        let Ok(machine) = definition.machine(MachineType::Standard) else {
            let error = Error::new(ErrorKind::Usage, format!("`{shown}` has errors"));
            return Err(error.hint(format!("`drivetrain check {shown}` lists them")));
        };
        match replay(recorded, &machine, &name, &args.stand_ins.resolve()?)? {
            Replayed::InOrder(handler) => return Ok(handler.mock_file(&args.name, &args.case)),
            Replayed::Diverged(state) => note(&format!(
                "warning: in a replay with `{shown}`, the state `{state}` makes more calls than the history has, so the \
                 answers stay in recorded order; if a Map state reads objects, pass them with `--s3 BUCKET=DIR`"
            )),
        }
    }
    recorded.mock_file(&args.name, &args.case)
}

/// Returns the path of the definition beside the case file that `--out` names, such as `orders.asl.json` for
/// `orders.<anything>.case.json`. Returns `None` if no such definition exists, or if the output is not a case file.
fn beside(args: &MocksArgs) -> Option<PathBuf> {
    let out = args
        .out
        .as_ref()
        .filter(|_| args.format == MocksFormat::Case)?;
    let names = [".asl.json", ".json"].map(|ending| format!("{}{ending}", stem(out)));
    let mut paths = names.into_iter().map(|name| out.with_file_name(name));
    paths.find(|path| path.is_file())
}
