//! Takes a query's rows in and sorts them into partitions, before anything is written.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::{StreamExt, TryStreamExt};

use super::partition::{PartitionNumber, Partitions};
use crate::bad_value::BadValue;
use crate::error::{Cause, Context, Error, ErrorKind, Result};
use crate::hold::{Held, Holder};
use crate::progress::Progress;
use crate::store;

/// Rows are put in partition order in blocks of about this many: enough that a day of a year has hundreds in each
/// block, little enough (tens of MB) for a small memory limit.
const BLOCK_ROWS: usize = 256 * 1024;

/// A query's rows by partition.
pub struct Collected {
    /// The rows; the tag of a batch is the number of its partition.
    pub held: Arc<Held>,
    /// The partitions that occur.
    pub partitions: Partitions,
}

/// Runs the streams side by side and holds their rows by partition.
///
/// # Errors
/// `QualityGate` for an illegal partition value; else what the query fails with.
///
/// # Panics
/// Never: the tasks that share the partitions have ended when they are taken back.
pub async fn collect(
    output: &str,
    schema: SchemaRef,
    streams: Vec<SendableRecordBatchStream>,
    partitions: Partitions,
    runtime: &RuntimeEnv,
    progress: &Progress,
) -> Result<Collected> {
    let partitions = Arc::new(Mutex::new(partitions));
    let tasks = streams.into_iter().map(|stream| {
        let router = Router {
            holder: Holder::new(&format!("output {output}"), Arc::clone(&schema), runtime),
            partitions: Arc::clone(&partitions),
            block: Vec::new(),
            block_rows: 0,
        };
        let task = route(stream, router, progress.clone());
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
    let parts: Vec<Held> = futures::stream::iter(tasks)
        .buffered(usize::MAX)
        .try_collect()
        .await?;
    let held = if parts.is_empty() {
        Holder::new(output, schema, runtime).finish()
    } else {
        Held::join(parts)
    };
    let partitions = Arc::into_inner(partitions)
        .expect("all tasks have ended")
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(Collected {
        held: Arc::new(held),
        partitions,
    })
}

async fn route(
    mut stream: SendableRecordBatchStream,
    mut router: Router,
    progress: Progress,
) -> Result<Held> {
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(query_error)?;
        progress.add_rows(batch.num_rows() as u64);
        router.push(batch)?;
    }
    router.flush()?;
    Ok(router.holder.finish())
}

/// What a failed query means: no memory or disk is `Failed` with the setting to raise; anything of ours keeps its kind.
pub(crate) fn query_error(error: DataFusionError) -> Error {
    if let Some(replaced) = store::replaced(&error) {
        let message = format!("{replaced}, by a later run or by another hand");
        return Error::new(ErrorKind::TryAgain, message)
            .caused_by(error)
            .hint("nothing was mixed; run the same command again: it starts from the new version");
    }
    let root = error.find_root();
    if let DataFusionError::ResourcesExhausted(_) = root {
        return Error::new(
            ErrorKind::Failed,
            "the query needs more memory than the limit allows",
        )
        .caused_by(error)
        .hint("raise `--memory-limit`, or give `--spill-dir` a disk with more room");
    }
    if let DataFusionError::External(external) = root
        && let Some(own) = external.downcast_ref::<Error>()
    {
        return Error::new(own.kind(), own.to_string()).caused_by(error);
    }
    if let Some(bad) = BadValue::of(root) {
        return bad.error(error);
    }
    let no_space = |error: &std::io::Error| error.kind() == std::io::ErrorKind::StorageFull;
    if matches!(root, DataFusionError::IoError(io) if no_space(io)) {
        return Error::new(ErrorKind::Failed, "the spill directory is full")
            .caused_by(error)
            .hint("give `--spill-dir` a disk with more room, or raise `--memory-limit`");
    }
    Error::new(ErrorKind::Failed, "the query failed").caused_by(Cause::from(error))
}

struct Router {
    holder: Holder,
    partitions: Arc<Mutex<Partitions>>,
    block: Vec<RecordBatch>,
    block_rows: usize,
}

impl Router {
    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.block_rows += batch.num_rows();
        self.block.push(batch);
        if self.block_rows >= BLOCK_ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Puts the block in partition order and holds one batch for each partition in it.
    fn flush(&mut self) -> Result<()> {
        let block = std::mem::take(&mut self.block);
        self.block_rows = 0;
        if block.is_empty() {
            return Ok(());
        }
        let mut by_partition: Vec<Vec<(usize, usize)>> = Vec::new();
        for (place, batch) in block.iter().enumerate() {
            let numbers = self
                .partitions
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .number(batch)?;
            for (row, number) in numbers.into_iter().enumerate() {
                let number = number as usize;
                if by_partition.len() <= number {
                    by_partition.resize(number + 1, Vec::new());
                }
                by_partition[number].push((place, row));
            }
        }
        if let [_only] = by_partition.as_slice() {
            for batch in block {
                self.holder.push(0, batch).map_err(query_error)?;
            }
            return Ok(());
        }
        let batches: Vec<&RecordBatch> = block.iter().collect();
        for (number, rows) in by_partition.into_iter().enumerate() {
            if rows.is_empty() {
                continue;
            }
            let batch = interleave_record_batch(&batches, &rows)
                .context(ErrorKind::Failed, "cannot put rows in partition order")?;
            let number =
                PartitionNumber::try_from(number).expect("partitions are numbered by this type");
            self.holder.push(number, batch).map_err(query_error)?;
        }
        Ok(())
    }
}
