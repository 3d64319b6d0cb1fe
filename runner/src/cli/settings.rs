//! Converts flags into settings, which do not depend on the command line.

use std::collections::BTreeMap;

use crate::cli::node::{emr_step, other_processes, spill_folder};
use crate::cli::{BadRowAction, EngineArgs, QueryArgs, QueryFormat, RequestArgs};
use crate::error::{Error, ErrorKind, Result};
use crate::run::settings::{RunSettings, Shape};
use crate::sink::parquet::file_settings::FileSettings;
use crate::source::OnBadRow;
use crate::sql::engine_settings::EngineSettings;
use crate::sql::memory::{MemoryLimit, parse_size};
use crate::sql::threads::processors;
use crate::store::Location;
use crate::terminal::row_writer::RowFormat;

/// Smallest target size of a Parquet file, in bytes. A smaller size would give nearly every row group a file of its
/// own.
const LEAST_FILE_BYTES: u64 = 1 << 20;

impl RequestArgs {
    /// Converts the flags that `run` and `plan` share into the settings of a run.
    ///
    /// # Errors
    /// `Usage` for an invalid value; the message names the flag.
    pub fn settings(&self) -> Result<RunSettings> {
        let mut parameters = BTreeMap::new();
        for text in &self.parameters {
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
                    format!("`--param` sets the parameter `{name}` twice"),
                )
                .hint("remove one of the two `--param`"));
            }
        }
        Ok(RunSettings {
            input: self.input.as_deref().map(Location::parse).transpose()?,
            output: Location::parse(&self.output)?,
            parameters,
            checks: self.checks.clone(),
            force: self.force,
            replace_foreign: self.replace_foreign,
            shape: self.engine.shape()?,
            emr: emr_step(),
            engine: self.engine.settings()?,
        })
    }
}

impl EngineArgs {
    /// Converts the flags that determine the shape of the tables, such as compression and file size.
    ///
    /// # Errors
    /// `Usage` for an invalid value; the message names the flag.
    pub fn shape(&self) -> Result<Shape> {
        let target_file_bytes =
            parse_size(&self.file_size).map_err(|error| of_flag("--file-size", error))?;
        if target_file_bytes < LEAST_FILE_BYTES {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "`--file-size` must be at least 1 MiB, got {}",
                    self.file_size
                ),
            ));
        }
        if !(0.0..=1.0).contains(&self.max_rejected) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "`--max-rejected {}` is not between 0 and 1",
                    self.max_rejected
                ),
            )
            .hint("write a share such as `0.01` for one line in a hundred"));
        }
        if self.row_group_rows == 0 {
            return Err(Error::new(
                ErrorKind::Usage,
                "`--row-group-rows` must be at least 1, got 0",
            ));
        }
        Ok(Shape {
            on_bad_row: self.on_bad_row.into(),
            max_rejected: self.max_rejected,
            files: FileSettings {
                compression: self.compression,
                target_file_bytes,
                row_group_rows: self.row_group_rows,
            },
        })
    }

    /// Converts the flags that limit memory, threads and spilled data.
    ///
    /// # Errors
    /// `Usage` for an invalid value; the message names the flag.
    pub fn settings(&self) -> Result<EngineSettings> {
        if self.threads == Some(0) {
            return Err(Error::new(
                ErrorKind::Usage,
                "`--threads` must be at least 1, got 0",
            ));
        }
        Ok(EngineSettings {
            memory: memory_limit(self.memory_limit.as_deref())?,
            threads: self.threads.unwrap_or_else(processors),
            spill_dir: self.spill_dir.clone().unwrap_or_else(spill_folder),
        })
    }
}

/// Resolves the value of `--memory-limit`.
fn memory_limit(text: Option<&str>) -> Result<MemoryLimit> {
    MemoryLimit::resolve(text, other_processes()).map_err(|error| of_flag("--memory-limit", error))
}

/// Puts the name of a flag before the message about its value.
fn of_flag(flag: &str, error: Error) -> Error {
    let message = format!("`{flag}`: {error}");
    error.reworded(message)
}

impl QueryArgs {
    /// Returns the engine settings of a query: the memory limit of the flags, one thread per processor, and the
    /// default folder for spilled data.
    ///
    /// # Errors
    /// `Usage` for an invalid value; the message names the flag.
    pub fn settings(&self) -> Result<EngineSettings> {
        Ok(EngineSettings {
            memory: memory_limit(self.memory_limit.as_deref())?,
            threads: processors(),
            spill_dir: spill_folder(),
        })
    }
}

impl From<BadRowAction> for OnBadRow {
    fn from(action: BadRowAction) -> Self {
        match action {
            BadRowAction::Quarantine => Self::Quarantine,
            BadRowAction::Fail => Self::Fail,
        }
    }
}

impl From<QueryFormat> for RowFormat {
    fn from(format: QueryFormat) -> Self {
        match format {
            QueryFormat::Table => Self::Table,
            QueryFormat::Csv => Self::Csv,
            QueryFormat::Json => Self::Json,
            QueryFormat::Parquet => Self::Parquet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, CommandLine};
    use clap::Parser;

    fn resolve(flags: &[&str]) -> Result<RunSettings> {
        let words = ["drivetrain", "run", "a_job", "--output", "/tmp/out"];
        let cli = CommandLine::parse_from(words.iter().chain(flags));
        let Command::Run(args) = cli.command else {
            panic!("not a run")
        };
        args.request.settings()
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
            (["--file-size", "3"], "`--file-size`"),
            (["--memory-limit", "lots"], "`lots`"),
        ] {
            let error = resolve(&flags).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
