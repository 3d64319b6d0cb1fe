//! Finds the jobs and definitions in a folder and its subfolders.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Context, ErrorKind, Result};
use crate::machines::definition::read_text;

/// The largest JSON file that may be a definition. AWS refuses larger definitions, so a larger file is data.
const LARGEST_DEFINITION_BYTES: u64 = 1 << 20;

/// Name of the file that marks a cache folder. Discovery skips such a folder, because a tool can create it again.
const CACHE_MARK: &str = "CACHEDIR.TAG";

/// The jobs and definitions that discovery has found, each sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Folders that contain a `job.toml`.
    pub jobs: Vec<PathBuf>,
    /// Definitions of machines: all `*.asl.json` files, and all other JSON files with `StartAt` and `States`.
    pub machines: Vec<PathBuf>,
}

impl Targets {
    /// Searches a folder and its subfolders, except hidden folders, caches and `node_modules`.
    ///
    /// # Errors
    /// `Failed` if a folder cannot be read.
    pub fn below(folder: &Path) -> Result<Self> {
        let mut targets = Self::default();
        for file in files_below(folder)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name == "job.toml" {
                targets.jobs.extend(file.parent().map(Path::to_owned));
            } else if is_definition(&file, &name) {
                targets.machines.push(file);
            }
        }
        Ok(targets)
    }
}

/// Lists the files of a folder and its subfolders, sorted. Skips hidden names, caches and `node_modules`; follows no
/// links to folders.
///
/// # Errors
/// `Failed` if a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let unreadable = || format!("cannot read the folder `{}`", folder.display());
        let entries = std::fs::read_dir(&folder).context(ErrorKind::Failed, unreadable())?;
        for entry in entries {
            let entry = entry.context(ErrorKind::Failed, unreadable())?;
            let name = entry.file_name();
            let kind = entry.file_type().context(ErrorKind::Failed, unreadable())?;
            let path = entry.path();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            if !kind.is_dir() {
                files.push(path);
            } else if name != "node_modules" && !path.join(CACHE_MARK).exists() {
                waiting.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns `true` if a file's name or contents show that it defines a machine.
fn is_definition(file: &Path, name: &str) -> bool {
    if name.ends_with(".asl.json") {
        return true;
    }
    let is_json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    let is_small = file
        .metadata()
        .is_ok_and(|metadata| metadata.len() <= LARGEST_DEFINITION_BYTES);
    if !is_json || !is_small {
        return false;
    }
    let Ok(text) = read_text(file) else {
        return false;
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => value.get("StartAt").is_some() && value.get("States").is_some(),
        // Invalid JSON with these fields is an unfinished definition; the user wants to see its errors.
        Err(_) => text.contains("\"StartAt\"") && text.contains("\"States\""),
    }
}
