//! The last two stages of a run: committed, then published.

use std::sync::Arc;

use crate::commit::attempt_state::AttemptState;
use crate::commit::live_state::State;
use crate::commit::log::read_records;
use crate::commit::publish::{Settled, settle};
use crate::commit::record::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::watch::StopSignal;

/// A run whose record is in the log: its outcome is decided, and any process can publish it.
#[derive(Debug)]
#[must_use = "a committed run must still be published"]
pub struct Committed {
    /// The attempt that committed the run; the publish uses its store, keys and notes.
    inner: Arc<AttemptState>,
    /// The record as it was written to the log.
    record: Record,
}

/// A run whose parts are at their keys, whose replaced objects are deleted, and whose record is marked.
#[derive(Debug)]
pub struct Published {
    /// The attempt that committed the run.
    inner: Arc<AttemptState>,
    /// The record that was published and marked.
    record: Record,
}

/// The result of a publish that was not interrupted.
#[derive(Debug)]
#[must_use = "only `Published` is success"]
pub enum PublishOutcome {
    /// The parts are visible, the replaced objects are deleted, and the record is marked.
    Published(Published),
    /// The store dropped an upload, so the record is void; the run must start again at step 1.
    StartAgain,
}

impl Committed {
    /// Returns the committed run of an attempt; `record` must be in the log.
    pub(super) fn new(inner: Arc<AttemptState>, record: Record) -> Self {
        Self { inner, record }
    }

    /// Returns the record as it was written to the log.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Completes the uploads, deletes the replaced objects and marks the record. After a stop, the publish continues
    /// for two seconds at most.
    ///
    /// # Errors
    /// `TryAgain` if the publish does not finish. The run is committed, and the next process that reads the log
    /// finishes the publish, such as a retry of the same command.
    pub async fn publish(self, stop: &StopSignal) -> Result<PublishOutcome> {
        let inner = &self.inner;
        let settled = stop
            .grace(settle(&inner.store, &inner.layout, &self.record, stop))
            .await
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::TryAgain,
                    "the run is committed, but its publish is not finished",
                )
                .hint("run the same command again to finish the publish")
            })??;
        match settled {
            Settled::Voided => {
                stop.grace(inner.abandon()).await;
                Ok(PublishOutcome::StartAgain)
            }
            Settled::Published => {
                stop.grace(inner.forget()).await;
                Ok(PublishOutcome::Published(Published {
                    inner: self.inner,
                    record: self.record,
                }))
            }
        }
    }
}

impl Published {
    /// Returns the record, which is now published and marked.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the live state of the job right after this record. Only the records of other runs that were committed
    /// since this run began are read.
    ///
    /// # Errors
    /// The kind of the store's failure.
    pub async fn state(&self) -> Result<State> {
        let AttemptState {
            store,
            layout,
            target,
            ..
        } = &*self.inner;
        let mut records = read_records(store, layout, *target..=self.record.number - 1).await?;
        records.push(self.record.clone());
        let mut state = self.inner.state.clone();
        state.extend(&records);
        Ok(state)
    }
}
