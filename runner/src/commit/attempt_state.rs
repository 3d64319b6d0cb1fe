//! State that all handles of one attempt share: its uploads, their notes and the requests in flight.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tracing::{debug, warn};

use crate::commit::attempt_notes::{Journal, OpenUpload, abort, forget};
use crate::commit::bounded_concurrency::together;
use crate::commit::layout::Layout;
use crate::commit::live_state::State;
use crate::commit::output_plan::OutputPlan;
use crate::commit::pending_fsyncs::PendingFsyncs;
use crate::commit::record::{AttemptId, Consumed, Output, Part, Run, RunId, Sums};
use crate::error::Result;
use crate::store::Store;

/// The longest wait for requests in flight when an attempt is abandoned: half of the two seconds that a stop allows.
const QUIET: Duration = Duration::from_secs(1);

/// The shared state of one attempt: its target and the uploads that it opened.
#[derive(Debug)]
pub(super) struct AttemptState {
    /// The store of the tables and the log.
    pub store: Store,
    /// The keys of the job's tables, log and notes in `store`.
    pub layout: Layout,
    /// The id of the run that this attempt tries to commit.
    pub run: RunId,
    /// The attempt's id, which is part of every key that it writes.
    pub id: AttemptId,
    /// The record number that the commit tries first: one more than the last record that the run read.
    pub target: u64,
    /// The live state that the run read.
    pub state: State,
    /// The sums that the run has computed for parts of earlier runs, by table and key.
    pub older_sums: Mutex<BTreeMap<String, BTreeMap<String, Sums>>>,
    /// The plan of each table, with the keys that the run deletes from it.
    pub outputs: Vec<(OutputPlan, Vec<String>)>,
    /// Input objects that no later append may read again.
    pub consumed: Vec<Consumed>,
    /// The sequence number of the next part, counted from 1; the key of the part contains it.
    pub next: AtomicU64,
    /// The uploads that were opened, and the notes that record them.
    pub journal: Journal,
    /// The fsyncs of finished parts, which the commit waits for.
    pub fsyncs: Arc<PendingFsyncs>,
    /// A lock that each request holds for reading while it opens or fills an upload. `quiet` locks it for writing, and
    /// so waits for all these requests. Without the lock, the store could finish a canceled request after the abort and
    /// keep an upload that no note mentions.
    pub in_flight: Arc<RwLock<()>>,
    /// `true` once the attempt is abandoned; no upload is opened from then on.
    pub is_abandoned: AtomicBool,
}

impl AttemptState {
    /// Opens an upload, records it in the attempt's notes, and returns the upload's id.
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

    /// Blocks new requests and waits for those in flight. Returns `None` after [`QUIET`], because a stop must finish
    /// within two seconds.
    async fn quiet(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        tokio::time::timeout(QUIET, self.in_flight.write())
            .await
            .ok()
    }

    /// Waits until all parts, and the directory entries of their staged files, survive a power failure.
    pub async fn seal(&self, outputs: &[Output]) -> Result<()> {
        let parts = outputs.iter().flat_map(|output| &output.parts);
        together(parts.map(|part| self.seal_one(part)))
            .try_collect::<()>()
            .await?;
        let folders = [self.layout.staged(&self.id)];
        let settled = self.store.objects().settle(&folders).await;
        settled.map_err(|error| self.store.explain(error, "sync the staged parts to disk"))
    }

    /// Waits until the bytes of one staged part survive a power failure.
    async fn seal_one(&self, part: &Part) -> Result<()> {
        let key = part.path()?;
        let sealed = self.fsyncs.end(&self.store, &key, part).await;
        sealed.map_err(|error| {
            let url = self.store.location().url(&key);
            self.store.explain(error, format!("write `{url}`"))
        })
    }

    /// Aborts the opened uploads that the record of `run` does not list.
    pub async fn drop_unused(&self, run: &Run) {
        let _quiet = self.quiet().await;
        let used: BTreeSet<&str> = run.parts().map(|part| part.upload.id.as_str()).collect();
        let mut unused = self.journal.opened();
        unused.retain(|upload| !used.contains(upload.id.as_str()));
        abort(&self.store, unused).await;
    }

    /// Aborts all uploads, marks the attempt as ended, and deletes its notes if all aborts succeeded.
    pub async fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
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
            warn!(attempt = %self.id, %error, "cannot mark the attempt as ended; `drivetrain vacuum` will clean up after it");
        } else if aborted {
            self.forget().await;
        }
    }

    /// Deletes the attempt's notes. A failure is only logged: `vacuum` tries again, and so does the next run if the
    /// attempt is marked as ended.
    pub async fn forget(&self) {
        if let Err(error) = forget(&self.store, &self.layout, &self.id).await {
            debug!(attempt = %self.id, %error, "cannot delete the notes of the attempt; the next run or `drivetrain vacuum` will clean up");
        }
    }
}
