//! Runs the real binary and reads what it left behind.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, and the binary in it.
pub struct Sandbox {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the binary gave.
pub struct ProcessOutput {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// A folder whose processes find these variables.
    pub fn with(variables: Vec<(String, String)>) -> Self {
        Self {
            variables,
            ..Self::new()
        }
    }

    /// Returns a sandbox whose job `sales` has run.
    pub fn sold() -> Self {
        let sandbox = Self::new();
        sandbox.run("new job sales").succeeds();
        sandbox
            .run("run ./sales --input ./sales/sample --output lake")
            .succeeds();
        sandbox
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file and the folders above it.
    pub fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drivetrain"));
        command.current_dir(self.folder.path()).args(words);
        // Whatever account the machine has must not be used by a test.
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

    /// Runs the binary; words are split at spaces.
    pub fn run(&self, line: &str) -> ProcessOutput {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.run_words(&words)
    }

    pub fn run_words(&self, words: &[&str]) -> ProcessOutput {
        ProcessOutput::from(self.command(words).output().unwrap())
    }

    /// Starts the binary and leaves it running; words are split at spaces.
    pub fn start(&self, line: &str) -> Child {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut command = self.command(&words);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the binary, which must succeed, with JSON on standard output.
    pub fn json(&self, line: &str) -> Value {
        let ran = self.run(&format!("{line} --output-format json"));
        assert_eq!(ran.code, Some(0), "{line}\n{}{}", ran.stdout, ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// The rows of a query as CSV, without the header.
    pub fn query(&self, sql: &str, output: &str) -> Vec<String> {
        let ran = self.run_words(&["query", sql, "--output", output, "--format", "csv"]);
        assert_eq!(ran.code, Some(0), "{sql}\n{}", ran.stderr);
        ran.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// All files below a folder, sorted, with their bytes.
    pub fn files(&self, below: &str) -> Vec<(String, Vec<u8>)> {
        let root = self.path(below);
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        found
    }
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
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.push((name, std::fs::read(&path).unwrap()));
        }
    }
}

impl From<Output> for ProcessOutput {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl ProcessOutput {
    /// What a process gave that was started; waits for its end.
    pub fn of(child: Child) -> Self {
        child.wait_with_output().unwrap().into()
    }

    /// The run must have failed with this code and say each of these.
    #[track_caller]
    pub fn fails(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        for words in says {
            assert!(
                self.stderr.contains(words),
                "expected `{words}` in\n{}",
                self.stderr
            );
        }
    }

    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }
}
