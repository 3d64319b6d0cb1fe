//! Takes a query's rows in: into open files, or held by partition where they are needed once more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::{StreamExt, TryStreamExt};

use crate::commit::Stager;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::sink::key_hashes::{KeyHashes, all_differ};
use crate::sink::open_files::{OpenFiles, PartitionFiles};
use crate::sink::partition::Partitions;
use crate::sink::regroup::{Regroup, RegroupedRows};
use crate::sink::table::Table;
use crate::sql::held::results::{HeldResults, ResultHolder};
use crate::sql::query_error;
use crate::watch::Progress;

/// Rows of more partitions than this in one block are held: so many files at once would be slow and large, and most would be
/// small.
const MOST_PARTITIONS: usize = 16;

/// What is to be known of an output's rows, and where they go.
pub struct CollectSpec {
    /// What the rows are called in messages.
    pub name: String,
    /// Boolean columns whose true values are counted, by name and place.
    pub counted: Vec<(String, usize)>,
    /// Columns whose values together should occur once; none: nobody asks.
    pub key: Vec<usize>,
    /// Goes along with the rows that are not held.
    pub direct: Option<DirectWrite>,
}

/// Rows go straight into files.
pub struct DirectWrite {
    /// Opens parts.
    pub stager: Stager,
    /// The table that is written.
    pub table: Table,
}

/// A query's rows by partition.
pub struct Collected {
    /// Rows that are not in files; the tag of a batch is the number of its partition.
    pub held: Arc<HeldResults>,
    /// The partitions that occur.
    pub partitions: Partitions,
    /// All rows.
    pub rows: u64,
    /// Rows for which a counted column is true.
    pub true_rows: BTreeMap<String, u64>,
    /// Whether all keys differ; `false` may also mean that the hashes of two met.
    pub keys_differ: bool,
    /// What was written already, by the number of the partition.
    pub(crate) slots: Vec<PartitionFiles>,
}

/// Runs the streams side by side and takes their rows in.
///
/// # Errors
/// `QualityGate` for an illegal partition value; else what the query or, where rows go into files, the store fails with.
///
/// # Panics
/// Never: the tasks that share the partitions have ended when they are taken back.
pub async fn collect(
    intake: CollectSpec,
    schema: SchemaRef,
    streams: Vec<SendableRecordBatchStream>,
    partitions: Partitions,
    runtime: &Arc<RuntimeEnv>,
    progress: &Progress,
) -> Result<Collected> {
    let partitions = Arc::new(Mutex::new(partitions));
    let files = match intake.direct {
        None => None,
        Some(direct) => {
            let format = direct.table.format(&schema)?;
            let files = OpenFiles::new(direct.stager, direct.table, format, runtime);
            Some(Arc::new(files))
        }
    };
    let key = intake.key;
    let tasks = streams.into_iter().map(|stream| {
        let router = StreamCollector {
            holder: ResultHolder::new(
                &format!("output {}", intake.name),
                Arc::clone(&schema),
                runtime,
            ),
            partitions: Arc::clone(&partitions),
            files: files.clone(),
            keys: (!key.is_empty()).then(|| KeyHashes::new(key.clone(), runtime)),
            counted: intake
                .counted
                .iter()
                .map(|(_, column)| (*column, 0))
                .collect(),
            rows: 0,
        };
        let task = route(
            stream,
            router,
            Regroup::new(Arc::clone(&partitions)),
            progress.clone(),
        );
        // A task of its own, so that the streams run on all threads; dropped, it is aborted.
        async move {
            datafusion::common::runtime::SpawnedTask::spawn(task)
                .join_unwind()
                .await
                .map_err(|error| {
                    Error::new(ErrorKind::Cancelled, "a query task was stopped")
                        .caused_by(std::io::Error::other(error))
                })?
        }
    });
    let parts: Vec<Routed> = futures::stream::iter(tasks)
        .buffered(usize::MAX)
        .try_collect()
        .await?;
    let mut held = vec![ResultHolder::new(&intake.name, schema, runtime).finish()];
    let mut keys = Vec::new();
    let mut true_rows: BTreeMap<String, u64> = intake
        .counted
        .iter()
        .map(|(name, _)| (name.clone(), 0))
        .collect();
    let mut rows = 0;
    for part in parts {
        rows += part.rows;
        held.push(part.held);
        keys.extend(part.keys);
        for ((name, _), (_, count)) in intake.counted.iter().zip(part.counted) {
            *true_rows.entry(name.clone()).or_default() += count;
        }
    }
    let partitions = Arc::into_inner(partitions)
        .expect("all tasks have ended")
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let slots = files.map_or_else(Vec::new, |files| {
        Arc::into_inner(files)
            .expect("all tasks have ended")
            .into_slots()
    });
    let keys_differ = compare(keys).await?;
    Ok(Collected {
        held: Arc::new(HeldResults::join(held)),
        partitions,
        rows,
        true_rows,
        keys_differ,
        slots,
    })
}

async fn compare(mut keys: Vec<KeyHashes>) -> Result<bool> {
    tokio::task::spawn_blocking(move || all_differ(&mut keys))
        .await
        .map_err(|error| {
            Error::new(ErrorKind::Failed, "the comparison of keys stopped")
                .caused_by(std::io::Error::other(error))
        })?
}

/// Takes one stream's rows in.
struct StreamCollector {
    holder: ResultHolder,
    partitions: Arc<Mutex<Partitions>>,
    files: Option<Arc<OpenFiles>>,
    keys: Option<KeyHashes>,
    counted: Vec<(usize, u64)>,
    rows: u64,
}

/// What one stream gave.
struct Routed {
    held: HeldResults,
    keys: Option<KeyHashes>,
    counted: Vec<(usize, u64)>,
    rows: u64,
}

async fn route(
    mut stream: SendableRecordBatchStream,
    mut router: StreamCollector,
    mut regroup: Regroup,
    progress: Progress,
) -> Result<Routed> {
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(query_error)?;
        progress.add_rows(batch.num_rows() as u64);
        router.count(&batch)?;
        if let Some(block) = regroup.push(batch)? {
            router.take(block).await?;
        }
    }
    if let Some(block) = regroup.finish() {
        router.take(block).await?;
    }
    Ok(Routed {
        held: router.holder.finish(),
        keys: router.keys,
        counted: router.counted,
        rows: router.rows,
    })
}

impl StreamCollector {
    fn count(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for (column, count) in &mut self.counted {
            *count += batch.column(*column).as_boolean().true_count() as u64;
        }
        match &mut self.keys {
            Some(keys) => keys.push(batch),
            None => Ok(()),
        }
    }

    async fn take(&mut self, block: RegroupedRows) -> Result<()> {
        let direct = self
            .files
            .clone()
            .filter(|_| block.partitions() <= MOST_PARTITIONS);
        let Some(files) = direct else {
            for (number, batch) in block.owned()? {
                self.holder.push(number, batch).map_err(query_error)?;
            }
            return Ok(());
        };
        for (number, batch) in block.shared()? {
            let partition = || {
                let partitions = self
                    .partitions
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                partitions.partition(number).clone()
            };
            if !files.write(number, partition, &batch).await? {
                let rows: Vec<_> = (0..batch.num_rows()).map(|row| (0, row)).collect();
                let copied = interleave_record_batch(&[&batch], &rows)
                    .context(ErrorKind::Failed, "cannot copy rows")?;
                self.holder.push(number, copied).map_err(query_error)?;
            }
            // Encoding takes long: whoever else waits for this thread is let in.
            tokio::task::consume_budget().await;
        }
        Ok(())
    }
}
