//! Computed rows that are not written yet: held in memory, or on disk if memory is short, and readable as a table.
//!
//! Rows are held in two cases: if checks or later outputs read them again, or if they do not come ordered by partition.
//! Holding all rows was rejected: 10 million rentals took 6.7 GiB, and half of the processor's time went into touching
//! fresh memory.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Statistics};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{DiskManager, SendableRecordBatchStream, SpillFile};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

use crate::sql::scan_exec::{ScanExec, ScanSource};

/// The label by which held batches are grouped: the number of an output's partition.
pub type Tag = u32;

/// A collector of batches, which spills them to disk when the memory pool is exhausted.
pub struct ResultHolder {
    /// The schema of every batch.
    schema: SchemaRef,
    /// Memory accounted in the pool for the batches in memory.
    reservation: MemoryReservation,
    /// The manager that creates the spill files.
    disk: Arc<DiskManager>,
    /// All batches, in the order of intake.
    chunks: Vec<HeldBatch>,
    /// Indices in `chunks` of the batches that are not spilled.
    in_memory: Vec<usize>,
    /// The size in bytes that the spilled batches had in memory.
    spilled_bytes: u64,
}

impl ResultHolder {
    /// Creates an empty holder; `name` identifies it in out-of-memory errors.
    #[must_use]
    pub fn new(name: &str, schema: SchemaRef, runtime: &RuntimeEnv) -> Self {
        let reservation = MemoryConsumer::new(name)
            .with_can_spill(true)
            .register(&runtime.memory_pool);
        Self {
            schema,
            reservation,
            disk: Arc::clone(&runtime.disk_manager),
            chunks: Vec::new(),
            in_memory: Vec::new(),
            spilled_bytes: 0,
        }
    }

    /// Adds a batch. Text in shared buffers is copied, so that the batch keeps no other rows in memory.
    ///
    /// # Errors
    /// DataFusion's error if memory is short and the spill directory cannot take the rows.
    pub fn push(&mut self, tag: Tag, batch: RecordBatch) -> Result<(), DataFusionError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = own_text(batch)?;
        let bytes = batch.get_array_memory_size();
        if self.reservation.try_grow(bytes).is_err() {
            self.spill()?;
            if self.reservation.try_grow(bytes).is_err() {
                // Not even one batch fits: this one is spilled alone.
                self.add(tag, batch);
                return self.spill();
            }
        }
        self.add(tag, batch);
        Ok(())
    }

    /// Returns the rows once all batches were added.
    #[must_use]
    pub fn finish(self) -> HeldResults {
        HeldResults {
            schema: self.schema,
            rows: self.chunks.iter().map(|chunk| chunk.rows).sum(),
            chunks: self.chunks,
            spilled_bytes: self.spilled_bytes,
            reservations: vec![self.reservation],
        }
    }

    /// Appends a batch without spilling; the caller has reserved its memory.
    fn add(&mut self, tag: Tag, batch: RecordBatch) {
        self.in_memory.push(self.chunks.len());
        self.chunks.push(HeldBatch {
            tag,
            rows: batch.num_rows(),
            bytes: batch.get_array_memory_size(),
            place: BatchData::Memory(batch),
        });
    }

    /// Writes all batches in memory to one file in tag order, so that the batches of a partition are adjacent.
    fn spill(&mut self) -> Result<(), DataFusionError> {
        if self.in_memory.is_empty() {
            return Ok(());
        }
        let file = self.disk.create_tmp_file("held rows")?;
        let mut writer = FileWriter::try_new(file.open_writer()?, &self.schema)?;
        let mut places = std::mem::take(&mut self.in_memory);
        places.sort_by_key(|place| self.chunks[*place].tag);
        for (block, place) in places.into_iter().enumerate() {
            let chunk = &mut self.chunks[place];
            if let BatchData::Memory(batch) = &chunk.place {
                writer.write(batch)?;
                self.spilled_bytes += chunk.bytes as u64;
                chunk.place = BatchData::Disk {
                    file: Arc::clone(&file),
                    block,
                };
            }
        }
        writer.finish()?;
        writer.into_inner()?.finish()?;
        self.reservation.free();
        Ok(())
    }
}

/// The held rows of a table or output, which can be read any number of times.
pub struct HeldResults {
    /// The schema of every batch.
    schema: SchemaRef,
    /// The number of rows in all batches.
    rows: usize,
    /// Batches in the order of intake.
    chunks: Vec<HeldBatch>,
    /// The size in bytes that the spilled batches had in memory.
    spilled_bytes: u64,
    /// Memory accounted in the pool for the rows; dropping a reservation frees its memory.
    reservations: Vec<MemoryReservation>,
}

/// One held batch, with its row count and size, which need no read from disk.
struct HeldBatch {
    /// The number of the partition that the batch belongs to.
    tag: Tag,
    /// The number of rows in the batch.
    rows: usize,
    /// The size of the batch in memory, in bytes; kept after a spill.
    bytes: usize,
    /// The rows, in memory or in a spill file.
    place: BatchData,
}

/// The rows of a batch, or the spill file that contains them.
enum BatchData {
    /// A batch in memory.
    Memory(RecordBatch),
    /// A batch in a spill file.
    Disk {
        /// An IPC file, which is deleted when its last reference is dropped.
        file: Arc<dyn SpillFile>,
        /// Index of the batch in the file.
        block: usize,
    },
}

impl HeldResults {
    /// Joins the rows of several holders, in the order of `parts`.
    ///
    /// # Panics
    /// If `parts` is empty, because then the schema is unknown.
    #[must_use]
    pub fn join(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut joined = parts.next().expect("at least one holder took part");
        for part in parts {
            joined.rows += part.rows;
            joined.spilled_bytes += part.spilled_bytes;
            joined.chunks.extend(part.chunks);
            joined.reservations.extend(part.reservations);
        }
        joined
    }

