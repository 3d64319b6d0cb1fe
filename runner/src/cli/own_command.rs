//! Commands that start this program again, with the task token taken out of their arguments and their environment.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::callback::TaskToken;
use crate::cli::parse::verb_run;
use crate::cli::task::{STANDARD_INPUT, VARIABLE};

/// The flag with the token.
const TOKEN: &str = "--task-token";
/// The flag with the file of the token.
const TOKEN_FILE: &str = "--task-token-file";
/// The flag of a child process.
const SUPERVISED: &str = "--supervised";
/// The file of the running program on Linux. It stays the same program even if the file was replaced meanwhile.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// Replaces this process by the same program without the token in its arguments and in its environment, if `run` has it
/// there. So no list of processes shows the token, and no program that this process starts, such as a
/// `credential_process`, inherits it. The new process reads the token from standard input.
///
/// # Errors
/// If the program cannot be started again. This process can go on with the token where it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the arguments and the environment are read"
)]
pub fn hide_token() -> io::Result<()> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let variable = std::env::var_os(VARIABLE);
    match without_token(&words, variable.as_deref()) {
        None => Ok(()),
        Some(hidden) => hidden.exec(),
    }
}

/// A command line without the token.
#[derive(Debug, PartialEq, Eq)]
struct Hidden {
    /// The words after the program's name.
    words: Vec<OsString>,
    /// The text to pass on standard input; `None` to keep the present one.
    token: Option<OsString>,
    /// The value of the variable; `None` to remove it.
    variable: Option<&'static str>,
}

/// Returns the command line without the token; `None` if there is none to take out.
fn without_token(words: &[OsString], variable: Option<&OsStr>) -> Option<Hidden> {
    let verb = verb_run(words)?;
    let end = words.iter().position(|word| word == "--");
    let flags = verb + 1..end.unwrap_or(words.len()).max(verb + 1);
    let mut hidden = words.to_vec();
    let mut token = None;
    let mut has_file = false;
    let mut at = flags.start;
    while at < flags.end {
        match value_of(words, at, TOKEN) {
            Some(Value::Attached(value)) => {
                hidden[at] = OsString::from(format!("{TOKEN}={STANDARD_INPUT}"));
                token.get_or_insert(value);
            }
            Some(Value::Next(value)) => {
                at += 1;
                hidden[at] = OsString::from(STANDARD_INPUT);
                token.get_or_insert(value);
            }
            None => has_file |= value_of(words, at, TOKEN_FILE).is_some(),
        }
        at += 1;
    }
    let is_in_words = token.is_some();
    // The flags come before the variable.
    let token = match token {
        None if has_file => None,
        None => variable.map(OsStr::to_owned),
        token => token,
    };
    if let Some(token) = &token {
        // A wrong token is shown by the process that has it, so that the message names where it came from.
        TaskToken::parse(token.to_str()?, "").ok()?;
        if token == STANDARD_INPUT {
            return None;
        }
    } else {
        variable?;
    }
    Some(Hidden {
        words: hidden,
        variable: (token.is_some() && !is_in_words).then_some(STANDARD_INPUT),
        token,
    })
}

impl Hidden {
    /// Replaces this process; returns only an error.
    fn exec(self) -> io::Result<()> {
        let mut command = own_program();
        command.args(self.words);
        if let Some(token) = &self.token {
            // A pipe holds far more than a token, so this does not wait for a reader.
            let (reader, mut writer) = io::pipe()?;
            writer.write_all(token.as_encoded_bytes())?;
            command.stdin(reader);
        }
        match self.variable {
            Some(value) => command.env(VARIABLE, value),
            None => command.env_remove(VARIABLE),
        };
        Err(command.exec())
    }
}

/// The value of a flag.
enum Value {
    /// The value after `=` in the same word.
    Attached(OsString),
    /// The next word.
    Next(OsString),
}

/// Returns the value of this flag at an index; `None` if another word is there.
fn value_of(words: &[OsString], at: usize, flag: &str) -> Option<Value> {
    let word = words[at].to_str()?;
    if word == flag {
        return words.get(at + 1).cloned().map(Value::Next);
    }
    let value = word.strip_prefix(flag)?.strip_prefix('=')?;
    Some(Value::Attached(OsString::from(value)))
}

