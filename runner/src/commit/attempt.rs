//! Step 3: one try at a run, and what it leaves behind when it is given up.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing::{debug, warn};

use super::layout::Layout;
use super::open::OutputPlan;
use super::part::{PartWriter, StagedPart};
use super::partition::Partition;
use super::record::{AttemptId, Consumed, Output, Part, Replaces, Run, RunId, path};
use super::staged::Staged;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::Store;

/// How many uploads are aborted at once.
const ABORTS_AT_ONCE: usize = 16;

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
        let hex = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            hex.push_str(&format!("{byte:02x}"));
            hex
        });
        Self(hex[..24].to_owned())
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
}

/// What an attempt writes down when it begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Started {
    pub run: RunId,
    /// The least number of the record that it can become.
    pub aims_at: u64,
}

/// The uploads that an attempt opened, written down before anything is sent to them.
#[derive(Debug, Default)]
struct Journal {
    opened: Mutex<Vec<OpenUpload>>,
    /// How many of them are written; whoever holds the lock writes for all who wait.
    written: tokio::sync::Mutex<usize>,
}

/// An upload and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenUpload {
    pub key: String,
    pub id: String,
}

impl Journal {
    fn opened(&self) -> Vec<OpenUpload> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }

    async fn add(&self, inner: &Inner, upload: OpenUpload) -> Result<()> {
        let index = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.push(upload);
            opened.len() - 1
        };
        let mut written = self.written.lock().await;
        if *written > index {
            return Ok(());
        }
        let opened = self.opened();
        let body = serde_json::to_vec(&opened[*written..])
            .context(ErrorKind::Failed, "cannot write the list of uploads")?;
        let sequence = u64::try_from(*written).unwrap_or(u64::MAX);
        let key = inner.layout.uploads(&inner.id, sequence);
        inner.store.put(&key, body.into()).await?;
        *written = opened.len();
        Ok(())
    }
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
                self.abandon().await;
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

    /// Gives the attempt up: aborts its uploads and marks it ended. What cannot be cleaned now is left to the next run or
    /// `vacuum`.
    pub async fn abandon(self) {
        self.0.abandon().await;
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
        let objects = inner.store.objects();
        let id = objects.open_upload(&key, &staging).await.map_err(|error| {
            let url = inner.store.location().url(&key);
            inner
                .store
                .explain(error, format!("open an upload to `{url}`"))
        })?;
        let upload = OpenUpload {
            key: key.to_string(),
            id: id.clone(),
        };
        inner.journal.add(inner, upload).await?;
        Ok(PartWriter::new(
            inner.store.clone(),
            table.to_owned(),
            partition,
            key,
            id,
        ))
    }
}

impl Inner {
    /// Aborts uploads that were opened and are not in the record.
    pub async fn drop_unused(&self, run: &Run) {
        let used: BTreeSet<&str> = run.parts().map(|part| part.upload.id.as_str()).collect();
        let mut unused = self.journal.opened();
        unused.retain(|upload| !used.contains(upload.id.as_str()));
        abort(&self.store, unused).await;
    }

    /// Aborts all uploads and marks the attempt ended, then takes its notes away.
    pub async fn abandon(&self) {
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

/// Aborts uploads; `false` where one could not be.
pub(super) async fn abort(store: &Store, uploads: Vec<OpenUpload>) -> bool {
    let objects = store.objects();
    let aborts = stream::iter(uploads).map(|upload| {
        let objects = &objects;
        async move {
            let key = path(&upload.key)?;
            let aborted = objects.abort(&key, &upload.id).await;
            aborted.map_err(|error| store.explain(error, format!("abort the upload of `{key}`")))
        }
    });
    let mut answers = aborts.buffer_unordered(ABORTS_AT_ONCE);
    let mut all = true;
    while let Some(answer) = answers.next().await {
        if let Err(error) = answer {
            warn!(%error, "an upload is left behind");
            all = false;
        }
    }
    all
}

/// Deletes an attempt's notes, that it has ended last.
pub(super) async fn forget(store: &Store, layout: &Layout, attempt: &AttemptId) -> Result<()> {
    let ended = layout.ended(attempt);
    let notes = store.list(&layout.attempt(attempt)).await?;
    let (last, first): (Vec<Path>, Vec<Path>) = notes
        .into_iter()
        .map(|note| note.location)
        .partition(|key| *key == ended);
    store.delete(first).await?;
    store.delete(last).await
}

/// The attempts that left notes, each with the notes' keys.
pub(super) async fn attempts(
    store: &Store,
    layout: &Layout,
) -> Result<BTreeMap<AttemptId, Vec<object_store::ObjectMeta>>> {
    let root = layout.attempts();
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for note in store.list(&root).await? {
        let name = note
            .location
            .prefix_match(&root)
            .and_then(|mut below| below.next().map(|name| name.as_ref().to_owned()));
        if let Some(name) = name {
            found.entry(AttemptId(name)).or_default().push(note);
        }
    }
    Ok(found)
}

/// Reads the uploads that an attempt wrote down.
pub(super) async fn noted_uploads(
    store: &Store,
    notes: &[object_store::ObjectMeta],
) -> Result<Vec<OpenUpload>> {
    let mut uploads = Vec::new();
    let lists = notes
        .iter()
        .filter(|note| note.location.extension() == Some("uploads"));
    for note in lists {
        let Some(bytes) = store.read(&note.location).await? else {
            continue;
        };
        let listed: Vec<OpenUpload> = serde_json::from_slice(&bytes).context(
            ErrorKind::Failed,
            format!("`{}` cannot be read", note.location),
        )?;
        uploads.extend(listed);
    }
    Ok(uploads)
}

/// Takes away what attempts left that marked themselves ended; others may still be at work.
pub(super) async fn clean_ended(store: &Store, layout: &Layout) -> Result<()> {
    for (attempt, notes) in attempts(store, layout).await? {
        let ended = layout.ended(&attempt);
        if notes.iter().any(|note| note.location == ended)
            && abort(store, noted_uploads(store, &notes).await?).await
        {
            forget(store, layout, &attempt).await?;
        }
    }
    Ok(())
}
