//! Notes that an attempt keeps in the store, so that later runs and `vacuum` can clean up after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::stream::StreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::commit::bounded_concurrency::together;
use crate::commit::layout::Layout;
use crate::commit::record::{AttemptId, RunId, path};
use crate::error::{Context, ErrorKind, Result};
use crate::store::Store;

/// The note that an attempt writes when it begins. It holds the record number from which `vacuum` searches the log for
/// the attempt's own record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    /// The id of the run that the attempt tries to commit.
    pub run: RunId,
    /// The lowest record number that the attempt can be committed as.
    pub aims_at: u64,
}

/// An upload that was opened and not yet completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenUpload {
    /// The key of the object that the upload becomes; for a staged file found by a listing, the key of the staged file.
    pub key: String,
    /// The id that the store gave the upload; on a file system, the key of the staged file.
    pub id: String,
}

/// The uploads that an attempt opened. A note records each upload before any bytes are sent to it, unless a listing of
/// the store shows open uploads, as on a file system.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// All uploads that the attempt has opened so far, oldest first.
    opened: Mutex<Vec<OpenUpload>>,
    /// The number of uploads that notes record. The task that holds the lock also records the uploads of the tasks that
    /// wait for the lock.
    written: tokio::sync::Mutex<usize>,
}

impl Journal {
    /// Returns a copy of the uploads opened so far.
    pub fn opened(&self) -> Vec<OpenUpload> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }

    /// Adds an upload, and returns once this task or another one has recorded it in a note.
    pub async fn add(
        &self,
        store: &Store,
        layout: &Layout,
        attempt: &AttemptId,
        upload: OpenUpload,
    ) -> Result<()> {
        let index = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.push(upload);
            opened.len() - 1
        };
        if store.objects().lists_staging() {
            return Ok(());
        }
        let mut written = self.written.lock().await;
        if *written > index {
            return Ok(());
        }
        let opened = self.opened();
        let body = serde_json::to_vec(&opened[*written..]).context(
            ErrorKind::Failed,
            "the list of uploads cannot be converted to JSON; this is a bug",
        )?;
        let sequence = u64::try_from(*written).unwrap_or(u64::MAX);
        let key = layout.uploads(attempt, sequence);
        store.put(&key, body.into()).await?;
        *written = opened.len();
        Ok(())
    }
}

/// Aborts uploads and returns `true` if all aborts succeeded. A failure is only logged: as long as the attempt has its
/// notes, the next run or `vacuum` tries again, and the bucket's lifecycle rule removes what is left.
pub(crate) async fn abort(store: &Store, uploads: Vec<OpenUpload>) -> bool {
    let aborts = uploads.into_iter().map(|upload| abort_one(store, upload));
    let mut answers = together(aborts);
    let mut all = true;
    while let Some(answer) = answers.next().await {
        if let Err(error) = answer {
            warn!(%error, "cannot abort an upload; the next run, `drivetrain vacuum` or the bucket's lifecycle rule will remove it");
            all = false;
        }
    }
    all
}

/// Aborts one upload; an upload that does not exist is not an error.
async fn abort_one(store: &Store, upload: OpenUpload) -> Result<()> {
    let key = path(&upload.key)?;
    let aborted = store.objects().abort(&key, &upload.id).await;
    let url = store.location().url(&key);
    aborted.map_err(|error| store.explain(error, format!("abort the upload of `{url}`")))
}

/// Deletes an attempt's notes, `ended.json` last, so that the next clean-up finds an attempt whose clean-up was
/// interrupted.
pub(crate) async fn forget(store: &Store, layout: &Layout, attempt: &AttemptId) -> Result<()> {
    let ended = layout.ended(attempt);
    let notes = store.list(&layout.attempt(attempt)).await?;
    let (last, first): (Vec<Path>, Vec<Path>) = notes
        .into_iter()
        .map(|note| note.location)
        .partition(|key| *key == ended);
    store.delete(first).await?;
    store.delete(last).await
}

/// Lists the attempts that left notes, each with the listing entries of its notes.
pub(crate) async fn attempts(
    store: &Store,
    layout: &Layout,
) -> Result<BTreeMap<AttemptId, Vec<ObjectMeta>>> {
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

/// Returns the uploads of an attempt: those that its notes record and, on a store that lists staged files, its staged
/// files.
pub(crate) async fn uploads_of(
    store: &Store,
    layout: &Layout,
    attempt: &AttemptId,
    notes: &[ObjectMeta],
) -> Result<Vec<OpenUpload>> {
    let mut uploads = Vec::new();
    if store.objects().lists_staging() {
        let staged = store.list(&layout.staged(attempt)).await?;
        let keys = staged.into_iter().map(|object| object.location.to_string());
        uploads.extend(keys.map(|key| OpenUpload {
            id: key.clone(),
            key,
        }));
    }
    let lists = notes
        .iter()
        .filter(|note| note.location.extension() == Some("uploads"));
    for note in lists {
        let Some(bytes) = store.read(&note.location).await? else {
            continue;
        };
        let listed: Vec<OpenUpload> = serde_json::from_slice(&bytes).context(
            ErrorKind::Failed,
            format!(
                "`{}` is not a valid list of an attempt's uploads",
                store.location().url(&note.location)
            ),
        )?;
        uploads.extend(listed);
    }
    Ok(uploads)
}

/// Aborts the uploads and deletes the notes of attempts that marked themselves as ended. Any other attempt may still be
/// running.
pub(crate) async fn clean_ended(store: &Store, layout: &Layout) -> Result<()> {
    for (attempt, notes) in attempts(store, layout).await? {
        let ended = layout.ended(&attempt);
        if notes.iter().any(|note| note.location == ended)
            && abort(store, uploads_of(store, layout, &attempt, &notes).await?).await
        {
            forget(store, layout, &attempt).await?;
        }
    }
    Ok(())
}
