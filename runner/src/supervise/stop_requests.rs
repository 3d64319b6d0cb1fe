//! The requests to stop that reach the parent from outside: signals, and the end of its own parent.

use std::os::unix::process::parent_id;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::error::{Context, ErrorKind, Result};
use crate::supervise::system_shutdown::shutdown;
use crate::watch::{StopReason, Stopper};

/// The interval at which the parent asks who its own parent is.
const PARENT: Duration = Duration::from_secs(1);

/// Listens for SIGINT and SIGTERM: each stops the run, and is returned once by the receiver, to be forwarded. A SIGTERM
/// of a system that shuts down becomes a reason to stop instead.
///
/// # Errors
/// `Failed` if the handlers cannot be installed.
pub(super) fn signals(stopper: Stopper) -> Result<mpsc::UnboundedReceiver<Signal>> {
    let refused = "cannot install the handlers for Ctrl-C and SIGTERM";
    let mut interrupt = signal(SignalKind::interrupt()).context(ErrorKind::Failed, refused)?;
    let mut terminate = signal(SignalKind::terminate()).context(ErrorKind::Failed, refused)?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut has_stopped = false;
    tokio::spawn(async move {
        loop {
            let sent = tokio::select! {
                _ = interrupt.recv() => Signal::SIGINT,
                _ = terminate.recv() => Signal::SIGTERM,
            };
            // A system that shuts down sends SIGTERM too. Its reason replaces the signal, which the child would take
            // for a user's.
            let reason = match sent {
                Signal::SIGTERM if !has_stopped => shutdown().await,
                _ => None,
            };
            has_stopped = true;
            if let Some(reason) = reason {
                stopper.stop_because(reason);
                continue;
            }
            stopper.stop();
            if sender.send(sent).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Stops the run once the process that started this one has ended. A parent-death signal of the system would not do: it
/// follows the thread that started this process.
pub(super) fn stop_with_parent(stopper: Stopper) {
    let first = parent_id();
    tokio::spawn(async move {
        while parent_id() == first {
            sleep(PARENT).await;
        }
        stopper.stop_because(StopReason {
            kind: ErrorKind::Cancelled,
            message:
                "stopped before anything was committed, because the process that started this run has ended"
                    .to_owned(),
            hint: Some("keep the process that starts the run until the run has ended".to_owned()),
        });
    });
}
