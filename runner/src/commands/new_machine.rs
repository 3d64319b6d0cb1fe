//! `drivetrain new machine`: creates a folder with a state machine, mocks and test cases.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::NewMachineArgs;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::terminal::printer::{Answer, ToText};
use crate::terminal::shell_word::shell_word;

/// Files of the new folder: the end of the file's name, `true` if the machine's name precedes that end, and the text.
const FILES: [(&str, bool, &str); 5] = [
    (
        ".asl.json",
        true,
        include_str!("new_machine/machine.asl.json"),
    ),
    (
        ".second-try.case.json",
        true,
        include_str!("new_machine/second-try.case.json"),
    ),
    (
        ".refused.case.json",
        true,
        include_str!("new_machine/refused.case.json"),
    ),
    ("input.json", false, include_str!("new_machine/input.json")),
    ("mocks.json", false, include_str!("new_machine/mocks.json")),
];

/// Placeholder in the files' texts; the name of the new machine replaces it.
const NAME: &str = "NAME";

/// Writes a folder with a valid definition and with test cases that pass.
///
/// # Errors
/// `Usage` for an invalid name, or if the folder already exists; `Failed` if a file cannot be written.
pub fn new_machine(args: &NewMachineArgs) -> Result<Answer> {
    let folder = PathBuf::from(&args.name);
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let is_plain = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    if name.is_empty() || name.len() > 80 || !name.chars().all(is_plain) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{name}` is not a valid state machine name"),
        )
        .hint("use 1 to 80 ASCII letters, digits, `-` and `_`"));
    }
    let shown = folder.display();
    if folder.exists() {
        return Err(
            Error::new(ErrorKind::Usage, format!("`{shown}` already exists"))
                .hint("choose another name, or remove the folder"),
        );
    }
    let cannot = format!("cannot create the folder `{shown}`");
    std::fs::create_dir_all(&folder).context(ErrorKind::Failed, cannot)?;
    let mut written = Vec::new();
    for (ending, is_named, text) in FILES {
        let file = if is_named {
            format!("{name}{ending}")
        } else {
            ending.to_owned()
        };
        let path = folder.join(&file);
        let cannot = format!("cannot write `{}`", path.display());
        std::fs::write(&path, text.replace(NAME, name)).context(ErrorKind::Failed, cannot)?;
        written.push(file);
    }
    Ok(Answer::done(WrittenMachine {
        folder: shown.to_string(),
        files: written,
    }))
}

/// Answer of `new machine`: the folder and its files; its text adds the next command.
#[derive(Serialize)]
struct WrittenMachine {
    /// Path of the new folder, as the user gave it.
    folder: String,
    /// Names of the written files; all are directly in the folder.
    files: Vec<String>,
}

impl ToText for WrittenMachine {
    fn text(&self) -> String {
        let (folder, files) = (&self.folder, self.files.join(", "));
        let word = shell_word(folder);
        format!("created {folder} with {files}\ntry it: drivetrain test {word}\n")
    }
}
