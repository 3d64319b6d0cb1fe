//! The last stages of a run: committed, then published.

use std::sync::Arc;

use crate::commit::attempt_state::AttemptState;
use crate::commit::publish::{Settled, settle};
use crate::commit::record::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::watch::StopSignal;

/// The run's record is in the log: it is decided, and anybody can publish it.
#[derive(Debug)]
#[must_use = "a committed run is still to be published"]
pub struct Committed {
    inner: Arc<AttemptState>,
    record: Record,
}

/// The run is done: its parts are at their keys, what it replaced is gone, and its record is marked.
#[derive(Debug)]
pub struct Published {
    record: Record,
}

/// How a publish ended.
#[derive(Debug)]
#[must_use = "only `Published` is success"]
pub enum PublishOutcome {
    /// All is done.
    Published(Published),
    /// The store had dropped an upload: the record is void, and the run is to start again at step 1.
    StartAgain,
}

impl Committed {
    pub(super) fn new(inner: Arc<AttemptState>, record: Record) -> Self {
        Self { inner, record }
    }

    /// What was committed.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Completes the uploads, takes away what is replaced, and marks the record. After a stop it goes on for two seconds at most.
    ///
    /// # Errors
    /// `TryAgain` where it is not finished: the run is committed, and the same command (or anybody's next) finishes it.
    pub async fn publish(self, stop: &StopSignal) -> Result<PublishOutcome> {
        let inner = &self.inner;
        let settled = stop
            .grace(settle(&inner.store, &inner.layout, &self.record, stop))
            .await
            .ok_or_else(|| {
                Error::new(ErrorKind::TryAgain, "committed, publish pending")
                    .hint("run the same command again: it finishes the publish")
            })??;
        match settled {
            Settled::Voided => {
                stop.grace(inner.abandon()).await;
                Ok(PublishOutcome::StartAgain)
            }
            Settled::Published => {
                stop.grace(inner.forget()).await;
                let record = self.record;
                Ok(PublishOutcome::Published(Published { record }))
            }
        }
    }
}

impl Published {
    /// What was published.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
}
