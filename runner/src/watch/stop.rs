//! A request to stop a run, such as Ctrl-C.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};

/// The time that a run has after a request to stop: to publish if it has committed, to clean up otherwise.
pub const GRACE: Duration = Duration::from_secs(2);

/// The part of [`GRACE`] in which new requests may start. The rest is for the answers to requests in flight, because a
/// store may lose an upload whose completion is cut off.
const BEGINNING: Duration = Duration::from_millis(1_500);

/// The reason of a request to stop, from which the error of a run follows that stops before it commits.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StopReason {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The message of the error: why the run was asked to stop.
    pub message: String,
    /// The hint of the error: what to do about it.
    pub hint: Option<String>,
}

impl StopReason {
    /// Returns the error of a run that stops for this reason.
    #[must_use]
    pub fn into_error(self) -> Error {
        let error = Error::new(self.kind, self.message);
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// A request to stop.
#[derive(Clone, Debug)]
struct StopRequest {
    /// The time of the first request.
    at: Instant,
    /// The reason; `None` for Ctrl-C or SIGTERM.
    reason: Option<StopReason>,
}

/// Receiver of a request to stop; clones receive the same request.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<Option<StopRequest>>);

/// The sender of a request to stop, which reaches every clone of its [`StopSignal`]; clones send the same request.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Option<StopRequest>>);

impl Stopper {
    /// Creates a sender and a receiver of a request to stop.
    #[must_use]
    pub fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), StopSignal(receiver))
    }

    /// Requests a stop, as Ctrl-C does; a second request changes nothing.
    pub fn stop(&self) {
        self.request(None);
    }

    /// Requests a stop for a reason. After an earlier request without a reason, only the reason is added; the time of
    /// the first request and the first reason stay.
    pub fn stop_because(&self, reason: StopReason) {
        self.request(Some(reason));
    }

    /// Sends the request, or adds the reason to one that has none.
    fn request(&self, reason: Option<StopReason>) {
        self.0.send_if_modified(|stopped| {
            let is_first = stopped.is_none();
            let request = stopped.get_or_insert_with(|| StopRequest {
                at: Instant::now(),
                reason: None,
            });
            let is_new = request.reason.is_none() && reason.is_some();
            if is_new {
                request.reason = reason;
            }
            is_first || is_new
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
        let stopped = self.0.borrow();
        stopped
            .as_ref()
            .is_some_and(|request| request.at.elapsed() >= BEGINNING)
    }

    /// Waits for the request and returns its time; never returns if none can come.
    pub async fn wait(&self) -> Instant {
        let mut receiver = self.0.clone();
        if let Ok(stopped) = receiver.wait_for(Option::is_some).await
            && let Some(request) = &*stopped
        {
            return request.at;
        }
        std::future::pending().await
    }

    /// Waits for a request with a reason and returns the reason; never returns if none comes.
    pub async fn reason(&self) -> StopReason {
        let has_reason = |stopped: &Option<StopRequest>| {
            stopped
                .as_ref()
                .is_some_and(|request| request.reason.is_some())
        };
        let mut receiver = self.0.clone();
        let stopped = receiver.wait_for(has_reason).await;
        if let Ok(stopped) = stopped
            && let Some(reason) = stopped.as_ref().and_then(|request| request.reason.clone())
        {
            return reason;
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
    /// That of [`StopSignal::error`] if a stop is requested before the work is done, otherwise the error of the work.
    pub async fn or_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.unless(work).await.unwrap_or_else(|| Err(self.error()))
    }

    /// Returns the error of a run that stops before it committed: that of the reason, otherwise `Cancelled`.
    #[must_use]
    pub fn error(&self) -> Error {
        let reason = self
            .0
            .borrow()
            .as_ref()
            .and_then(|request| request.reason.clone());
        match reason {
            None => Error::new(
                ErrorKind::Cancelled,
                "stopped before anything was committed",
            ),
            Some(reason) => reason.into_error(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(kind: ErrorKind, message: &str) -> StopReason {
        StopReason {
            kind,
            message: message.to_owned(),
            hint: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reason_joins_an_earlier_request_and_does_not_renew_its_time() {
        let (stopper, stop) = Stopper::new();
        stopper.stop();
        let at = stop.wait().await;
        assert_eq!(stop.error().kind(), ErrorKind::Cancelled);
        tokio::time::sleep(GRACE).await;
        stopper.stop_because(reason(ErrorKind::TryAgain, "first"));
        stopper.stop_because(reason(ErrorKind::Failed, "second"));
        assert_eq!(stop.wait().await, at);
        assert_eq!(stop.error().kind(), ErrorKind::TryAgain);
        assert_eq!(stop.error().to_string(), "first");
        assert_eq!(stop.reason().await.message, "first");
    }
}
