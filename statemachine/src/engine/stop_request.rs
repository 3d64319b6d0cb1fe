//! Requests to stop an execution.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// The signal that stops an execution.
#[derive(Default)]
pub(crate) struct StopSignal {
    /// The first request.
    request: Mutex<Option<StopRequest>>,
    /// Signaled by each request.
    heard: Notify,
}

/// The error and the cause that the caller gives for the stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopRequest {
    /// The error's name, as the last event shows it.
    pub(crate) error: Option<String>,
    /// The error's cause, as the last event shows it.
    pub(crate) cause: Option<String>,
}

impl StopSignal {
    /// Requests a stop; only the first request counts.
    pub(crate) fn request(&self, request: StopRequest) {
        let mut first = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(request);
        self.heard.notify_one();
    }

    /// Waits for a request.
    pub(crate) async fn requested(&self) -> StopRequest {
        self.heard.notified().await;
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        request.clone().unwrap_or_default()
    }
}
