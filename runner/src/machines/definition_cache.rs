//! Cache of the definitions that test cases refer to, so that each is parsed once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Machine, MachineType};

use crate::error::{Error, ErrorKind, Result};
use crate::machines::case::field_reader::Findings;
use crate::machines::definition::DefinitionFile;
use crate::machines::findings::finding::Finding;

/// Cache of parsed definitions, and the findings in all files that were read so far.
#[derive(Debug, Default)]
pub struct MachineFiles {
    /// Machines by the canonical path of the definition file, and `true` for EXPRESS; `None` for a definition with
    /// errors.
    machines: BTreeMap<(PathBuf, bool), Option<Machine>>,
    /// Findings in all definitions and cases so far, which are reported together before any case runs.
    pub findings: Findings,
}

impl MachineFiles {
    /// Returns the machine of a definition file, which is parsed at the first call.
    ///
    /// Returns `None` if the definition has errors; they are added to the findings once.
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
            // The case's reader has found the file, so the error is unexpected; `json_file` reports it as a finding.
            let _ = self.findings.json_file(path);
            None
        };
        self.machines.insert(key, machine.clone());
        machine
    }
}

/// Checks that writing an output file does not overwrite one of the input files.
///
/// # Errors
/// `Usage` if the output is one of the input files, even by another path. The message names the output by its `flag`.
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
                format!("`{flag}` would overwrite the input file `{shown}`"),
            );
            Err(error.hint(format!("name another file with `{flag}`")))
        }
    }
}

/// Returns the canonical path of a file, so that different paths to one file compare equal; an unresolvable path stays
/// as it is.
#[must_use]
pub fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
