//! What the handles of one attempt share: its uploads, their notes, and the requests in flight.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tracing::{debug, warn};

use crate::commit::attempt_notes::{Journal, OpenUpload, abort, forget};
use crate::commit::bounded_concurrency::together;
use crate::commit::layout::Layout;
use crate::commit::output_plan::OutputPlan;
use crate::commit::pending_fsyncs::PendingFsyncs;
use crate::commit::record::{AttemptId, Consumed, Output, Part, Run, RunId};
use crate::error::Result;
use crate::store::Store;

/// How long giving up waits for requests under way: half of what a stop leaves for all of it.
const QUIET: Duration = Duration::from_secs(1);

/// An attempt as its handles share it: what it aims at, and what it has opened.
#[derive(Debug)]
pub(super) struct AttemptState {
    pub store: Store,
    pub layout: Layout,
    pub run: RunId,
    pub id: AttemptId,
    pub target: u64,
    pub outputs: Vec<(OutputPlan, Vec<String>)>,
    pub consumed: Vec<Consumed>,
    pub next: AtomicU64,
    pub journal: Journal,
    pub seals: Arc<PendingFsyncs>,
    /// Held by each request that opens or fills an upload: one that is given up while the store works on it would otherwise
    /// come after the abort, and leave behind what nobody knows of.
    pub under_way: Arc<RwLock<()>>,
    /// From then on nothing is opened.
    pub is_given_up: AtomicBool,
}

impl AttemptState {
    /// Opens an upload and writes it down.
    pub async fn open(&self, key: &Path, staging: &Path) -> Result<String> {
        let opened = self.store.objects().open_upload(key, staging).await;
        let id = opened.map_err(|error| {
            let url = self.store.location().url(key);
            self.store
                .explain(error, format!("open an upload to `{url}`"))
        })?;
        let upload = OpenUpload {
            key: key.to_string(),
            id: id.clone(),
        };
        self.journal
            .add(&self.store, &self.layout, &self.id, upload)
            .await?;
        Ok(id)
    }

    /// Waits for requests that nobody waits for any more, and lets no other begin; in vain after a while, for a stop is heard
    /// in two seconds.
    async fn quiet(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        tokio::time::timeout(QUIET, self.under_way.write())
            .await
            .ok()
    }

    /// Waits until all parts last through a power cut.
    pub async fn seal(&self, outputs: &[Output]) -> Result<()> {
        let parts = outputs.iter().flat_map(|output| &output.parts);
        together(parts.map(|part| self.seal_one(part)))
            .try_collect::<()>()
            .await?;
        let folders = [self.layout.staged(&self.id)];
        let settled = self.store.objects().settle(&folders).await;
        settled.map_err(|error| self.store.explain(error, "make the staged parts last"))
    }

    async fn seal_one(&self, part: &Part) -> Result<()> {
        let key = part.path()?;
        let sealed = self.seals.end(&self.store, &key, part).await;
        sealed.map_err(|error| {
            let url = self.store.location().url(&key);
            self.store.explain(error, format!("write `{url}`"))
        })
    }

    /// Aborts uploads that were opened and are not in the record.
    pub async fn drop_unused(&self, run: &Run) {
        let _quiet = self.quiet().await;
        let used: BTreeSet<&str> = run.parts().map(|part| part.upload.id.as_str()).collect();
        let mut unused = self.journal.opened();
        unused.retain(|upload| !used.contains(upload.id.as_str()));
        abort(&self.store, unused).await;
    }

    /// Aborts all uploads and marks the attempt ended, then takes its notes away.
    pub async fn abandon(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        let _quiet = self.quiet().await;
        let aborted = abort(&self.store, self.journal.opened()).await;
        let ended = self
            .store
            .put(
                &self.layout.ended(&self.id),
                bytes::Bytes::from_static(b"{}"),
            )
            .await;
        if let Err(error) = ended {
            warn!(attempt = %self.id, %error, "not marked as ended, left to vacuum");
        } else if aborted {
            self.forget().await;
        }
    }

    /// Takes away the attempt's notes.
    pub async fn forget(&self) {
        if let Err(error) = forget(&self.store, &self.layout, &self.id).await {
            debug!(attempt = %self.id, %error, "notes are left to vacuum");
        }
    }
}
