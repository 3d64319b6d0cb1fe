//! Handlers of Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::exit;
use crate::error::{Context, ErrorKind, Result};
use crate::terminal::stderr::note;
use crate::watch::{StopSignal, Stopper};

/// Returns a receiver of a stop at the first Ctrl-C or SIGTERM; the second one ends the process at once. The work that may still
/// finish after the first is limited by [`GRACE`](crate::watch::GRACE).
///
/// # Errors
/// `Failed`, if the system refuses the handlers.
pub fn listen() -> Result<StopSignal> {
    let (stopper, stop) = Stopper::new();
    at_first(move || {
        note("stopping");
        stopper.stop();
    })?;
    Ok(stop)
}

/// Calls `act` at the first Ctrl-C or SIGTERM; the second one ends the process at once.
///
/// # Errors
/// `Failed`, if the system refuses the handlers.
pub fn at_first(act: impl FnOnce() + Send + 'static) -> Result<()> {
    let refused = "cannot listen for signals";
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
