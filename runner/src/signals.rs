//! Being asked to stop: Ctrl-C and SIGTERM.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

use crate::commit::{StopSignal, Stopper};
use crate::display::AboveBar;
use crate::error::{Context, ErrorKind, Result};
use crate::exit;

/// Listens for Ctrl-C and SIGTERM from now on; the second one ends the process at once.
///
/// # Errors
/// `Failed`, if the system refuses the handlers.
pub fn listen() -> Result<StopSignal> {
    let refused = "cannot listen for signals";
    let mut interrupt = signal(SignalKind::interrupt()).context(ErrorKind::Failed, refused)?;
    let mut terminate = signal(SignalKind::terminate()).context(ErrorKind::Failed, refused)?;
    let (stopper, stop) = Stopper::new();
    tokio::spawn(async move {
        for nth in 0_u8.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if nth > 0 {
                std::process::exit(i32::from(exit::code(ErrorKind::Cancelled)));
            }
            // Nobody can be told where this fails.
            writeln!(AboveBar, "stopping").ok();
            stopper.stop();
        }
    });
    Ok(stop)
}
