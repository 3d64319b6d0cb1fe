//! Step 3: one attempt at a run, and its clean-up when it is abandoned.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::commit::attempt_notes::{Journal, Started};
use crate::commit::attempt_state::AttemptState;
use crate::commit::layout::Layout;
use crate::commit::live_state::State;
use crate::commit::output_plan::OutputPlan;
use crate::commit::part_writer::{PartWriter, StagedPart};
use crate::commit::partition::Partition;
use crate::commit::record::{AttemptId, Consumed, Output, Part, Replaces, Run, RunId, Sums};
use crate::commit::run_id::hex;
use crate::commit::staged::Staged;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::Store;
use crate::watch::StopSignal;

impl AttemptId {
    /// Returns a new id: 96 bits from the system's random source, mixed with the process id and the time.
    #[must_use]
    pub fn random() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut hash = Sha256::new();
        for _ in 0..4 {
            // Each `RandomState` has different keys, which the system's random source seeds.
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            hash.update(RandomState::new().hash_one(next).to_le_bytes());
        }
        hash.update(std::process::id().to_le_bytes());
        hash.update(chrono::Utc::now().timestamp_micros().to_le_bytes());
        Self(hex(&hash.finalize()[..12]))
    }
}

/// One attempt at a run. The parts that it opens stay invisible until the commit.
#[derive(Debug)]
pub struct Attempt(Arc<AttemptState>);

/// A handle that opens parts of one attempt from several tasks; clones share the attempt.
#[derive(Clone, Debug)]
pub struct Stager(Arc<AttemptState>);

impl Attempt {
    /// Starts an attempt with a new id and stores a note of its start. If the process crashes, `vacuum` finds the
    /// attempt by this note and cleans up after it.
    ///
    /// `target` is the record number that the commit tries first, and `state` the live state before it. `outputs` pairs each table's plan with the keys that
    /// the run deletes from it.
    pub(super) async fn begin(
        store: Store,
        layout: Layout,
        run: RunId,
        (target, state): (u64, State),
        outputs: Vec<(OutputPlan, Vec<String>)>,
        consumed: Vec<Consumed>,
    ) -> Result<Self> {
        let inner = AttemptState {
            id: AttemptId::random(),
            store,
            layout,
            run,
            target,
            state,
            older_sums: Mutex::default(),
            outputs,
            consumed,
            next: AtomicU64::new(1),
            journal: Journal::default(),
            fsyncs: Arc::default(),
            in_flight: Arc::default(),
            is_abandoned: AtomicBool::new(false),
        };
        let started = Started {
            run: inner.run.clone(),
            aims_at: target,
        };
        let body = serde_json::to_vec(&started).context(
            ErrorKind::Failed,
            "the start note of an attempt cannot be converted to JSON; this is a bug",
        )?;
        let key = inner.layout.started(&inner.id);
        inner.store.put(&key, body.into()).await?;
        Ok(Self(Arc::new(inner)))
    }

    /// Returns the random id that distinguishes this attempt from all others at the same run.
    #[must_use]
    pub fn id(&self) -> &AttemptId {
        &self.0.id
    }

