//! Step 7: makes the parts of a committed record visible, and deletes the objects that they replace.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::stream::{StreamExt, TryStreamExt};
use object_store::path::Path;
use tracing::{debug, info, warn};

use crate::commit::bounded_concurrency::together;
use crate::commit::layout::Layout;
use crate::commit::log::{read_record, write_checkpoint};
use crate::commit::record::{Entry, Part, Record, Run, path};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Completion, Store};
use crate::watch::StopSignal;

/// The number of times that a request is sent if the store's answers do not decide its outcome.
pub(super) const TRIES: u32 = 5;

/// The outcome of a publish that came to an end: the record is marked, or it is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// All parts are at their keys, and the record is marked.
    Published,
    /// Uploads of the record were lost. The next record voids it, and that next record is marked.
    Voided,
}

/// Finishes the publish of a record that any process may have written. It is idempotent, and several processes may do
/// it at the same time.
///
/// # Errors
/// `TryAgain` if the store does not answer whether a part exists; otherwise the kind of the store's failure.
pub(super) async fn settle(
    store: &Store,
    layout: &Layout,
    record: &Record,
    stop: &StopSignal,
) -> Result<Settled> {
    match &record.entry {
        Entry::Void(void) => {
            delete(store, &void.keys).await?;
            mark(store, layout, record.number).await?;
            Ok(Settled::Published)
        }
        Entry::Run(run) => publish(store, layout, record.number, run, stop).await,
    }
}

/// Publishes a run: completes its uploads, deletes what it replaces, then marks its record. Every new part must be
/// visible before a replaced one is deleted, and the mark states that both are done.
async fn publish(
    store: &Store,
    layout: &Layout,
    number: u64,
    run: &Run,
    stop: &StopSignal,
) -> Result<Settled> {
    if !complete_all(store, run, stop).await? {
        warn!(record = number, run = %run.run, "parts are missing, although the store answered the completion of every upload; checking once more");
        abort_all(store, run).await?;
        store.pause(1).await;
        if !all_there(store, run).await? {
            return lost(store, layout, number, run).await;
        }
    }
    settle_folders(store, run).await?;
    for output in &run.outputs {
        delete(store, &output.deletes).await?;
    }
    mark(store, layout, number).await?;
    info!(record = number, run = %run.run, "published");
    Ok(Settled::Published)
}

/// Makes the names of new parts survive a power failure. This happens before the replaced parts are deleted.
async fn settle_folders(store: &Store, run: &Run) -> Result<()> {
    let mut folders = BTreeSet::new();
    for part in run.parts() {
        let key = part.path()?;
        folders.extend(key.parent());
    }
    let folders: Vec<Path> = folders.into_iter().collect();
    let settled = store.objects().settle(&folders).await;
    settled.map_err(|error| pending(store.explain(error, "sync the new parts to disk")))
}

/// The result of a look at a part's key after the completion of its upload was requested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyState {
    /// An object of the recorded size is at the key, so the part is visible.
    There,
    /// The store answered the completion, and no object of the recorded size is at the key.
    Missing,
    /// No object of the recorded size is at the key, but one may still appear.
    Unknown,
}

/// Completes every upload and looks at the key of every part. Returns `true` if all parts are there and `false` if one is
/// missing; fails if the outcome of any part is unknown.
async fn complete_all(store: &Store, run: &Run, stop: &StopSignal) -> Result<bool> {
    let mut missing = false;
    let mut completions = together(run.parts().map(|part| complete(store, part, stop)));
    let mut unknown = None;
    while let Some(found) = completions.next().await {
        match found {
            Ok(found) => missing |= found == KeyState::Missing,
            // The other completions continue, so that as much as possible is published.
            Err(error) => unknown = Some(error),
        }
    }
    match unknown {
        Some(error) => Err(error),
        None => Ok(!missing),
    }
}

/// Completes one upload. Sends the request again while the answer does not decide whether the part exists.
async fn complete(store: &Store, part: &Part, stop: &StopSignal) -> Result<KeyState> {
    let key = part.path()?;
    let objects = store.objects();
    let mut failure = None;
    let mut parts_missing = 0;
    for number in 1..=TRIES {
        if stop.is_closing() {
            return Err(pending(Error::new(
                ErrorKind::TryAgain,
                "a stop was requested",
            )));
        }
        let answer = objects
            .complete(&key, &part.upload.id, &part.upload.tags)
            .await;
        let there = is_there(store, part).await;
        let found = match (&answer, &there) {
            (_, Ok(true)) => KeyState::There,
            (Ok(Completion::Done | Completion::NoSuchUpload), Ok(false)) => KeyState::Missing,
            // Another process may be completing the upload. MinIO also drops the parts if that process is cut off, so
            // only tries that all end with this answer count. After a timeout, this process's own completion may be the
            // one that is in progress.
            (Ok(Completion::PartsMissing), Ok(false)) if parts_missing + 1 == TRIES => {
                KeyState::Missing
            }
            _ => KeyState::Unknown,
        };
        debug!(key = %key, answer = ?answer, there = ?there, "completed");
        if found != KeyState::Unknown {
            return Ok(found);
        }
        if matches!((&answer, &there), (Ok(Completion::PartsMissing), Ok(false))) {
            parts_missing += 1;
        }
        let operation = format!("complete the upload of `{}`", store.location().url(&key));
        match (answer, there) {
            (_, Err(error)) => failure = Some(error),
            (Err(error), Ok(_)) => failure = Some(store.explain(error, operation)),
            (Ok(_), Ok(_)) => {}
        }
        if number < TRIES {
            store.pause(number).await;
        }
    }
    let error = failure.expect("the last try left its failure, or an answer that decides");
    Err(pending(error))
}

