//! Reads definition files of state machines.

use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Machine, MachineType, validate};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::findings::finding::Finding;

/// A definition file: its path and its unchanged text.
#[derive(Clone, Debug)]
pub struct DefinitionFile {
    /// The path as the user wrote it, for messages.
    pub path: PathBuf,
    /// The file's text, with its byte order mark if it has one.
    pub text: String,
}

impl DefinitionFile {
    /// Reads a definition file, including a byte order mark.
    ///
    /// # Errors
    /// `InputMissing` if the file does not exist; `Usage` if it is a folder or not UTF-8; `Failed` for other read
    /// errors.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            // A byte order mark is kept, because AWS refuses definitions that have one.
            text: read_exactly(path)?,
        })
    }

    /// Returns the machine's name, which is the file's name without `.asl.json`: `orders` for `orders.asl.json`.
    #[must_use]
    pub fn name(&self) -> String {
        machine_name(&self.path)
    }

    /// Parses the definition as a STANDARD or an EXPRESS machine.
    ///
    /// # Errors
    /// All findings of a definition that is invalid.
    pub fn machine(&self, machine_type: MachineType) -> Result<Machine, Vec<Finding>> {
        Machine::parse_as(&self.text, machine_type).map_err(|error| {
            let file = self.path.display().to_string();
            let found = error.diagnostics().iter();
            found.map(|one| Finding::of_machine(&file, one)).collect()
        })
    }

    /// Validates the definition and returns all its errors and warnings.
    #[must_use]
    pub fn findings(&self, machine_type: MachineType) -> Vec<Finding> {
        let file = self.path.display().to_string();
        let found = validate(&self.text, machine_type);
        found
            .iter()
            .map(|one| Finding::of_machine(&file, one))
            .collect()
    }
}

/// Returns a file's name without its extension, and without an `.asl` before the extension.
#[must_use]
pub fn machine_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_suffix(".asl").unwrap_or(&stem).to_owned()
}

/// Returns a file's name up to its first `.`; a `.` at the beginning of the name does not count.
#[must_use]
pub fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match name.char_indices().skip(1).find(|(_, one)| *one == '.') {
        Some((end, _)) => name[..end].to_owned(),
        None => name,
    }
}

/// Reads a text file and removes its byte order mark, if it has one.
///
/// # Errors
/// `InputMissing` if the file does not exist; `Usage` if it is a folder or not UTF-8; `Failed` for other read errors.
pub fn read_text(path: &Path) -> Result<String> {
    let text = read_exactly(path)?;
    Ok(match text.strip_prefix('\u{FEFF}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Reads a text file unchanged, with its byte order mark if it has one.
fn read_exactly(path: &Path) -> Result<String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::InputMissing,
            std::io::ErrorKind::IsADirectory => ErrorKind::Usage,
            _ => ErrorKind::Failed,
        };
        let refused = Error::new(kind, format!("cannot read `{shown}`")).caused_by(error);
        match kind {
            ErrorKind::Usage => refused.hint(format!("`{shown}` is a folder: name a file in it")),
            _ => refused,
        }
    })?;
    String::from_utf8(bytes)
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        .context(ErrorKind::Usage, format!("`{shown}` is not UTF-8"))
        .map_err(|error| {
            error.hint("save the file as UTF-8; `>` in Windows PowerShell writes UTF-16")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_named_by_its_file() {
        for (file, name) in [
            ("a/orders.asl.json", "orders"),
            ("my.machine.asl.json", "my.machine"),
            ("my.machine.json", "my.machine"),
            ("orders", "orders"),
            (".hidden.json", ".hidden"),
        ] {
            assert_eq!(machine_name(Path::new(file)), name);
        }
        assert_eq!(stem(Path::new("a/orders.asl.json")), "orders");
        assert_eq!(stem(Path::new("orders")), "orders");
        assert_eq!(stem(Path::new(".hidden.json")), ".hidden");
        assert_eq!(stem(Path::new("é.json")), "é");
    }
}