/// Returns the command of the child process that does the work of this process: the same flags, without those for the
/// token.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the arguments are read"
)]
#[must_use]
pub fn supervised_child() -> Command {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut command = own_program();
    command.args(supervised(&words)).env_remove(VARIABLE);
    command
}

/// Returns the words without the flags for the token, and with the flag of a child process after the verb `run`.
fn supervised(words: &[OsString]) -> Vec<OsString> {
    let verb = verb_run(words).unwrap_or_default();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at] == "--" {
            kept.extend_from_slice(&words[at..]);
            break;
        }
        let flag = value_of(words, at, TOKEN).or_else(|| value_of(words, at, TOKEN_FILE));
        match flag {
            None => kept.push(words[at].clone()),
            Some(Value::Attached(_)) => {}
            Some(Value::Next(_)) => at += 1,
        }
        if at == verb {
            kept.push(OsString::from(SUPERVISED));
        }
        at += 1;
    }
    kept
}

/// Returns a command of the running program, under the same name.
#[expect(
    clippy::disallowed_methods,
    reason = "only the environment knows the file of the program"
)]
fn own_program() -> Command {
    let running = Path::new(OWN_PROGRAM);
    let file = std::env::current_exe();
    let is_running = |file: &PathBuf| {
        let inode = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino())).ok();
        !running.exists() || inode(file) == inode(running)
    };
    // A command of the file's own name is listed by that name. The file may have been replaced meanwhile.
    let file = file.as_ref().ok().filter(|file| is_running(file));
    let file = file.map_or(running, PathBuf::as_path);
    let mut command = Command::new(file);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[track_caller]
    fn hidden(
        line: &str,
        variable: Option<&str>,
    ) -> Option<(String, Option<String>, Option<&'static str>)> {
        let hidden = without_token(&words(line), variable.map(OsStr::new))?;
        let words: Vec<_> = hidden
            .words
            .iter()
            .map(|word| word.to_str().unwrap())
            .collect();
        let token = hidden.token.map(|token| token.into_string().unwrap());
        Some((words.join(" "), token, hidden.variable))
    }

    #[test]
    fn a_token_is_replaced_where_it_is() {
        let token = || Some("secret".to_owned());
        for (line, variable, expected) in [
            (
                "run j --task-token secret -v",
                None,
                ("run j --task-token - -v", token(), None),
            ),
            (
                "-v run --task-token=secret j",
                None,
                ("-v run --task-token=- j", token(), None),
            ),
            (
                "run j --task-token secret",
                Some("other"),
                ("run j --task-token -", token(), None),
            ),
            ("run j", Some("secret"), ("run j", token(), Some("-"))),
            (
                "run j --task-token-file f",
                Some("secret"),
                ("run j --task-token-file f", None, None),
            ),
            (
                "--output-format json run j --task-token secret --bogus",
                None,
                (
                    "--output-format json run j --task-token - --bogus",
                    token(),
                    None,
                ),
            ),
        ] {
            let (words, token, variable_after) = expected;
            let expected = Some((words.to_owned(), token, variable_after));
            assert_eq!(hidden(line, variable), expected, "{line}");
        }
    }

    #[test]
    fn a_command_line_without_a_token_stays() {
        for (line, variable) in [
            ("run j", None),
            ("run j --task-token -", None),
            ("run j --task-token-file f", None),
            ("run j --task-token", None),
            ("run j", Some("")),
            ("run j", Some("-")),
            ("plan j --task-token secret", None),
            ("local", Some("secret")),
            ("run -- --task-token secret", None),
        ] {
            assert_eq!(hidden(line, variable), None, "{line}");
        }
    }

    #[test]
    fn a_child_has_all_flags_but_those_for_the_token() {
        for (line, expected) in [
            ("run j --task-token - -v", "run --supervised j -v"),
            ("-v run --task-token=- j", "-v run --supervised j"),
            (
                "run j --task-token-file=f --heartbeat 5s",
                "run --supervised j --heartbeat 5s",
            ),
            (
                "run --task-token-file f -- --task-token",
                "run --supervised -- --task-token",
            ),
        ] {
            assert_eq!(supervised(&words(line)), words(expected), "{line}");
        }
    }
}
