//! The definitions that a test's cases are about, each read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Machine, MachineType};

use crate::error::{Error, ErrorKind, Result};
use crate::machines::case::field_reader::Findings;
use crate::machines::definition::DefinitionFile;
use crate::machines::findings::finding::Finding;

/// Definitions by file and type, and everything that is wrong so far.
#[derive(Debug, Default)]
pub struct MachineFiles {
    machines: BTreeMap<(PathBuf, bool), Option<Machine>>,
    /// What was found so far, in definitions and cases.
    pub findings: Findings,
}

impl MachineFiles {
    /// Reads a definition, or gives the one that has been read; none if it has errors, which are noted once.
    pub fn machine(&mut self, path: &Path, machine_type: MachineType) -> Option<Machine> {
        let key = (identity(path), machine_type == MachineType::Express);
        if let Some(known) = self.machines.get(&key) {
            return known.clone();
        }
        let machine = if let Ok(definition) = DefinitionFile::read(path) {
            let parsed = definition.machine(machine_type);
            let errors = |found: Vec<Finding>| found.into_iter().filter(Finding::is_error);
            parsed
                .map_err(|found| self.findings.extend(errors(found)))
                .ok()
        } else {
            // It was there a moment ago; reading it as a case's file says what is wrong.
            let _ = self.findings.json_file(path);
            None
        };
        self.machines.insert(key, machine.clone());
        machine
    }
}

/// Refuses to write over a file that is read.
///
/// # Errors
/// `Usage` if the file is one of the others.
pub fn not_one_of<'a>(
    flag: &str,
    written: &Path,
    read: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    let same = |other: &&PathBuf| other.exists() && identity(other) == identity(written);
    match read.into_iter().find(same) {
        None => Ok(()),
        Some(other) => {
            let shown = other.display();
            let error = Error::new(
                ErrorKind::Usage,
                format!("`{flag}` would write over `{shown}`"),
            );
            Err(error.hint("name another file"))
        }
    }
}

/// Tells two ways to one file from two files.
#[must_use]
pub fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
