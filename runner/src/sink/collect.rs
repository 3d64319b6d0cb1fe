//! Collects the rows of a query: writes them to open files, or holds them by partition.

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
use crate::sink::table_files::TableFiles;
use crate::sql::held::results::{HeldResults, ResultHolder};
use crate::sql::query_error;
use crate::watch::Progress;

/// The largest number of partitions in a block whose rows are written to open files. A block with more partitions is
/// held, because so many open files would take memory and time, and most of the files would be small.
const MOST_PARTITIONS: usize = 16;

/// Settings of [`collect`]: the columns to count and to check, and the destination of the rows.
pub struct CollectSpec {
    /// The name of the table or output whose rows are collected, for messages.
    pub name: String,
    /// Name and index of each boolean column whose true values are counted.
    pub counted: Vec<(String, usize)>,
    /// Indices of the key columns; empty if the output declares no key.
    pub key: Vec<usize>,
    /// Destination of the rows that are not held; `None` if every row is held.
    pub direct: Option<DirectWrite>,
}

/// Settings of the files to which rows are written while the query runs.
pub struct DirectWrite {
    /// The stager that opens one part per file.
    pub stager: Stager,
    /// The output table, with the settings of its files.
    pub table: TableFiles,
}

/// Result of [`collect`]: the rows of a query by partition, held or in files.
pub struct Collected {
    /// Rows that are not in files; the tag of a batch is its partition's number.
    pub held: Arc<HeldResults>,
    /// Partitions that have rows, with their numbers.
    pub partitions: Partitions,
    /// The number of all rows, held or written.
    pub rows: u64,
    /// The number of rows with a true value, per counted column.
    pub true_rows: BTreeMap<String, u64>,
    /// `true` if no key occurs twice; `false` may also mean that two keys have the same hash.
    pub keys_differ: bool,
    /// Finished and open files, by partition number.
    pub(crate) slots: Vec<PartitionFiles>,
}

/// Runs the streams of a query concurrently and collects their rows.
///
/// # Errors
/// `QualityGate` for an invalid partition value; else those of the query and, if rows are written to files, of the
/// store.
///
/// # Panics
/// Never in practice: all tasks that share the partitions and the files have ended before this function unwraps them.
pub async fn collect(
    spec: CollectSpec,
    schema: SchemaRef,
    streams: Vec<SendableRecordBatchStream>,
    partitions: Partitions,
    runtime: &Arc<RuntimeEnv>,
    progress: &Progress,
) -> Result<Collected> {
    let partitions = Arc::new(Mutex::new(partitions));
    let files = match spec.direct {
        None => None,
        Some(direct) => {
            let format = direct.table.format(&schema)?;
            let files = OpenFiles::new(direct.stager, direct.table, format, runtime);
            Some(Arc::new(files))
        }
    };
    let key = spec.key;
    let tasks = streams.into_iter().map(|stream| {
        let collector = StreamCollector {
            holder: ResultHolder::new(
                &format!("output {}", spec.name),
                Arc::clone(&schema),
                runtime,
            ),
            partitions: Arc::clone(&partitions),
            files: files.clone(),
            keys: (!key.is_empty()).then(|| KeyHashes::new(key.clone(), runtime)),
            counted: spec
                .counted
                .iter()
                .map(|(_, column)| (*column, 0))
                .collect(),
            rows: 0,
        };
        let task = collect_stream(
            stream,
            collector,
            Regroup::new(Arc::clone(&partitions)),
            progress.clone(),
        );
        // Each stream is a separate task, so that streams run on all threads. Dropping the task aborts it.
        async move {
            datafusion::common::runtime::SpawnedTask::spawn(task)
                .join_unwind()
                .await
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Cancelled,
                        "the query was canceled before it ended",
                    )
                    .caused_by(std::io::Error::other(error))
                })?
        }
    });
    let parts: Vec<CollectedStream> = futures::stream::iter(tasks)
        .buffered(usize::MAX)
        .try_collect()
        .await?;
    let mut held = vec![ResultHolder::new(&spec.name, schema, runtime).finish()];
    let mut keys = Vec::new();
    let mut true_rows: BTreeMap<String, u64> = spec
        .counted
        .iter()
        .map(|(name, _)| (name.clone(), 0))
        .collect();
    let mut rows = 0;
    for part in parts {
        rows += part.rows;
        held.push(part.held);
        keys.extend(part.keys);
        for ((name, _), (_, count)) in spec.counted.iter().zip(part.counted) {
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

/// Searches for duplicate keys on a blocking thread; returns `true` if it found none.
async fn compare(mut keys: Vec<KeyHashes>) -> Result<bool> {
    tokio::task::spawn_blocking(move || all_differ(&mut keys))
        .await
        .map_err(|error| {
            Error::new(
                ErrorKind::Failed,
                "the search for duplicate keys ended unexpectedly",
            )
            .hint("this is a bug: please report it")
            .caused_by(std::io::Error::other(error))
        })?
}

/// Collector of one stream's rows.
struct StreamCollector {
    /// Holds the rows that are not written to files.
    holder: ResultHolder,
    /// Numbering of the partitions, shared by all streams.
    partitions: Arc<Mutex<Partitions>>,
    /// Open files, shared by all streams; `None` if every row is held.
    files: Option<Arc<OpenFiles>>,
    /// Hashes of the keys; `None` if the output declares no key.
    keys: Option<KeyHashes>,
    /// Per counted column, its index and the number of true values so far.
    counted: Vec<(usize, u64)>,
    /// The number of rows read from the stream so far.
    rows: u64,
}

/// The held rows, key hashes and counts of one stream that was read to its end.
struct CollectedStream {
    /// Rows that were not written to files.
    held: HeldResults,
    /// Hashes of the keys; `None` if the output declares no key.
    keys: Option<KeyHashes>,
    /// Per counted column, its index and the number of true values.
    counted: Vec<(usize, u64)>,
    /// The number of rows in the stream.
    rows: u64,
}

/// Reads a stream to its end; counts its rows and passes them to files or to the holder.
async fn collect_stream(
    mut stream: SendableRecordBatchStream,
    mut collector: StreamCollector,
    mut regroup: Regroup,
    progress: Progress,
) -> Result<CollectedStream> {
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(query_error)?;
        progress.add_rows(batch.num_rows() as u64);
        collector.count(&batch)?;
        if let Some(block) = regroup.push(batch)? {
            collector.take(block).await?;
        }
    }
    if let Some(block) = regroup.finish() {
        collector.take(block).await?;
    }
    Ok(CollectedStream {
        held: collector.holder.finish(),
        keys: collector.keys,
        counted: collector.counted,
        rows: collector.rows,
    })
}

impl StreamCollector {
    /// Adds a batch to the counts of rows and of true values, and hashes its keys.
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

    /// Writes the rows of a block to the open files. Holds all of them if the block has more than [`MOST_PARTITIONS`],
    /// and those of a single partition if the partition's file was finished early.
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
                let copied = interleave_record_batch(&[&batch], &rows).context(
                    ErrorKind::Failed,
                    "cannot copy the rows of a partition in memory",
                )?;
                self.holder.push(number, copied).map_err(query_error)?;
            }
            // Encoding takes long: this yields to the other tasks of the thread.
            tokio::task::consume_budget().await;
        }
        Ok(())
    }
}
