//! A request to stop a run, such as Ctrl-C.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};

/// The time that a run has after a request to stop: to publish if it has committed, to clean up otherwise.
pub const GRACE: Duration = Duration::from_secs(2);

/// The part of [`GRACE`] in which new requests may start. The rest is for the answers to requests in flight, because a
/// store may lose an upload whose completion is cut off.
const BEGINNING: Duration = Duration::from_millis(1_500);

/// Receiver of a request to stop; clones receive the same request.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<Option<Instant>>);

/// The sender of a request to stop, which reaches every clone of its [`StopSignal`].
#[derive(Debug)]
pub struct Stopper(watch::Sender<Option<Instant>>);

impl Stopper {
    /// Creates a sender and a receiver of a request to stop.
    #[must_use]
    pub fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), StopSignal(receiver))
    }

    /// Requests a stop; a second request changes nothing.
    pub fn stop(&self) {
        self.0.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert_with(Instant::now);
            first
        });
    }
}

impl StopSignal {
    /// Creates a receiver of a request that never comes.
    #[must_use]
    pub fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// Returns `true` once a stop was requested.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Returns `true` once the stop was requested so long ago that no new request to a store may start.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        let stopped = *self.0.borrow();
        stopped.is_some_and(|at| at.elapsed() >= BEGINNING)
    }

    /// Waits for the request and returns its time; never returns if none can come.
    pub async fn wait(&self) -> Instant {
        let mut receiver = self.0.clone();
        if let Ok(stopped) = receiver.wait_for(Option::is_some).await
            && let Some(at) = *stopped
        {
            return at;
        }
        std::future::pending().await
    }

    /// Does the work and returns its result. If a stop is requested before the work is done, drops the unfinished work
    /// and returns `None`.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.wait() => None,
            done = work => Some(done),
        }
    }

    /// Does the work and returns its result. If a stop is requested before the work is done, drops the unfinished work.
    ///
    /// # Errors
    /// `Cancelled` if a stop is requested before the work is done, otherwise the error of the work.
    pub async fn or_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.unless(work).await.unwrap_or_else(|| Err(cancelled()))
    }

    /// Does the work and returns its result. If the work is not done when [`GRACE`] has passed since a request to stop,
    /// drops it and returns `None`.
    pub async fn grace<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let over = async {
            let stopped = self.wait().await;
            tokio::time::sleep_until(stopped + GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = over => None,
        }
    }
}

/// Returns the error of a run that was stopped before it committed.
#[must_use]
pub fn cancelled() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "stopped before anything was committed",
    )
}
