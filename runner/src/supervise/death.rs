//! The end of a child process that did not report the end of its run.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::error::{Error, ErrorKind, exit};

/// The end of a child process that has not reported the end of its run.
#[derive(Debug)]
pub(super) struct Death {
    /// The exit code or the signal of the process.
    pub status: ExitStatus,
    /// `true` if the child had announced the put of its record.
    pub is_put_announced: bool,
    /// `true` if the system ended a process of the same control group for lack of memory.
    pub is_out_of_memory: bool,
    /// The error of the request to stop that came before; `None` if none came.
    pub stopped: Option<Error>,
}

impl Death {
    /// Returns the error of the run. After the put was announced, only the log says whether the run is committed, so the
    /// error is always `TryAgain`.
    pub fn into_error(self) -> Error {
        let (status, killed) = (self.status, self.status.signal());
        let end = match killed {
            Some(number) => format!("was ended by signal {}", name(number)),
            None => format!("ended with exit code {}", status.code().unwrap_or_default()),
        };
        let process = "the process that did the work";
        if self.is_put_announced {
            return Error::new(
                ErrorKind::TryAgain,
                format!("{process} {end} while it committed the run, which may be committed"),
            )
            .hint("run the same command again: it reads the log, and finds the run done or commits it");
        }
        if killed == Some(Signal::SIGKILL as i32) && self.is_out_of_memory {
            return Error::new(
                ErrorKind::OutOfMemory,
                format!("the system ended {process} for lack of memory; nothing was published"),
            )
            .hint("give the node or the container more memory, or lower `--memory-limit`");
        }
        if let Some(stopped) = self.stopped {
            return stopped;
        }
        let nothing = format!("{process} {end}; nothing was published");
        let cancelled = i32::from(exit::code(ErrorKind::Cancelled));
        match killed.map(Signal::try_from) {
            Some(Ok(Signal::SIGKILL)) => Error::new(
                ErrorKind::TryAgain,
                format!("{process} {end}, and it is not known who sent it; nothing was published"),
            )
            .hint("run the task again; if it happens again, look for `oom` in the kernel's log of the node"),
            Some(Ok(Signal::SIGTERM | Signal::SIGINT)) => Error::new(ErrorKind::Cancelled, nothing),
            None if status.code() == Some(cancelled) => Error::new(ErrorKind::Cancelled, nothing),
            _ => Error::new(ErrorKind::Failed, nothing)
                .hint("this is a bug: please report it with the last lines on standard error"),
        }
    }
}

/// Returns the number of a signal with its name, such as `9 (SIGKILL)`.
fn name(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(signal) => format!("{number} ({signal})"),
        Err(_) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the error for a raw status of `wait`: a signal below 128, or an exit code times 256.
    fn error(raw: i32, change: impl Fn(&mut Death)) -> Error {
        let mut death = Death {
            status: ExitStatus::from_raw(raw),
            is_put_announced: false,
            is_out_of_memory: false,
            stopped: None,
        };
        change(&mut death);
        death.into_error()
    }

    #[test]
    fn a_death_before_the_put_is_answered_by_its_cause() {
        for (raw, kind, text) in [
            (
                9,
                ErrorKind::TryAgain,
                "signal 9 (SIGKILL), and it is not known who",
            ),
            (15, ErrorKind::Cancelled, "SIGTERM"),
            (2, ErrorKind::Cancelled, "SIGINT"),
            (143 << 8, ErrorKind::Cancelled, "exit code 143"),
            (11, ErrorKind::Failed, "signal 11 (SIGSEGV)"),
            (6, ErrorKind::Failed, "SIGABRT"),
            (101 << 8, ErrorKind::Failed, "exit code 101"),
            (0, ErrorKind::Failed, "exit code 0"),
        ] {
            let error = error(raw, |_| ());
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(text), "{error}");
            assert!(
                error.to_string().contains("nothing was published"),
                "{error}"
            );
        }
    }

    #[test]
    fn signal_9_is_a_lack_of_memory_only_with_proof() {
        let lack = |death: &mut Death| death.is_out_of_memory = true;
        assert_eq!(error(9, lack).kind(), ErrorKind::OutOfMemory);
        assert_eq!(error(11, lack).kind(), ErrorKind::Failed);
    }

    #[test]
    fn a_death_after_a_request_to_stop_is_answered_by_the_request() {
        let stopped = |death: &mut Death| {
            death.stopped = Some(Error::new(ErrorKind::NodeLost, "the node ends"));
        };
        assert_eq!(error(9, stopped).kind(), ErrorKind::NodeLost);
        assert_eq!(error(143 << 8, stopped).kind(), ErrorKind::NodeLost);
    }

    #[test]
    fn a_death_after_the_put_was_announced_is_always_answered_with_try_again() {
        for raw in [0, 2, 6, 9, 11, 15, 101 << 8, 143 << 8] {
            let error = error(raw, |death| {
                death.is_put_announced = true;
                death.is_out_of_memory = true;
                death.stopped = Some(Error::new(ErrorKind::Cancelled, "stopped"));
            });
            assert_eq!(error.kind(), ErrorKind::TryAgain);
            assert!(error.to_string().contains("may be committed"), "{error}");
        }
    }
}