    /// Returns the id of the run that this attempt belongs to.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.0.run
    }

    /// Returns the key at which the report of this attempt is stored.
    #[must_use]
    pub fn report_key(&self) -> Path {
        self.0.layout.report(&self.0.run, &self.0.id)
    }

    /// Returns the folder to which this attempt writes the rows that it rejects.
    #[must_use]
    pub fn quarantine_folder(&self) -> Path {
        self.0.layout.quarantine_of(&self.0.run, &self.0.id)
    }

    /// Returns a handle by which several tasks can open parts at the same time.
    #[must_use]
    pub fn stager(&self) -> Stager {
        Stager(Arc::clone(&self.0))
    }

    /// Opens a part of a table, as [`Stager::part`] does.
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

    /// Returns the live parts of a table that the run keeps, and of which the log lacks a sum that the plan names: those
    /// of runs whose contract did not name it.
    #[must_use]
    pub fn parts_without_sums(&self, table: &str) -> Vec<Part> {
        let plan = self.0.outputs.iter().find(|(plan, _)| plan.table == table);
        let Some(((plan, deletes), live)) = plan.zip(self.0.state.table(table)) else {
            return Vec::new();
        };
        let lacks = |part: &&Part| {
            let mut summed = plan.summed.iter();
            summed.any(|column| !part.sums.contains_key(column))
        };
        let deletes: BTreeSet<&String> = deletes.iter().collect();
        let kept = live.parts.iter().filter(lacks);
        kept.filter(|part| !deletes.contains(&part.key))
            .cloned()
            .collect()
    }

    /// Adds the sums of a live part to the record, so that no later run reads the part for them.
    pub fn add_sums(&self, table: &str, part: &Part, sums: Sums) {
        let mut all = self
            .0
            .older_sums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let parts = all.entry(table.to_owned()).or_default();
        parts.entry(part.key.clone()).or_default().extend(sums);
    }

    /// Verifies that the parts of each table contain as many rows as `rows` says, and that each part is in a partition
    /// that the run may write. This is the half of step 4 that needs no knowledge of the job.
    ///
    /// The caller runs the job's own checks first. `summary` is stored in the record. Uploads that were opened and are
    /// not among `parts` are aborted before the commit.
    ///
    /// # Errors
    /// `Failed` if a number of rows, a table or a partition is wrong; the attempt is then abandoned.
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

    /// Groups the parts by table, checks their rows, partition columns and windows, and returns the record's outputs.
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
        let older = self
            .0
            .older_sums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (plan, deletes) in &self.0.outputs {
            let mut parts = tables.remove(&plan.table).unwrap_or_default();
            parts.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            let staged: u64 = parts.iter().map(|part| part.rows).sum();
            let expected = rows.get(&plan.table).copied().unwrap_or(0);
            if staged != expected {
                return Err(failed(format!(
                    "expected {expected} rows in the parts of table `{}`, got {staged}",
                    plan.table
                )));
            }
            for part in &parts {
                let misses = |column: &&String| part.partition.value(column).is_none();
                if let Some(column) = plan.columns.partition_by.iter().find(misses) {
                    return Err(failed(format!(
                        "part `{}` has no value for partition column `{column}`",
                        part.key
                    )));
                }
                if let Replaces::Window(window) = &plan.replaces
                    && !window.contains(&part.partition)
                {
                    return Err(failed(format!(
                        "part `{}` is outside the run's window, {window}",
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
                sums_of_older_parts: older.get(&plan.table).cloned().unwrap_or_default(),
            });
        }
        match tables.keys().next() {
            Some(table) => Err(failed(format!(
                "table `{table}` is not an output of this job"
            ))),
            None => Ok(outputs),
        }
    }

    /// Aborts the attempt's uploads and marks it as ended. After a stop, gives up after two seconds: the next run or
    /// `vacuum` then cleans up the rest.
    pub async fn abandon(self, stop: &StopSignal) {
        stop.grace(self.0.abandon()).await;
    }
}

impl Stager {
    /// Opens a part of a table in a partition; it stays invisible until the commit.
    ///
    /// # Errors
    /// `Failed` for a table that is not an output of the run; `Cancelled` once the attempt is abandoned; otherwise the
    /// kind of the store's failure.
    pub async fn part(
        &self,
        table: &str,
        partition: Partition,
        extension: &str,
    ) -> Result<PartWriter> {
        let inner = &self.0;
        if !inner.outputs.iter().any(|(plan, _)| plan.table == table) {
            let message = format!("table `{table}` is not an output of this job");
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let sequence = inner.next.fetch_add(1, Ordering::Relaxed);
        let key = inner
            .layout
            .part(table, &partition, &inner.id, sequence, extension)?;
        let staging = inner.layout.staging(&inner.id, sequence);
        let request = Arc::clone(&inner.in_flight).read_owned().await;
        if inner.is_abandoned.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the attempt was abandoned before this part was opened",
            ));
        }
        // A separate task opens the upload, so that a note records it even if the caller is canceled meanwhile.
        let (opening, opened) = (Arc::clone(inner), key.clone());
        let opening = tokio::spawn(async move {
            let _request = request;
            opening.open(&opened, &staging).await
        });
        let id = opening.await.unwrap_or_else(|error| {
            Err(Error::new(
                ErrorKind::Failed,
                format!("cannot open an upload for table `{table}`"),
            )
            .caused_by(std::io::Error::other(error)))
        })?;
        Ok(PartWriter::new(
            inner.store.clone(),
            Arc::clone(&inner.in_flight),
            Arc::clone(&inner.fsyncs),
            table.to_owned(),
            partition,
            key,
            id,
        ))
    }
}
