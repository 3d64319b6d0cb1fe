//! Steps 5 and 6: the fence, and the put of the record that commits the run.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::{info, warn};

use crate::commit::attempt_state::AttemptState;
use crate::commit::committed::Committed;
use crate::commit::fence::Fence;
use crate::commit::log::{read_from, read_record};
use crate::commit::publish::{Settled, TRIES, settle};
use crate::commit::record::{Record, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::watch::StopSignal;

/// The time limit for the last read of the record after a stop. A stop allows two seconds in all.
const LAST_LOOK: Duration = Duration::from_millis(1_500);

/// A run whose parts are all sent and verified, and still invisible.
#[derive(Debug)]
#[must_use = "staged parts are lost unless they are committed or abandoned"]
pub struct Staged {
    /// The attempt that staged the parts; the commit uses its store, keys and uploads.
    inner: Arc<AttemptState>,
    /// The content of the record that the commit puts.
    run: Run,
}

/// The result of a commit whose outcome is known.
#[derive(Debug)]
#[must_use = "only `Committed` means that this run was committed, and it must still be published"]
pub enum CommitOutcome {
    /// The record is in the log, so the run is decided. It must still be published.
    Committed(Committed),
    /// Another attempt at the same run was committed first and is published; this one aborted its uploads.
    AlreadyDone(Record),
    /// The last record at or after the number that this run tried was lost and is now void. This attempt aborted its
    /// uploads, and the run must start again at step 1.
    StartAgain,
}

/// The owner of the record at a number that this attempt tried.
enum Landed {
    /// The record is this attempt's own, so the run is committed.
    Own,
    /// The record is that of another attempt, or a void.
    Other,
}

/// The reason why a put is not known to have succeeded.
enum Unlanded {
    /// The store refused every try permanently, so the record does not exist.
    Refused(Error),
    /// The put may still take effect. Holds the last error, if there was one.
    Undecided(Option<Error>),
}

impl Staged {
    /// Returns the staged run of an attempt whose parts are verified; `run` is the content of its record.
    pub(super) fn new(inner: Arc<AttemptState>, run: Run) -> Self {
        Self { inner, run }
    }

    /// Returns the run as its record will list it: outputs, consumed inputs and summary.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Abandons the attempt, as [`crate::commit::Attempt::abandon`] does.
    pub async fn abandon(self, stop: &StopSignal) {
        stop.grace(self.inner.abandon()).await;
    }

    /// Makes all parts durable, asks the fence, then commits the run with a create-only put of its record. It tries the
    /// target number first. If other runs took that number and do not conflict with this one, it tries the number after
    /// theirs.
    ///
    /// # Errors
    /// The stop's error if a stop came before the put, or the fence's error: nothing was committed. `Conflict` if another
    /// run was committed that wrote, replaced or consumed a partition or input of this run. `TryAgain` if the outcome
    /// is unknown; a retry of the same command determines it.
    pub async fn commit(self, fence: &dyn Fence, stop: &StopSignal) -> Result<CommitOutcome> {
        let fenced = stop.or_cancelled(async {
            self.inner.seal(&self.run.outputs).await?;
            fence.may_commit().await?;
            self.inner.drop_unused(&self.run).await;
            Ok(())
        });
        if let Err(error) = fenced.await {
            return self.give_up(error, stop).await;
        }
        let mut number = self.inner.target;
        loop {
            if stop.requested() {
                return self.give_up(stop.error(), stop).await;
            }
            if let Err(error) = stop.or_cancelled(fence.about_to_put()).await {
                return self.give_up(error, stop).await;
            }
            let record = Record::run(number, self.run.clone());
            match self.put(number, record.to_bytes()?, stop).await {
                Ok(Landed::Own) => {
                    info!(record = number, run = %self.run.run, attempt = %self.run.attempt, "committed");
                    return Ok(CommitOutcome::Committed(Committed::new(self.inner, record)));
                }
                Ok(Landed::Other) if stop.requested() => {
                    return self.give_up(stop.error(), stop).await;
                }
                Ok(Landed::Other) => {}
                Err(Unlanded::Refused(error)) => return self.give_up(error, stop).await,
                // The uploads stay: if the put lands after all, the next process that reads the record publishes it.
                Err(Unlanded::Undecided(cause)) => return Err(self.undecided(number, cause)),
            }
            match stop.or_cancelled(self.behind(number)).await {
                Ok(Behind::Next(next)) => number = next,
                Ok(Behind::Done(record)) => {
                    self.abandon(stop).await;
                    return Ok(CommitOutcome::AlreadyDone(record));
                }
                Ok(Behind::Void) => {
                    self.abandon(stop).await;
                    return Ok(CommitOutcome::StartAgain);
                }
                Err(error) => return self.give_up(error, stop).await,
            }
        }
    }

    /// Abandons the attempt and returns `error`, which ends the run.
    async fn give_up(self, error: Error, stop: &StopSignal) -> Result<CommitOutcome> {
        self.abandon(stop).await;
        Err(error)
    }

    /// Builds the error of a commit whose outcome is unknown.
    fn undecided(&self, number: u64, cause: Option<Error>) -> Error {
        let message = format!(
            "it is unknown whether run `{}` was committed as record {number}",
            self.run.run
        );
        let error = Error::new(ErrorKind::TryAgain, message).hint(
            "run the same command again: if the record is in the log, the command finishes that run, otherwise it runs the job again",
        );
        match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }

    /// Puts the record at a number and returns the owner of the record at that number. After any answer but success,
    /// the owner is found by reading the record back.
    async fn put(
        &self,
        number: u64,
        body: Bytes,
        stop: &StopSignal,
    ) -> std::result::Result<Landed, Unlanded> {
        let store = &self.inner.store;
        let key = self.inner.layout.record(number);
        let mut refused = true;
        let mut failure = None;
        for attempt in 1..=TRIES {
            match stop.unless(store.put_new(&key, body.clone())).await {
                Some(Ok(true)) => return Ok(Landed::Own),
                // The answer may be that of a put that is still in progress.
                Some(Ok(false)) => refused = false,
                None => return self.last_look(number).await,
                Some(Err(error)) => {
                    warn!(record = number, %error, "the put of the record may have succeeded; reading the record back");
                    // Only a permanent refusal of every try counts as a refusal; after any other failure the put may
                    // still land.
                    refused &= error.kind() == ErrorKind::Failed;
                    failure = Some(error);
                }
            }
            match stop.unless(self.stands_at(number)).await {
                Some(Ok(Some(landed))) => return Ok(landed),
                Some(Ok(None)) => {}
                Some(Err(error)) => {
                    refused = false;
                    failure = Some(error);
                }
                None => return self.last_look(number).await,
            }
            if attempt < TRIES && stop.unless(store.pause(attempt)).await.is_none() {
                return self.last_look(number).await;
            }
        }
        match failure {
            Some(error) if refused => Err(Unlanded::Refused(error)),
            failure => Err(Unlanded::Undecided(failure)),
        }
    }

    /// Reads the record once more after a stop. A missing or unreadable record leaves the commit undecided.
    async fn last_look(&self, number: u64) -> std::result::Result<Landed, Unlanded> {
        match tokio::time::timeout(LAST_LOOK, self.stands_at(number)).await {
            Ok(Ok(Some(landed))) => Ok(landed),
            Ok(Ok(None)) | Err(_) => Err(Unlanded::Undecided(None)),
            Ok(Err(error)) => Err(Unlanded::Undecided(Some(error))),
        }
    }

    /// Returns the owner of the record at a number; `None` if there is no record.
    async fn stands_at(&self, number: u64) -> Result<Option<Landed>> {
        let record = read_record(&self.inner.store, &self.inner.layout, number).await?;
        Ok(record.map(|record| match record.as_run() {
            Some(run) if run.attempt == self.run.attempt => Landed::Own,
            _ => Landed::Other,
        }))
    }

    /// Reads every record from `number` on and decides whether this run is done, conflicts, must start again, or tries
    /// the next number.
    async fn behind(&self, number: u64) -> Result<Behind> {
        let (store, layout) = (&self.inner.store, &self.inner.layout);
        let records = read_from(store, layout, number).await?;
        let voided = |record: &Record| records.iter().any(|next| next.voids(record.number));
        let live = |record: &&Record| !voided(record);
        let live: Vec<&Record> = records.iter().filter(live).collect();
        let run_of = |record: &&&Record| record.as_run().is_some_and(|run| run.run == self.run.run);
        let same = live.iter().find(run_of).copied();
        let other = live.iter().find(|record| {
            let run = record.as_run();
            run.is_some_and(|run| self.run.conflicts(run))
        });
        if let (None, Some(other)) = (same, other) {
            return Err(conflict(&self.run, other));
        }
        let Some(last) = records.last() else {
            let message =
                format!("the store reported record {number} of the log, but no longer finds it");
            return Err(Error::new(ErrorKind::TryAgain, message).hint("run the same command again"));
        };
        let is_marked = store.look(&layout.mark(last.number)).await?.is_some();
        if !is_marked && settle(store, layout, last, &StopSignal::never()).await? == Settled::Voided
        {
            return Ok(Behind::Void);
        }
        Ok(match same {
            Some(record) => Behind::Done(record.clone()),
            None => Behind::Next(last.number + 1),
        })
    }
}

/// The next step of a run that found another record at the number that it tried. The records from that number on decide
/// the step.
enum Behind {
    /// No record conflicts with this run, which tries this number next.
    Next(u64),
    /// This record commits the same run, by another attempt.
    Done(Record),
    /// The last record was lost and is void, so this run must start again.
    Void,
}

/// Builds the error of a run that conflicts with `other`, a record that was committed first.
fn conflict(run: &Run, other: &Record) -> Error {
    let theirs = other.as_run().map(|run| run.run.to_string());
    let message = format!(
        "run `{}` was committed first (record {}) and conflicts with this run, `{}`",
        theirs.unwrap_or_default(),
        other.number,
        run.run
    );
    Error::new(ErrorKind::Conflict, message)
        .hint("this run published nothing; run the same command again: it starts from the tables as they are now")
}
