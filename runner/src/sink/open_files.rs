//! Files of several partitions that are open at once while the query runs.
//!
//! Files are written during the query if rows come ordered by partition, so that few files are open. Keeping one file
//! per partition open was rejected: 366 open encoders take as much memory as held rows and run slower.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::sync::Mutex as AsyncMutex;

use crate::commit::{Partition, StagedPart, Stager};
use crate::error::{Context, ErrorKind, Result};
use crate::sink::parquet::file_writer::{EndedFile, File, FileFormat};
use crate::sink::partition::PartitionNumber;
use crate::sink::table_files::TableFiles;

/// The largest number of files that are open at once: a stream that is ordered by partition needs one or two.
const MOST_FILES: usize = 32;

/// The share of the memory pool, in percent, that open files may take; the rest is for held inputs and held rows.
const FILES_PERCENT: usize = 25;

/// Open files of one output, shared by the streams that write to it; at most one per partition.
pub(crate) struct OpenFiles {
    /// The stager that opens one part per file.
    stager: Stager,
    /// The output table, with the settings of its files.
    table: TableFiles,
    /// Columns, codec and sizes of the files.
    format: FileFormat,
    /// One slot per partition, by partition number. A slot stays locked while its rows are encoded and sent to the
    /// store.
    slots: Mutex<Vec<Arc<AsyncMutex<PartitionFiles>>>>,
    /// Memory accounted for all open files.
    memory: MemoryReservation,
    /// The number of bytes in `memory` above which a file is finished early.
    limit_bytes: usize,
    /// The number of open files.
    open: AtomicUsize,
    /// The number of writes so far, by which the least recently used file is found.
    clock: AtomicU64,
}

/// The open file and the finished files of one partition.
#[derive(Default)]
pub(crate) struct PartitionFiles {
    /// The file that receives the next rows; `None` before the first row and after a file was finished.
    pub file: Option<File>,
    /// Staged parts, one per finished file.
    pub staged: Vec<StagedPart>,
    /// `true` if a file was finished early to free memory; later rows of the partition are held instead.
    is_closed: bool,
    /// The partition's name; set by the first write.
    partition: Option<Partition>,
    /// Bytes of the open file that the reservation counts.
    accounted_bytes: usize,
    /// The value of [`OpenFiles::clock`] at the last write.
    last_used: u64,
}

impl OpenFiles {
    /// Creates an empty set of files for one output.
    pub fn new(
        stager: Stager,
        table: TableFiles,
        format: FileFormat,
        runtime: &RuntimeEnv,
    ) -> Self {
        let limit_bytes = match runtime.memory_pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / 100 * FILES_PERCENT,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        Self {
            memory: MemoryConsumer::new(format!("open files of {}", table.name))
                .register(&runtime.memory_pool),
            stager,
            table,
            format,
            slots: Mutex::default(),
            limit_bytes,
            open: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
        }
    }

    /// Encodes rows of a partition into its file. Returns `false` and writes nothing if that file was
    /// already finished to free memory; the caller must then hold the rows.
    ///
    /// # Errors
    /// Those of the encoder and of the store.
    pub async fn write(
        &self,
        number: PartitionNumber,
        partition: impl FnOnce() -> Partition,
        batch: &RecordBatch,
    ) -> Result<bool> {
        let batch = batch.project(&self.table.file_columns).context(
            ErrorKind::Failed,
            "cannot select the columns that the output's Parquet files store",
        )?;
        let slot = self.slot(number);
        let mut slot = slot.lock().await;
        if slot.is_closed {
            return Ok(false);
        }
        slot.last_used = self.clock.fetch_add(1, Ordering::Relaxed);
        let slot = &mut *slot;
        let file = match &mut slot.file {
            Some(file) => file,
            none => {
                slot.partition.get_or_insert_with(partition);
                self.open.fetch_add(1, Ordering::Relaxed);
                none.insert(self.format.begin(&batch)?)
            }
        };
        file.write(std::slice::from_ref(&batch), 1)?;
        if let Some(bytes) = file.block() {
            let partition = slot.partition.clone().unwrap_or_default();
            let part = match &mut file.part {
                Some(part) => part,
                none => none.insert(self.part(partition).await?),
            };
            part.write(bytes).await?;
        }
        if file.is_full() {
            self.end(slot).await?;
        }
        self.account(slot);
        if self.open.load(Ordering::Relaxed) > MOST_FILES || self.memory.size() > self.limit_bytes {
            self.make_room(number).await?;
        }
        Ok(true)
    }

    /// Returns the files of each partition, in the order of the partition numbers.
    ///
    /// # Panics
    /// If a stream still writes.
    pub fn into_slots(self) -> Vec<PartitionFiles> {
        self.slots
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter()
            .map(|slot| {
                Arc::into_inner(slot)
                    .expect("all streams have ended")
                    .into_inner()
            })
            .collect()
    }

    /// Returns the slot of a partition; creates it if it is new.
    fn slot(&self, number: PartitionNumber) -> Arc<AsyncMutex<PartitionFiles>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let number = number as usize;
        if slots.len() <= number {
            slots.resize_with(number + 1, Arc::default);
        }
        Arc::clone(&slots[number])
    }

    /// Finishes the least recently used file, but not that of partition `but`. Skips files that are being written to.
    async fn make_room(&self, but: PartitionNumber) -> Result<()> {
        let slots: Vec<_> = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.iter().cloned().collect()
        };
        let idle = (0..)
            .zip(&slots)
            .filter(|(number, _)| *number != but)
            .filter_map(|(_, slot)| slot.try_lock().ok())
            .filter(|slot| slot.file.is_some())
            .min_by_key(|slot| slot.last_used);
        if let Some(mut slot) = idle {
            slot.is_closed = true;
            self.end(&mut slot).await?;
            self.account(&mut slot);
        }
        Ok(())
    }

    /// Finishes the open file of a slot and stages it.
    async fn end(&self, slot: &mut PartitionFiles) -> Result<()> {
        let Some(mut file) = slot.file.take() else {
            return Ok(());
        };
        self.open.fetch_sub(1, Ordering::Relaxed);
        let part = file.part.take();
        let EndedFile { bytes, rows, sums } = file.end()?;
        let mut part = match part {
            Some(part) => part,
            None => {
                self.part(slot.partition.clone().unwrap_or_default())
                    .await?
            }
        };
        part.write(bytes).await?;
        slot.staged.push(part.finish_with_sums(rows, sums).await?);
        Ok(())
    }

    /// Opens a part of the table in a partition.
    async fn part(&self, partition: Partition) -> Result<crate::commit::PartWriter> {
        self.stager
            .part(&self.table.name, partition, "parquet")
            .await
    }

    /// Updates the accounted memory of a slot's file.
    ///
    /// The reservation grows even if the pool has no more, because the memory is already in use; a file is finished
    /// right after.
    fn account(&self, slot: &mut PartitionFiles) {
        let bytes = slot.file.as_ref().map_or(0, File::memory_bytes);
        let before = std::mem::replace(&mut slot.accounted_bytes, bytes);
        if bytes > before {
            self.memory.grow(bytes - before);
        } else {
            self.memory.shrink(before - bytes);
        }
    }
}
