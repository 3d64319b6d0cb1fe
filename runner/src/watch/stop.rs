//! A request to stop, from whoever started the run.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};

/// How long a committed run goes on publishing after it was told to stop.
pub const GRACE: Duration = Duration::from_secs(2);

/// How long it begins new completions: what is under way then is answered within the rest, for a store may lose an upload whose
/// completion is cut off.
const BEGINNING: Duration = Duration::from_millis(1_500);

/// Hears that the run is to stop; clones hear the same.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<Option<Instant>>);

/// Tells a run to stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Option<Instant>>);

impl Stopper {
    /// A way to stop, and a way to hear it.
    #[must_use]
    pub fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), StopSignal(receiver))
    }

    /// Asks to stop; asking again changes nothing.
    pub fn stop(&self) {
        self.0.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert_with(Instant::now);
            first
        });
    }
}

impl StopSignal {
    /// A signal that never comes.
    #[must_use]
    pub fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// Whether it has come.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Whether so long ago that nothing new is begun.
    pub fn is_closing(&self) -> bool {
        let stopped = *self.0.borrow();
        stopped.is_some_and(|at| at.elapsed() >= BEGINNING)
    }

    /// Waits until it comes, for ever where it cannot.
    pub async fn wait(&self) -> Instant {
        let mut receiver = self.0.clone();
        if let Ok(stopped) = receiver.wait_for(Option::is_some).await
            && let Some(at) = *stopped
        {
            return at;
        }
        std::future::pending().await
    }

    /// Does the work, unless the signal comes first: then `None`, and the work is dropped where it stands.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.wait() => None,
            done = work => Some(done),
        }
    }

    /// Does the work, unless the signal comes first.
    ///
    /// # Errors
    /// `Cancelled` where it did, otherwise what the work says.
    pub async fn or_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.unless(work).await.unwrap_or_else(|| Err(cancelled()))
    }

    /// Does the work, for [`GRACE`] at most after the signal came: then `None`.
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

/// What a run answers that was stopped before it committed.
#[must_use]
pub fn cancelled() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "stopped before anything was committed",
    )
}
