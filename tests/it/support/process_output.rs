//! The exit code and the output of a process, and assertions about them.

use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub struct ProcessOutput {
    /// The exit code; `None` if a signal ended the process.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
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
    /// Waits for the end of a process.
    pub fn wait_for(child: Child) -> Self {
        child.wait_with_output().unwrap().into()
    }

    /// Asserts that the process failed with this code, and that its error contains each of these texts.
    #[track_caller]
    pub fn fails(&self, code: i32, texts: &[&str]) {
        self.ends_with(code);
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "expected `{text}` in\n{}",
                self.stderr
            );
        }
    }

    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        self.ends_with(0)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard output contains each of these texts.
    #[track_caller]
    pub fn prints(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.stdout.contains(text),
                "expected `{text}` in\n{}",
                self.stdout
            );
        }
        self
    }

    /// Asserts that standard error contains each of these texts.
    #[track_caller]
    pub fn prints_to_stderr(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "expected `{text}` in\n{}",
                self.stderr
            );
        }
        self
    }

    /// Asserts the exit code and that standard output is one JSON document, and returns it.
    #[track_caller]
    pub fn json(&self, code: i32) -> Value {
        self.ends_with(code);
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Sends a signal such as `INT` to a process.
#[track_caller]
pub fn signal(child: &Child, name: &str) {
    signal_process(child.id(), name);
}

/// Sends a signal such as `INT` to the process with this id.
#[track_caller]
pub fn signal_process(id: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &id.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Returns the id of the one child of a process.
#[track_caller]
pub fn child_of(parent: u32) -> u32 {
    let children = children_of(parent);
    assert_eq!(children.len(), 1, "{children:?}");
    children[0]
}

/// Returns the ids of the children of a process.
pub fn children_of(parent: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let pairs = listed.lines().filter_map(|line| {
        let mut ids = line.split_whitespace().map(|id| id.parse::<u32>().unwrap());
        Some((ids.next()?, ids.next()?))
    });
    let children = pairs.filter(|(_, its_parent)| *its_parent == parent);
    children.map(|(id, _)| id).collect()
}

/// Returns `true` if a process with this id exists and has not ended.
pub fn is_running(id: u32) -> bool {
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", &id.to_string()])
        .output();
    let state = String::from_utf8(state.unwrap().stdout).unwrap();
    !state.is_empty() && !state.starts_with('Z')
}

/// Returns a command in a shell that first does something else.
pub fn in_shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}
