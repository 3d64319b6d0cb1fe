//! Being asked to stop: Ctrl-C and SIGTERM.

use tokio::sync::watch;

use crate::error::{Context, Error, ErrorKind, Result};

/// Says whether the process was asked to stop; clones hear the same.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for Ctrl-C and SIGTERM from now on; a second one ends the process at once.
    ///
    /// # Errors
    /// `Failed`, if the system refuses the handlers.
    pub fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let refused = "cannot listen for signals";
        let mut interrupt = signal(SignalKind::interrupt()).context(ErrorKind::Failed, refused)?;
        let mut terminate = signal(SignalKind::terminate()).context(ErrorKind::Failed, refused)?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            for nth in 0.. {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if nth > 0 {
                    std::process::exit(i32::from(crate::exit::code(ErrorKind::Cancelled)));
                }
                sender.send_replace(true);
            }
        });
        Ok(Self(receiver))
    }

    /// One that nobody ever uses.
    #[must_use]
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// Whether it was asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked.
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }

    /// Runs work that may be dropped at any time, and gives it up when asked to stop.
    ///
    /// # Errors
    /// The work's own, or `Cancelled`.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.wait() => Err(Error::new(ErrorKind::Cancelled, "stopped before anything was committed")),
            result = work => result,
        }
    }
}
