//! Step 3: one try at a run, and what it leaves behind when it is given up.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{RwLock, RwLockWriteGuard};
use tracing::{debug, warn};

use crate::commit::attempt_notes::{Journal, OpenUpload, Started, abort, forget};
use crate::commit::bounded_concurrency::together;
use crate::commit::layout::Layout;
use crate::commit::open::OutputPlan;
use crate::commit::part_writer::{PartWriter, StagedPart};
use crate::commit::partition::Partition;
use crate::commit::pending_fsyncs::Seals;
use crate::commit::record::{AttemptId, Consumed, Output, Part, Replaces, Run, RunId};
use crate::commit::run_id::hex;
use crate::commit::staged::Staged;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::Store;
use crate::watch::{StopSignal, cancelled};

/// How long giving up waits for requests under way: half of what a stop leaves for all of it.
const QUIET: Duration = Duration::from_secs(1);

impl AttemptId {
    /// A new id: 96 bits from the system's random source, mixed with process and time.
    #[must_use]
    pub fn random() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut hash = Sha256::new();
        for _ in 0..4 {
            // Each `RandomState` has keys of its own from the system.
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            hash.update(RandomState::new().hash_one(next).to_le_bytes());
        }
        hash.update(std::process::id().to_le_bytes());
        hash.update(chrono::Utc::now().timestamp_micros().to_le_bytes());
        Self(hex(&hash.finalize()[..12]))
    }
}

/// One try at a run: opens parts that nobody sees until the commit.
#[derive(Debug)]
pub struct Attempt(Arc<Inner>);

/// Opens parts of an attempt from several tasks; clones are of the same attempt.
#[derive(Clone, Debug)]
pub struct Stager(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub store: Store,
    pub layout: Layout,
    pub run: RunId,
    pub id: AttemptId,
    pub target: u64,
    outputs: Vec<(OutputPlan, Vec<String>)>,
    consumed: Vec<Consumed>,
    next: AtomicU64,
    journal: Journal,
    seals: Arc<Seals>,
    /// Held by each request that opens or fills an upload: one that is given up while the store works on it would otherwise
    /// come after the abort, and leave behind what nobody knows of.
    under_way: Arc<RwLock<()>>,
    /// From then on nothing is opened.
    is_given_up: AtomicBool,
}

impl Attempt {
    pub(super) async fn begin(
        store: Store,
        layout: Layout,
        run: RunId,
        target: u64,
        outputs: Vec<(OutputPlan, Vec<String>)>,
        consumed: Vec<Consumed>,
    ) -> Result<Self> {
        let inner = Inner {
            id: AttemptId::random(),
            store,
            layout,
            run,
            target,
            outputs,
            consumed,
            next: AtomicU64::new(1),
            journal: Journal::default(),
            seals: Arc::default(),
            under_way: Arc::default(),
            is_given_up: AtomicBool::new(false),
        };
        let started = Started {
            run: inner.run.clone(),
            aims_at: target,
        };
        let body = serde_json::to_vec(&started)
            .context(ErrorKind::Failed, "cannot write the start of an attempt")?;
        let key = inner.layout.started(&inner.id);
        inner.store.put(&key, body.into()).await?;
        Ok(Self(Arc::new(inner)))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &AttemptId {
        &self.0.id
    }

    /// What it tries.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.0.run
    }

    /// A handle that opens parts from other tasks.
    #[must_use]
    pub fn stager(&self) -> Stager {
        Stager(Arc::clone(&self.0))
    }

    /// Opens a part; see [`Stager::part`].
    ///
    /// # Errors
    /// As [`Stager::part`].
    pub async fn part(
        &self,
        table: &str,
        partition: Partition,
        extension: &str,
    ) -> Result<PartWriter> {
        self.stager().part(table, partition, extension).await
    }

