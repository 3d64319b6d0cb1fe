//! Step 7: what a committed record says becomes what a listing shows.

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

/// How often an answer that decides nothing is asked for again.
pub(super) const TRIES: u32 = 5;

/// How the publish of a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// All it says is so, and it is marked.
    Published,
    /// Its uploads were lost; the next record voids it, and that one is marked.
    Voided,
}

/// Does all that is left to do for a record, whoever wrote it; doing it twice, or at the same time as others, is harmless.
///
/// # Errors
/// `TryAgain` where the store does not say whether a part is there; otherwise as the store says.
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

async fn publish(
    store: &Store,
    layout: &Layout,
    number: u64,
    run: &Run,
    stop: &StopSignal,
) -> Result<Settled> {
    if !complete_all(store, run, stop).await? {
        warn!(record = number, run = %run.run, "uploads are missing");
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

/// What is there must last before what it replaces goes.
async fn settle_folders(store: &Store, run: &Run) -> Result<()> {
    let mut folders = BTreeSet::new();
    for part in run.parts() {
        let key = part.path()?;
        folders.extend(key.parent());
    }
    let folders: Vec<Path> = folders.into_iter().collect();
    let settled = store.objects().settle(&folders).await;
    settled.map_err(|error| pending(store.explain(error, "make the new parts last")))
}

/// Whether a part is at its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyState {
    There,
    Missing,
    /// It is not there, but the store's answer to the completion decides nothing.
    Unknown,
}

/// Completes every upload and looks at every key. `false`: at least one part is missing although the store answered.
async fn complete_all(store: &Store, run: &Run, stop: &StopSignal) -> Result<bool> {
    let mut missing = false;
    let mut completions = together(run.parts().map(|part| complete(store, part, stop)));
    let mut unknown = None;
    while let Some(found) = completions.next().await {
        match found {
            Ok(found) => missing |= found == KeyState::Missing,
            // The other completions go on: what can be published is.
            Err(error) => unknown = Some(error),
        }
    }
    match unknown {
        Some(error) => Err(error),
        None => Ok(!missing),
    }
}

/// Completes one upload; asks again while the answer decides nothing.
async fn complete(store: &Store, part: &Part, stop: &StopSignal) -> Result<KeyState> {
    let key = part.path()?;
    let objects = store.objects();
    let mut failure = None;
    for number in 1..=TRIES {
        if stop.is_closing() {
            return Err(pending(Error::new(
                ErrorKind::TryAgain,
                "it was told to stop",
            )));
        }
        let answer = objects
            .complete(&key, &part.upload.id, &part.upload.tags)
            .await;
        let there = is_there(store, part).await;
        let found = match (&answer, &there) {
            (_, Ok(true)) => KeyState::There,
            (Ok(Completion::Done | Completion::NoSuchUpload), Ok(false)) => KeyState::Missing,
            // Somebody may be about to complete it: only an answer that stays the same is one.
            (Ok(Completion::PartsMissing), Ok(false)) if number == TRIES => KeyState::Missing,
            _ => KeyState::Unknown,
        };
        debug!(key = %key, answer = ?answer, there = ?there, "completed");
        if found != KeyState::Unknown {
            return Ok(found);
        }
        let doing = format!("complete `{}`", store.location().url(&key));
        match (answer, there) {
            (_, Err(error)) => failure = Some(error),
            (Err(error), Ok(_)) => failure = Some(store.explain(error, doing)),
            (Ok(_), Ok(_)) => {}
        }
        if number < TRIES {
            store.pause(number).await;
        }
    }
    let error = failure.expect("the last try left its failure, or an answer that decides");
    Err(pending(error))
}

/// A failure while a committed run is published: it is decided, so the same command finishes it.
fn pending(error: Error) -> Error {
    Error::new(ErrorKind::TryAgain, "committed, publish pending")
        .hint("run the same command again: it finishes the publish")
        .caused_by(error)
}

/// Only an object of the recorded size counts.
async fn is_there(store: &Store, part: &Part) -> Result<bool> {
    let found = store.look(&part.path()?).await?;
    Ok(found.is_some_and(|found| found.size == part.size_bytes))
}

async fn all_there(store: &Store, run: &Run) -> Result<bool> {
    let found: Vec<bool> = together(run.parts().map(|part| is_there(store, part)))
        .try_collect()
        .await
        .map_err(pending)?;
    Ok(found.into_iter().all(|there| there))
}

async fn abort_all(store: &Store, run: &Run) -> Result<()> {
    let aborts = run.parts().map(|part| abort(store, part));
    together(aborts).try_collect().await
}

async fn abort(store: &Store, part: &Part) -> Result<()> {
    let key = part.path()?;
    let aborted = store.objects().abort(&key, &part.upload.id).await;
    aborted.map_err(|error| pending(store.explain(error, format!("abort the upload of `{key}`"))))
}

/// A part is gone for good, unless others have settled the record meanwhile.
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
                warn!(record = number, run = %run.run, "void: its uploads were lost");
                settle_void(store, layout, &next).await?;
                return Ok(Settled::Voided);
            }
            // A run stands there only because this record is marked.
            Ok(Some(_)) => return Ok(Settled::Published),
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
        // Whatever the answer but success, the next look decides.
        match store
            .put_new(&layout.record(number + 1), body.clone())
            .await
        {
            Ok(true) => {
                warn!(record = number, run = %run.run, "void: its uploads were lost");
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
        Error::new(ErrorKind::TryAgain, "a record that was put cannot be read")
    })))
}

async fn settle_void(store: &Store, layout: &Layout, void: &Record) -> Result<()> {
    let Entry::Void(entry) = &void.entry else {
        return Ok(());
    };
    delete(store, &entry.keys).await?;
    mark(store, layout, void.number).await
}

async fn delete(store: &Store, keys: &[String]) -> Result<()> {
    let keys: Vec<Path> = keys.iter().map(|key| path(key)).collect::<Result<_>>()?;
    store.delete(keys).await.map_err(pending)
}

async fn mark(store: &Store, layout: &Layout, number: u64) -> Result<()> {
    let body = Bytes::from(format!("{{\"published\":{number}}}"));
    store
        .put(&layout.mark(number), body)
        .await
        .map_err(pending)?;
    if let Err(error) = write_checkpoint(store, layout, number).await {
        // The log reads the same without it, and the next hundred brings another.
        warn!(record = number, %error, "no checkpoint");
    }
    Ok(())
}
