//! Files of several partitions, open at once: few, for each takes memory.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::sync::Mutex as AsyncMutex;

use crate::commit::{Partition, StagedPart, Stager};
use crate::error::{Context, ErrorKind, Result};
use crate::sink::parquet::file_writer::{File, FileFormat};
use crate::sink::partition::PartitionNumber;
use crate::sink::table::Table;

/// Files that are open at the same time, at most: a stream that comes partition by partition needs one or two.
const MOST_FILES: usize = 32;

/// The pool's share, in percent, that open files may take: the rest is for held inputs and for rows that wait.
const FILES_PERCENT: usize = 25;

/// The open files of one output, shared by the streams that write to it; at most one for a partition.
pub(crate) struct OpenFiles {
    stager: Stager,
    table: Table,
    format: FileFormat,
    slots: Mutex<Vec<Arc<AsyncMutex<PartitionFiles>>>>,
    memory: MemoryReservation,
    limit_bytes: usize,
    open: AtomicUsize,
    clock: AtomicU64,
}

/// What was written to one partition.
#[derive(Default)]
pub(crate) struct PartitionFiles {
    /// The file that is open.
    pub file: Option<File>,
    /// Those that were ended.
    pub staged: Vec<StagedPart>,
    /// The file was ended before it had its size, to make room: rows that still come are to wait.
    is_closed: bool,
    partition: Option<Partition>,
    accounted_bytes: usize,
    last_used: u64,
}

impl OpenFiles {
    /// None yet.
    pub fn new(stager: Stager, table: Table, format: FileFormat, runtime: &RuntimeEnv) -> Self {
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

    /// Encodes rows of a partition into its file; `false` where that file was ended and they are to wait.
    ///
    /// # Errors
    /// As the encoder and the store say.
    pub async fn write(
        &self,
        number: PartitionNumber,
        partition: impl FnOnce() -> Partition,
        batch: &RecordBatch,
    ) -> Result<bool> {
        let batch = batch
            .project(&self.table.file_columns)
            .context(ErrorKind::Failed, "cannot project to the columns of a file")?;
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

    /// What was written, by the number of the partition.
    ///
    /// # Panics
    /// While a stream still writes.
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

    fn slot(&self, number: PartitionNumber) -> Arc<AsyncMutex<PartitionFiles>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let number = number as usize;
        if slots.len() <= number {
            slots.resize_with(number + 1, Arc::default);
        }
        Arc::clone(&slots[number])
    }

    /// Ends the file that was not written to for longest; none, where all others are being written to.
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

    async fn end(&self, slot: &mut PartitionFiles) -> Result<()> {
        let Some(mut file) = slot.file.take() else {
            return Ok(());
        };
        self.open.fetch_sub(1, Ordering::Relaxed);
        let part = file.part.take();
        let (bytes, rows) = file.end()?;
        let mut part = match part {
            Some(part) => part,
            None => {
                self.part(slot.partition.clone().unwrap_or_default())
                    .await?
            }
        };
        part.write(bytes).await?;
        slot.staged.push(part.finish(rows).await?);
        Ok(())
    }

    async fn part(&self, partition: Partition) -> Result<crate::commit::PartWriter> {
        self.stager
            .part(&self.table.name, partition, "parquet")
            .await
    }

    /// Brings the account of a file's memory up to date; it is taken even where the pool has no more, for it is used already,
    /// and room is made at once.
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