    /// Step 4, as far as the commit can see it: makes sure that `parts` hold `rows` rows of each table and lie where the run may
    /// write; drops parts that were opened and are not among them. The job's own checks are the caller's, before this.
    ///
    /// `summary` is remembered in the record.
    ///
    /// # Errors
    /// `Failed` where something does not add up; then the attempt is given up.
    pub async fn stage(
        self,
        parts: Vec<StagedPart>,
        rows: &BTreeMap<String, u64>,
        summary: Value,
    ) -> Result<Staged> {
        let parts = parts.into_iter().map(StagedPart::into_part).collect();
        match self.verified(parts, rows) {
            Ok(outputs) => {
                let run = Run {
                    run: self.0.run.clone(),
                    attempt: self.0.id.clone(),
                    outputs,
                    consumed: self.0.consumed.clone(),
                    summary,
                };
                Ok(Staged::new(self.0, run))
            }
            Err(error) => {
                self.0.abandon().await;
                Err(error)
            }
        }
    }

    fn verified(
        &self,
        parts: Vec<(String, Part)>,
        rows: &BTreeMap<String, u64>,
    ) -> Result<Vec<Output>> {
        let failed = |message: String| Error::new(ErrorKind::Failed, message);
        let mut tables: BTreeMap<String, Vec<Part>> = BTreeMap::new();
        for (table, part) in parts {
            tables.entry(table).or_default().push(part);
        }
        let mut outputs = Vec::new();
        for (plan, deletes) in &self.0.outputs {
            let mut parts = tables.remove(&plan.table).unwrap_or_default();
            parts.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            let staged: u64 = parts.iter().map(|part| part.rows).sum();
            let expected = rows.get(&plan.table).copied().unwrap_or(0);
            if staged != expected {
                return Err(failed(format!(
                    "table `{}`: expected {expected} rows in its parts, got {staged}",
                    plan.table
                )));
            }
            for part in &parts {
                let misses = |column: &&String| part.partition.value(column).is_none();
                if let Some(column) = plan.columns.partition_by.iter().find(misses) {
                    return Err(failed(format!(
                        "part `{}` lies in no partition of `{column}`",
                        part.key
                    )));
                }
                if let Replaces::Window(window) = &plan.replaces
                    && !window.contains(&part.partition)
                {
                    return Err(failed(format!(
                        "part `{}` lies outside the window {window}",
                        part.key
                    )));
                }
            }
            outputs.push(Output {
                table: plan.table.clone(),
                columns: plan.columns.clone(),
                replaces: plan.replaces.clone(),
                written: parts.iter().map(|part| part.partition.clone()).collect(),
                parts,
                deletes: deletes.clone(),
            });
        }
        match tables.keys().next() {
            Some(table) => Err(failed(format!("table `{table}` is no output of this run"))),
            None => Ok(outputs),
        }
    }

    /// Gives the attempt up: aborts its uploads and marks it ended, for two seconds at most after a stop. What cannot be cleaned
    /// now is left to the next run or `vacuum`.
    pub async fn abandon(self, stop: &StopSignal) {
        stop.grace(self.0.abandon()).await;
    }
}

impl Stager {
    /// Opens a part of a table in a partition; nobody sees it before the commit.
    ///
    /// # Errors
    /// `Failed` for a table that is no output of the run; otherwise as the store says.
    pub async fn part(
        &self,
        table: &str,
        partition: Partition,
        extension: &str,
    ) -> Result<PartWriter> {
        let inner = &self.0;
        if !inner.outputs.iter().any(|(plan, _)| plan.table == table) {
            let message = format!("table `{table}` is no output of this run");
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let sequence = inner.next.fetch_add(1, Ordering::Relaxed);
        let key = inner
            .layout
            .part(table, &partition, &inner.id, sequence, extension)?;
        let staging = inner.layout.staging(&inner.id, sequence);
        // A task of its own: once begun it is written down, whether or not anybody still waits.
        let request = Arc::clone(&inner.under_way).read_owned().await;
        if inner.is_given_up.load(Ordering::Relaxed) {
            return Err(cancelled());
        }
        let (opening, opened) = (Arc::clone(inner), key.clone());
        let opening = tokio::spawn(async move {
            let _request = request;
            opening.open(&opened, &staging).await
        });
        let id = opening.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Failed, "cannot open an upload")
                .caused_by(std::io::Error::other(error)))
        })?;
        Ok(PartWriter::new(
            inner.store.clone(),
            Arc::clone(&inner.under_way),
            Arc::clone(&inner.seals),
            table.to_owned(),
            partition,
            key,
            id,
        ))
    }
}

impl Inner {
    /// Opens an upload and writes it down.
    async fn open(&self, key: &Path, staging: &Path) -> Result<String> {
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
