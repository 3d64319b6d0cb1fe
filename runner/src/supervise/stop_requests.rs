//! The requests to stop that reach a process from outside: signals, and the end of the process that started it.

use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use crate::error::{Context, ErrorKind, Result};
use crate::supervise::system_shutdown::shutdown;
use crate::watch::{StopReason, Stopper};

/// The interval at which a process asks whether the one that started it still runs.
pub(super) const PARENT_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Stops the run at the first signal that asks the process to end: SIGINT, SIGTERM, SIGHUP or SIGQUIT. If the system
/// shuts down, which sends SIGTERM too, that is the reason. `act` is called at each signal with its number, from 1.
///
/// A hang-up that this process was started to ignore, as by `nohup`, stays ignored.
///
/// # Errors
/// `Failed` if the handlers cannot be installed.
pub fn stop_at_signals(stopper: Stopper, act: impl Fn(usize) + Send + 'static) -> Result<()> {
    let listen = |kind: SignalKind| {
        signal(kind).context(
            ErrorKind::Failed,
            "cannot install the handlers for Ctrl-C and SIGTERM",
        )
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut quit = listen(SignalKind::quit())?;
    let mut hang_up = if ignores_hang_up() {
        None
    } else {
        Some(listen(SignalKind::hangup())?)
    };
    tokio::spawn(async move {
        for number in 1.. {
            let is_terminate = tokio::select! {
                _ = interrupt.recv() => false,
                _ = terminate.recv() => true,
                _ = quit.recv() => false,
                () = received(hang_up.as_mut()) => false,
            };
            act(number);
            if number > 1 {
                continue;
            }
            let reason = if is_terminate { shutdown().await } else { None };
            match reason {
                Some(reason) => stopper.stop_because(reason),
                None => stopper.stop(),
            }
        }
    });
    Ok(())
}

/// Waits for a signal; never returns without a listener.
async fn received(listener: Option<&mut Signal>) {
    match listener {
        Some(listener) => {
            listener.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns `true` if this process ignores SIGHUP, or if the system does not say so.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, which is the lowest bit.
    ignored.is_none_or(|mask| mask & 1 == 1)
}

/// Stops the run once `launcher`, the process that started this one, has ended. A parent-death signal of the system would
/// not do: it follows the thread that started this process.
pub fn stop_with_launcher(launcher: u32, stopper: Stopper) {
    tokio::spawn(async move {
        while parent_id() == launcher {
            sleep(PARENT_CHECK_INTERVAL).await;
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
