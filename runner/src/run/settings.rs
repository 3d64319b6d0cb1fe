//! What a run is told, resolved and checked: the typed end of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::{EngineArgs, RunArgs};
use crate::error::{Error, ErrorKind, Result};
use crate::sink::parquet::file_settings::FileSettings;
use crate::source::OnBadRow;
use crate::sql::memory::{MemoryLimit, parse_size};
use crate::store::Location;

/// The smallest file size that is no mistake: below it every row group would be a file.
const LEAST_FILE_BYTES: u64 = 1 << 20;

/// Where a run reads and writes, and how it decides.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The root of the raw data, for jobs that read any.
    pub input: Option<Location>,
    /// The root of the tables.
    pub output: Location,
    /// Parameters as given, by name.
    pub parameters: BTreeMap<String, String>,
    /// Checks that are off by default and asked for.
    pub checks: Vec<String>,
    /// Runs although a live run did the same already.
    pub force: bool,
    /// Deletes foreign objects instead of refusing.
    pub replace_foreign: bool,
    /// What shapes the result.
    pub shape: Shape,
    /// What the machine gives to it.
    pub engine: Engine,
}

/// Settings that shape the result: they count in the run's id.
#[derive(Clone, Debug, Serialize)]
pub struct Shape {
    /// What happens to a row that breaks the contract.
    pub on_bad_row: OnBadRow,
    /// The share of a dataset's lines that may be rejected, 0 to 1.
    pub max_rejected: f64,
    /// The settings of files.
    pub files: FileSettings,
}

/// What the machine gives to a run: none of it changes the result.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The memory to work in.
    pub memory: MemoryLimit,
    /// Threads of the data work.
    pub threads: usize,
    /// Where rows go that do not fit into memory.
    pub spill_dir: PathBuf,
}

impl RunSettings {
    /// Resolves the flags of `run` and `plan`.
    ///
    /// # Errors
    /// `Usage`, naming the flag.
    pub fn resolve(args: &RunArgs) -> Result<Self> {
        let mut parameters = BTreeMap::new();
        for text in &args.parameters {
            let Some((name, value)) = text.split_once('=') else {
                return Err(
                    Error::new(ErrorKind::Usage, format!("`--param {text}` has no `=`"))
                        .hint("write `--param name=value`"),
                );
            };
            if parameters
                .insert(name.to_owned(), value.to_owned())
                .is_some()
            {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("parameter `{name}` is given twice"),
                ));
            }
        }
        Ok(Self {
            input: args.input.as_deref().map(Location::parse).transpose()?,
            output: Location::parse(&args.output)?,
            parameters,
            checks: args.checks.clone(),
            force: args.force,
            replace_foreign: args.replace_foreign,
            shape: Shape::resolve(&args.engine)?,
            engine: Engine::resolve(&args.engine)?,
        })
    }
}

impl Shape {
    /// Resolves the flags that shape the result.
    ///
    /// # Errors
    /// `Usage`, naming the flag.
    pub fn resolve(args: &EngineArgs) -> Result<Self> {
        let target_file_bytes = parse_size(&args.file_size)?;
        if target_file_bytes < LEAST_FILE_BYTES {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "`--file-size {}` is too small, at least 1 MiB is needed",
                    args.file_size
                ),
            ));
        }
        if !(0.0..=1.0).contains(&args.max_rejected) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`--max-rejected {}` is no share", args.max_rejected),
            )
            .hint("write a number from 0 to 1, such as `0.01` for one row of a hundred"));
        }
        if args.row_group_rows == 0 {
            return Err(Error::new(
                ErrorKind::Usage,
                "`--row-group-rows` must be at least 1",
            ));
        }
        Ok(Self {
            on_bad_row: args.on_bad_row,
            max_rejected: args.max_rejected,
            files: FileSettings {
                compression: args.compression,
                target_file_bytes,
                row_group_rows: args.row_group_rows,
            },
        })
    }
}

impl Engine {
    /// Resolves the flags of the data work.
    ///
    /// # Errors
    /// `Usage`, naming the flag; `Failed`, if the spill directory cannot be made.
    pub fn resolve(args: &EngineArgs) -> Result<Self> {
        if args.threads == Some(0) {
            return Err(Error::new(
                ErrorKind::Usage,
                "`--threads` must be at least 1",
            ));
        }
        Ok(Self {
            memory: MemoryLimit::resolve(args.memory_limit.as_deref())?,
            threads: args.threads.unwrap_or_else(processors),
            spill_dir: args.spill_dir.clone().unwrap_or_else(std::env::temp_dir),
        })
    }
}

/// The processors that this process may use.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn resolve(flags: &[&str]) -> Result<RunSettings> {
        let words = ["drivetrain", "run", "a_job", "--output", "/tmp/out"];
        let cli = Cli::parse_from(words.iter().chain(flags));
        let Command::Run(args) = cli.command else {
            panic!("not a run")
        };
        RunSettings::resolve(&args)
    }

    #[test]
    fn flags_become_typed_settings() {
        let settings = resolve(&[
            "--param",
            "from=2024-01-01",
            "--file-size",
            "64MiB",
            "--threads",
            "3",
        ])
        .unwrap();
        assert_eq!(settings.parameters["from"], "2024-01-01");
        assert_eq!(settings.shape.files.target_file_bytes, 64 << 20);
        assert_eq!(settings.engine.threads, 3);
    }

    #[test]
    fn a_wrong_flag_is_named() {
        for (flags, word) in [
            (["--param", "from"], "`--param from`"),
            (["--max-rejected", "1.5"], "`--max-rejected 1.5`"),
            (["--threads", "0"], "`--threads`"),
            (["--file-size", "3"], "`--file-size 3`"),
            (["--memory-limit", "lots"], "`lots`"),
        ] {
            let error = resolve(&flags).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
