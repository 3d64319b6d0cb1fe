//! Step 8: deletes what no run needs any more.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::ObjectMeta;
use serde::Serialize;
use tracing::info;

use crate::commit::attempt_notes::{Started, abort, attempts, forget, uploads_of};
use crate::commit::layout::Layout;
use crate::commit::log::{Log, read_from, write_checkpoint};
use crate::commit::publish::{Settled, settle};
use crate::commit::record::{AttemptId, Record, Run};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::Store;
use crate::watch::StopSignal;

/// The minimum ages of the objects that a vacuum deletes.
#[derive(Clone, Copy, Debug)]
pub struct VacuumOptions {
    /// The minimum age of leftovers. Temporary files of this age are deleted. An attempt is cleaned up (its uploads are
    /// aborted and its notes deleted) once its newest note has this age; uploads that a record lists are kept.
    pub retention: Duration,
    /// The minimum age of quarantined rows to delete; `None` keeps all.
    pub quarantine: Option<Duration>,
}

impl Default for VacuumOptions {
    fn default() -> Self {
        Self {
            retention: Duration::from_hours(24),
            quarantine: None,
        }
    }
}

/// The result of a vacuum: what it finished, deleted and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Vacuumed {
    /// The number of the record whose publish the vacuum finished; `None` if no publish was pending, or if it was lost.
    pub published: Option<u64>,
    /// The number of the record that the vacuum found lost, and that is now void; its job must run again.
    pub voided: Option<u64>,
    /// The attempts whose uploads were all aborted and whose notes were deleted.
    pub attempts: Vec<AttemptId>,
    /// The number of uploads that the vacuum tried to abort.
    pub uploads: usize,
    /// The number of deleted temporary files, probes and staged files.
    pub temporary: usize,
    /// The number of deleted quarantine objects.
    pub quarantine: usize,
    /// The number of attempts that were kept, because they are too young or an abort failed.
    pub kept: usize,
}

/// Finishes a pending publish, then cleans up after old attempts that are in no record, deletes old temporary files
/// and, if `options` says so, old quarantined rows.
///
/// # Errors
/// The kind of the store's failure.
pub async fn vacuum(store: &Store, job: &str, options: VacuumOptions) -> Result<Vacuumed> {
    let layout = Layout::new(job);
    let mut done = Vacuumed::default();
    let log = Log::read_layout(store, &layout).await?;
    if let Some(record) = log.last_record().filter(|_| !log.marked) {
        match settle(store, &layout, record, &StopSignal::never()).await? {
            Settled::Published => done.published = Some(record.number),
            Settled::Voided => done.voided = Some(record.number),
        }
    }
    let due = log.last() - log.last() % crate::commit::log::CHECKPOINT_EVERY;
    if due > log.checkpoint && (due < log.last() || log.marked) {
        write_checkpoint(store, &layout, due).await?;
    }
    let now = clock(store, &layout).await?;
    take_attempts(store, &layout, now, options.retention, &mut done).await?;
    take_temporary(store, &layout, now, options.retention, &mut done).await?;
    if let Some(age) = options.quarantine {
        let mut old = store.list(&layout.quarantine()).await?;
        old.retain(|object| is_older(object, now, age));
        done.quarantine = old.len();
        delete(store, old).await?;
    }
    info!(
        job,
        attempts = done.attempts.len(),
        uploads = done.uploads,
        "vacuumed"
    );
    Ok(done)
}

/// Returns the store's time, as a listing shows it. The local clock may be wrong by more than the retention.
async fn clock(store: &Store, layout: &Layout) -> Result<DateTime<Utc>> {
    let key = layout.clock(&AttemptId::random());
    store.put(&key, Bytes::from_static(b"{}")).await?;
    let listed = store.list(&layout.clocks()).await?;
    store.delete(vec![key.clone()]).await?;
    let found = listed.into_iter().find(|object| object.location == key);
    let found = found.ok_or_else(|| {
        let message = format!(
            "the store does not list `{}`, although this command has just written it",
            store.location().url(&key)
        );
        Error::new(ErrorKind::TryAgain, message).hint("run the same command again")
    })?;
    Ok(found.last_modified)
}