/// Wraps a failure during a publish. The run is committed, so a retry of the same command finishes the publish.
fn pending(error: Error) -> Error {
    Error::new(
        ErrorKind::TryAgain,
        "the run is committed, but its publish is not finished",
    )
    .hint("run the same command again to finish the publish")
    .caused_by(error)
}

/// Returns `true` if an object of the recorded size is at the part's key.
async fn is_there(store: &Store, part: &Part) -> Result<bool> {
    let found = store.look(&part.path()?).await?;
    Ok(found.is_some_and(|found| found.size == part.size_bytes))
}

/// Returns `true` if every part is at its key.
async fn all_there(store: &Store, run: &Run) -> Result<bool> {
    let found: Vec<bool> = together(run.parts().map(|part| is_there(store, part)))
        .try_collect()
        .await
        .map_err(pending)?;
    Ok(found.into_iter().all(|there| there))
}

/// Aborts all uploads of a run, so that no late completion can bring a lost part back.
async fn abort_all(store: &Store, run: &Run) -> Result<()> {
    let aborts = run.parts().map(|part| abort(store, part));
    together(aborts).try_collect().await
}

/// Aborts the upload of one part; a failure leaves the publish unfinished.
async fn abort(store: &Store, part: &Part) -> Result<()> {
    let key = part.path()?;
    let aborted = store.objects().abort(&key, &part.upload.id).await;
    let url = store.location().url(&key);
    aborted.map_err(|error| pending(store.explain(error, format!("abort the upload of `{url}`"))))
}

/// Voids a record whose parts are lost, unless another process has published or voided it meanwhile.
async fn lost(store: &Store, layout: &Layout, number: u64, run: &Run) -> Result<Settled> {
    let mark_key = layout.mark(number);
    if store.look(&mark_key).await.map_err(pending)?.is_some() {
        return Ok(Settled::Published);
    }
    let void = Record::void(number + 1, run);
    let body = void.to_bytes()?;
    let mut failure = None;
    for attempt in 1..=TRIES {
        match read_record(store, layout, number + 1).await {
            Ok(Some(next)) if next.voids(number) => {
                warn!(record = number, run = %run.run, "the record is void: its uploads were lost");
                settle_void(store, layout, &next).await?;
                return Ok(Settled::Voided);
            }
            // A run can have the next number only if this record is marked.
            Ok(Some(_)) => return Ok(Settled::Published),
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
        // On any answer but success, the next read decides.
        match store
            .put_new(&layout.record(number + 1), body.clone())
            .await
        {
            Ok(true) => {
                warn!(record = number, run = %run.run, "the record is void: its uploads were lost");
                settle_void(store, layout, &void).await?;
                return Ok(Settled::Voided);
            }
            Ok(false) => {}
            Err(error) => {
                failure = Some(error);
                store.pause(attempt).await;
            }
        }
    }
    Err(pending(failure.unwrap_or_else(|| {
        Error::new(
            ErrorKind::TryAgain,
            format!("record {} was written, but cannot be read back", number + 1),
        )
    })))
}

/// Deletes the parts of a voided record, then marks the record that voids it.
async fn settle_void(store: &Store, layout: &Layout, void: &Record) -> Result<()> {
    let Entry::Void(entry) = &void.entry else {
        return Ok(());
    };
    delete(store, &entry.keys).await?;
    mark(store, layout, void.number).await
}

/// Deletes the objects at these keys of a record; a missing object is not an error.
async fn delete(store: &Store, keys: &[String]) -> Result<()> {
    let keys: Vec<Path> = keys.iter().map(|key| path(key)).collect::<Result<_>>()?;
    store.delete(keys).await.map_err(pending)
}

/// Marks a record as published, and writes a checkpoint if one is due.
async fn mark(store: &Store, layout: &Layout, number: u64) -> Result<()> {
    let body = Bytes::from(format!("{{\"published\":{number}}}"));
    store
        .put(&layout.mark(number), body)
        .await
        .map_err(pending)?;
    if let Err(error) = write_checkpoint(store, layout, number).await {
        // The log can be read without this checkpoint, and the next one is due a hundred records later.
        warn!(record = number, %error, "cannot write the checkpoint");
    }
    Ok(())
}
