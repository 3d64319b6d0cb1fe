//! The signal and the request that stop an execution.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// The signal that stops an execution: the caller or the recorder sends it, and the execution waits for it.
#[derive(Default)]
pub(crate) struct StopSignal {
    /// The first request; `None` as long as no stop was requested.
    request: Mutex<Option<StopRequest>>,
    /// The notification that each request sends to the waiting execution.
    heard: Notify,
}

/// The error and the cause with which an execution is stopped.
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

    /// Waits until a stop is requested, and returns the first request.
    pub(crate) async fn requested(&self) -> StopRequest {
        self.heard.notified().await;
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        request.clone().unwrap_or_default()
    }
}