/// Returns `true` if an object was last written at least `age` before `now`.
fn is_older(object: &ObjectMeta, now: DateTime<Utc>, age: Duration) -> bool {
    let lived = now.signed_duration_since(object.last_modified);
    lived.to_std().is_ok_and(|lived| lived >= age)
}

/// Cleans up after old attempts: aborts the uploads that no record lists, then deletes the attempts' notes.
async fn take_attempts(
    store: &Store,
    layout: &Layout,
    now: DateTime<Utc>,
    retention: Duration,
    done: &mut Vacuumed,
) -> Result<()> {
    let mut old = attempts(store, layout).await?;
    done.kept = old.len();
    old.retain(|_, notes| notes.iter().all(|note| is_older(note, now, retention)));
    if old.is_empty() {
        return Ok(());
    }
    // No record below the number that an attempt aimed at can be its own, so reading starts at the lowest such number.
    let mut first = None;
    for (attempt, notes) in &old {
        let started = layout.started(attempt);
        let aimed = if notes.iter().any(|note| note.location == started) {
            read_started(store, &started).await?
        } else {
            1
        };
        first = Some(first.map_or(aimed, |first: u64| first.min(aimed)));
    }
    let records = read_from(store, layout, first.unwrap_or(1)).await?;
    let committed: BTreeSet<(&AttemptId, &str)> = records
        .iter()
        .filter_map(Record::as_run)
        .flat_map(|run| {
            let uploads = run.parts().map(|part| part.upload.id.as_str());
            uploads.map(move |upload| (&run.attempt, upload))
        })
        .collect();
    for (attempt, notes) in old {
        let mut uploads = uploads_of(store, layout, &attempt, &notes).await?;
        uploads.retain(|upload| !committed.contains(&(&attempt, upload.id.as_str())));
        done.uploads += uploads.len();
        if abort(store, uploads).await {
            forget(store, layout, &attempt).await?;
            done.attempts.push(attempt);
            done.kept -= 1;
        }
    }
    Ok(())
}

/// Returns the record number that an attempt aimed at; 1 if its note does not exist.
async fn read_started(store: &Store, key: &object_store::path::Path) -> Result<u64> {
    let Some(bytes) = store.read(key).await? else {
        return Ok(1);
    };
    let started: Result<Started> = serde_json::from_slice(&bytes).context(
        ErrorKind::Failed,
        format!(
            "`{}` is not a valid note of an attempt's start",
            store.location().url(key)
        ),
    );
    let hint = "delete this note: `drivetrain vacuum` then searches the whole log for the attempt";
    Ok(started.map_err(|error| error.hint(hint))?.aims_at)
}

/// Deletes old files that a killed process left: temporary files, probes, and staged files of attempts without notes.
async fn take_temporary(
    store: &Store,
    layout: &Layout,
    now: DateTime<Utc>,
    retention: Duration,
    done: &mut Vacuumed,
) -> Result<()> {
    let noted: BTreeSet<String> = attempts(store, layout)
        .await?
        .into_keys()
        .map(|attempt| attempt.to_string())
        .collect();
    let staging = layout.staging_root();
    let probes = [layout.probes(), layout.clocks()];
    let last = Log::read_layout(store, layout).await?;
    let pending: BTreeSet<&str> = last
        .tail
        .iter()
        .filter_map(Record::as_run)
        .flat_map(Run::parts)
        .map(|part| part.upload.id.as_str())
        .collect();
    let mut old = store.list(&layout.everything()).await?;
    old.retain(|object| {
        let key = &object.location;
        let hidden = key.filename().is_some_and(|name| name.starts_with('.'));
        let staged = key.prefix_match(&staging).is_some_and(|mut below| {
            below
                .next()
                .is_some_and(|attempt| !noted.contains(attempt.as_ref()))
        });
        let probe = probes.iter().any(|folder| key.prefix_matches(folder));
        let needed = pending.contains(key.as_ref());
        (hidden || staged || probe) && !needed && is_older(object, now, retention)
    });
    done.temporary = old.len();
    delete(store, old).await
}

/// Deletes the objects of a listing.
async fn delete(store: &Store, objects: Vec<ObjectMeta>) -> Result<()> {
    let keys = objects.into_iter().map(|object| object.location);
    store.delete(keys.collect()).await
}
