//! Runs the real binary in a temporary folder, and reads the files that it leaves there.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tempfile::TempDir;

use super::process_output::ProcessOutput;

/// A temporary folder, and the binary that runs in it.
pub struct Sandbox {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Sandbox {
    pub fn new() -> Self {
        Self::with_variables(Vec::new())
    }

    /// Returns a sandbox whose processes have these environment variables.
    pub fn with_variables(variables: Vec<(String, String)>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables,
        }
    }

    /// Sets an environment variable of the processes that are started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file and creates the folders above it.
    pub fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a Parquet file.
    pub fn write_parquet(&self, below: &str, batch: &RecordBatch) {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        self.write(below, bytes);
    }

    #[track_caller]
    pub fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap()
    }

    /// Replaces a text in a file, which must contain it.
    #[track_caller]
    pub fn replace(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{text}");
        self.write(file, text.replace(from, to));
    }

    /// Returns the names and bytes of all files below a folder, sorted; empty if there is no such folder.
    pub fn files(&self, below: &str) -> Vec<(String, Vec<u8>)> {
        let root = self.path(below);
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        found
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drivetrain"));
        command.current_dir(self.folder.path()).args(words);
        // A test must not use the account of the machine that it runs on.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().cloned());
        command
    }

    /// Runs the binary; the line is split at spaces.
    pub fn run(&self, line: &str) -> ProcessOutput {
        self.run_words(&words(line))
    }

    pub fn run_words(&self, words: &[&str]) -> ProcessOutput {
        self.command(words).output().unwrap().into()
    }

    /// Runs the binary with one more environment variable; the line is split at spaces.
    pub fn run_with(&self, line: &str, name: &str, value: &str) -> ProcessOutput {
        let mut command = self.command(&words(line));
        command.env(name, value).output().unwrap().into()
    }

    /// Starts the binary and leaves it running; the line is split at spaces.
    pub fn start(&self, line: &str) -> Child {
        self.start_words(&words(line))
    }

    pub fn start_words(&self, words: &[&str]) -> Child {
        self.command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the binary, which must succeed, and returns its JSON.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        self.json_with_code(line, 0)
    }

    /// Runs the binary, which must end with this exit code, and returns its JSON.
    #[track_caller]
    pub fn json_with_code(&self, line: &str, code: i32) -> Value {
        let ran = self.run(&format!("{line} --output-format json"));
        assert_eq!(ran.code, Some(code), "{line}\n{}{}", ran.stdout, ran.stderr);
        ran.json(code)
    }

    /// Returns the rows of a query as CSV, without the header.
    #[track_caller]
    pub fn query(&self, sql: &str, output: &str) -> Vec<String> {
        let ran = self.run_words(&["query", sql, "--output", output, "--format", "csv"]);
        assert_eq!(ran.code, Some(0), "{sql}\n{}", ran.stderr);
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            found.push((name.to_owned(), std::fs::read(&path).unwrap()));
        }
    }
}
