//! A request that an execution stop.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Where an execution hears that it is to stop.
#[derive(Default)]
pub(crate) struct StopSignal {
    request: Mutex<Option<StopRequest>>,
    heard: Notify,
}

/// What is said of the stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopRequest {
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
}

impl StopSignal {
    /// Asks for a stop; of several requests the first counts.
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
