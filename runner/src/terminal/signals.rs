//! Installs handlers for Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::exit;
use crate::error::{Context, ErrorKind, Result};
use crate::terminal::stderr::note;
use crate::watch::{StopSignal, Stopper};

/// The line for people at the first signal.
pub const STOPPING: &str = "stopping; a second Ctrl-C ends the process at once";

/// Returns a signal that is set at the first Ctrl-C or SIGTERM; the second one ends the process at once.
///
/// After the first one, publishing or cleaning up may go on for [`GRACE`](crate::watch::GRACE).
///
/// # Errors
/// `Failed` if the handlers cannot be installed.
pub fn listen() -> Result<StopSignal> {
    Ok(listen_with_stopper()?.1)
}

/// As [`listen`]; the returned sender sets the same signal for other reasons.
///
/// # Errors
/// `Failed` if the handlers cannot be installed.
pub fn listen_with_stopper() -> Result<(Stopper, StopSignal)> {
    let (stopper, stop) = Stopper::new();
    let sender = stopper.clone();
    at_first(move || {
        note(STOPPING);
        sender.stop();
    })?;
    Ok((stopper, stop))
}

/// Calls `act` at the first Ctrl-C or SIGTERM; the second one ends the process at once.
///
/// # Errors
/// `Failed` if the handlers cannot be installed.
pub fn at_first(act: impl FnOnce() + Send + 'static) -> Result<()> {
    let refused = "cannot install the handlers for Ctrl-C and SIGTERM";
    let mut interrupt = signal(SignalKind::interrupt()).context(ErrorKind::Failed, refused)?;
    let mut terminate = signal(SignalKind::terminate()).context(ErrorKind::Failed, refused)?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        act();
        next().await;
        std::process::exit(i32::from(exit::code(ErrorKind::Cancelled)));
    });
    Ok(())
}
