//! The token by which a state machine recognizes the answer to its task.

use std::fmt;

use nix::sys::resource::{Resource, setrlimit};

use crate::error::{Error, ErrorKind, Result};

/// The largest length of a token in characters, a limit of the API of Step Functions.
const MOST_CHARACTERS: usize = 2_048;

/// The token of a task; `Debug` omits it, and nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct TaskToken(String);

impl TaskToken {
    /// Checks a token, without the white space around it. `source` is where the token came from, for messages.
    ///
    /// # Errors
    /// `Usage` for a text that is empty, longer than 2,048 characters, or has white space inside. The message does not
    /// contain the text.
    pub fn parse(text: &str, source: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = match text.chars().count() {
            0 => "is empty",
            count if count > MOST_CHARACTERS => "has more than 2,048 characters",
            _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                "has white space inside"
            }
            _ => return Ok(Self(text.to_owned())),
        };
        Err(
            Error::new(ErrorKind::Usage, format!("the task token of {source} {wrong}"))
                .hint("pass the token that the state machine passes to the task, `$states.context.Task.Token` or `$$.Task.Token`"),
        )
    }

    /// Returns the text of the token, for requests only.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Forbids core dumps of this process, because a dump would contain the token.
pub fn forbid_core_dumps() {
    // Where the system refuses, there is nothing else that this process could do.
    setrlimit(Resource::RLIMIT_CORE, 0, 0).ok();
    // A core dump that the system pipes to a program does not obey the limit.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false).ok();
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_token_is_refused_without_showing_it() {
        for wrong in ["", " \n", "sec ret", &"s".repeat(MOST_CHARACTERS + 1)] {
            let error = TaskToken::parse(wrong, "`--task-token`").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(!error.to_string().contains("sec"), "{error}");
        }
        let token = TaskToken::parse("secret\n", "a file").unwrap();
        assert_eq!(token.as_str(), "secret");
        assert_eq!(format!("{token:?}"), "TaskToken(..)");
    }
}
