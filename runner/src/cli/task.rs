//! Converts the flags for a waiting task into its token and its settings.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::callback::{HeartbeatSettings, TaskToken};
use crate::cli::TaskArgs;
use crate::cli::duration::duration;
use crate::error::{Context, Error, ErrorKind, Result};

/// The variable that contains the task token.
pub(super) const VARIABLE: &str = "DRIVETRAIN_TASK_TOKEN";

/// The value of a flag or of the variable by which the token is read from standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// The longest timeout of a task, a limit of Step Functions.
const LONGEST: Duration = Duration::from_secs(99_999_999);

/// The largest number of bytes that are read from a token's file: more than any token has, and few enough to refuse a
/// wrong file quickly.
const MOST_BYTES: u64 = 64 << 10;

impl TaskArgs {
    /// Returns the token of the task that waits for the run, from the flags or else from the variable
    /// `DRIVETRAIN_TASK_TOKEN`; `None` if no task waits.
    ///
    /// # Errors
    /// `Usage` for a text that cannot be a token, or a file that cannot be read.
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is where the environment is read"
    )]
    pub fn token(&self) -> Result<Option<TaskToken>> {
        let variable = std::env::var_os(VARIABLE);
        let (token, source) = match (&self.task_token, &self.task_token_file, variable) {
            (Some(token), ..) => (token.clone(), "`--task-token`".to_owned()),
            (None, Some(file), _) => return token_of_file(file).map(Some),
            (None, None, Some(token)) => {
                let source = format!("the variable {VARIABLE}");
                let text = token.into_string().map_err(|_| {
                    let message = format!("the task token of {source} is not valid text");
                    Error::new(ErrorKind::Usage, message)
                })?;
                (text, source)
            }
            (None, None, None) => return Ok(None),
        };
        let token = match token.as_str() {
            STANDARD_INPUT => token_of_file(Path::new(STANDARD_INPUT)),
            token => TaskToken::parse(token, &source),
        };
        token.map(Some)
    }

    /// Returns the time after which a run stops if none of its counters changes.
    ///
    /// # Errors
    /// `Usage` for an invalid duration; the message names the flag.
    pub fn stall_timeout(&self) -> Result<Duration> {
        flag("--stall-timeout", &self.stall_timeout)
    }

    /// Returns the times that govern heartbeats.
    ///
    /// # Errors
    /// `Usage` for an invalid duration; the message names the flag.
    pub fn heartbeats(&self) -> Result<HeartbeatSettings> {
        let interval = flag("--heartbeat", &self.heartbeat)?;
        let timeout = flag("--heartbeat-timeout", &self.heartbeat_timeout)?;
        if timeout < interval {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "`--heartbeat-timeout {}` is shorter than `--heartbeat {}`",
                    self.heartbeat_timeout, self.heartbeat
                ),
            )
            .hint("send several heartbeats within the timeout, such as `--heartbeat 60s --heartbeat-timeout 600s`"));
        }
        Ok(HeartbeatSettings { interval, timeout })
    }
}

/// Reads a token from a file, or from standard input for `-`.
fn token_of_file(file: &Path) -> Result<TaskToken> {
    let (name, read) = if file == Path::new(STANDARD_INPUT) {
        let mut text = String::new();
        let read = std::io::stdin().take(MOST_BYTES).read_to_string(&mut text);
        ("standard input".to_owned(), read.map(|_| text))
    } else {
        let read = std::fs::File::open(file).and_then(|file| {
            let mut text = String::new();
            file.take(MOST_BYTES)
                .read_to_string(&mut text)
                .map(|_| text)
        });
        (format!("`{}`", file.display()), read)
    };
    let text = read.context(
        ErrorKind::Usage,
        format!("cannot read the task token from {name}"),
    )?;
    TaskToken::parse(&text, &name)
}

/// Parses the duration of a flag, which must not be zero.
fn flag(name: &str, text: &str) -> Result<Duration> {
    let parsed = duration(text).map_err(|error| {
        let message = format!("`{name}`: {error}");
        error.reworded(message)
    })?;
    if parsed.is_zero() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("`{name}` must be at least 1s, got {text}"),
        ));
    }
    if parsed > LONGEST {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "`{name} {text}` is more than the 99999999 s that Step Functions allows a task"
            ),
        )
        .hint("write a time such as `30m`"));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, CommandLine};
    use clap::Parser;

    #[test]
    fn the_defaults_of_the_flags_are_those_of_the_settings() {
        let words = ["drivetrain", "run", "a_job", "--output", "out"];
        let Command::Run(args) = CommandLine::parse_from(words).command else {
            panic!("not a run")
        };
        let (flags, settings) = (
            args.task.heartbeats().unwrap(),
            HeartbeatSettings::default(),
        );
        assert_eq!(flags.interval, settings.interval);
        assert_eq!(flags.timeout, settings.timeout);
    }
}