    /// Returns the schema of every batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns the number of rows in all batches.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the size in bytes that the spilled batches had in memory.
    #[must_use]
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes
    }

    /// Returns, for each tag below `tag_count`, the indices of its batches in the order of intake.
    #[must_use]
    pub fn by_tag(&self, tag_count: usize) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); tag_count];
        for (place, chunk) in self.chunks.iter().enumerate() {
            places[chunk.tag as usize].push(place);
        }
        places
    }

    /// Returns the size in memory, in bytes, of the batch at an index.
    #[must_use]
    pub fn bytes(&self, place: usize) -> usize {
        self.chunks[place].bytes
    }

    /// Returns the batch at an index; blocks the thread if it is on disk.
    ///
    /// # Errors
    /// DataFusion's error if a spilled batch cannot be read back.
    pub fn batch(&self, place: usize) -> Result<RecordBatch, DataFusionError> {
        match &self.chunks[place].place {
            BatchData::Memory(batch) => Ok(batch.clone()),
            BatchData::Disk { file, block } => {
                let path = file.path().ok_or_else(|| {
                    DataFusionError::Internal("a spill file has no path".to_owned())
                })?;
                let mut reader = FileReader::try_new(BufReader::new(File::open(path)?), None)?;
                reader.set_index(*block)?;
                reader
                    .next()
                    .ok_or_else(|| {
                        DataFusionError::Internal(format!("spilled batch {block} is missing"))
                    })?
                    .map_err(Into::into)
            }
        }
    }
}

/// Copies text out of buffers that the batch may share with other batches. Short text is stored inline in its view and
/// needs no copy.
fn own_text(batch: RecordBatch) -> Result<RecordBatch, DataFusionError> {
    let shares = |array: &ArrayRef| {
        array.data_type() == &DataType::Utf8View
            && !array.as_string_view().data_buffers().is_empty()
    };
    if !batch.columns().iter().any(shares) {
        return Ok(batch);
    }
    let columns = batch
        .columns()
        .iter()
        .map(|array| {
            if shares(array) {
                Arc::new(array.as_string_view().gc())
            } else {
                Arc::clone(array)
            }
        })
        .collect();
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

/// The held rows of a table or output as a SQL table.
#[derive(Clone)]
pub struct HeldResultsTable(Arc<HeldResults>);

impl HeldResultsTable {
    /// Creates a table over held rows, without copying them.
    #[must_use]
    pub fn new(held: Arc<HeldResults>) -> Self {
        Self(held)
    }
}

impl fmt::Debug for HeldResultsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldResultsTable({} rows)", self.0.rows)
    }
}

#[async_trait]
impl TableProvider for HeldResultsTable {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let schema = match projection {
            Some(columns) => Arc::new(self.0.schema.project(columns)?),
            None => self.0.schema(),
        };
        let threads = state.config_options().execution.target_partitions;
        let partitions = threads.min(self.0.chunks.len()).max(1);
        let rows = HeldResultsScan {
            held: Arc::clone(&self.0),
            projection: projection.cloned(),
            partitions,
        };
        Ok(ScanExec::plan(rows, schema, partitions))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.0.statistics())
    }
}

impl HeldResults {
    /// Returns the exact number of rows and the size in memory.
    fn statistics(&self) -> Statistics {
        let bytes = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        Statistics::new_unknown(&self.schema)
            .with_num_rows(Precision::Exact(self.rows))
            .with_total_byte_size(Precision::Inexact(bytes))
    }
}

/// A scan of the held batches, which are assigned to the partitions round-robin.
struct HeldResultsScan {
    /// The held rows, shared with the table.
    held: Arc<HeldResults>,
    /// Indices of the columns that are read; `None` for all.
    projection: Option<Vec<usize>>,
    /// The number of partitions that the scan is divided into.
    partitions: usize,
}

impl ScanSource for HeldResultsScan {
    const NAME: &'static str = "HeldScan";

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, batches) = (self.held.rows, self.held.chunks.len());
        write!(f, "rows={rows}, batches={batches}")
    }

    fn statistics(&self, schema: &SchemaRef, partition: Option<usize>) -> Statistics {
        match partition {
            Some(_) => Statistics::new_unknown(schema),
            None => self.held.statistics().project(self.projection.as_ref()),
        }
    }

    fn read(
        &self,
        partition: usize,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let held = Arc::clone(&self.held);
        let projection = self.projection.clone();
        let batches = (partition..held.chunks.len())
            .step_by(self.partitions)
            .flat_map(move |place| {
                let batch = held.batch(place).and_then(|batch| match &projection {
                    Some(columns) => Ok(batch.project(columns)?),
                    None => Ok(batch),
                });
                slices(batch, batch_rows)
            });
        let stream = RecordBatchStreamAdapter::new(schema, futures::stream::iter(batches));
        Ok(make_cooperative(Box::pin(stream)))
    }
}

/// Slices a batch into pieces of at most `rows` rows; passes an error on.
fn slices(
    batch: Result<RecordBatch, DataFusionError>,
    rows: usize,
) -> impl Iterator<Item = Result<RecordBatch, DataFusionError>> {
    let (batch, error) = match batch {
        Ok(batch) => (Some(batch), None),
        Err(error) => (None, Some(Err(error))),
    };
    let slices = batch.into_iter().flat_map(move |batch| {
        (0..batch.num_rows())
            .step_by(rows)
            .map(move |start| Ok(batch.slice(start, rows.min(batch.num_rows() - start))))
    });
    slices.chain(error)
}
