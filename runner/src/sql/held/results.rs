//! Rows that are computed and not yet written: held in memory, on disk where memory is short, and readable as a table.
//!
//! Held are rows that are needed once more, so that checks and later outputs read them at no cost to the store, and rows that
//! come in no order of partitions.

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

/// Says which batches belong together; an output's partition number.
pub type Tag = u32;

/// Takes batches in, and puts them on disk when the memory pool has no more for it.
pub struct ResultHolder {
    schema: SchemaRef,
    reservation: MemoryReservation,
    disk: Arc<DiskManager>,
    chunks: Vec<HeldBatch>,
    in_memory: Vec<usize>,
    spilled_bytes: u64,
}

impl ResultHolder {
    /// An empty one; `name` is what a memory error calls it.
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

    /// Adds a batch; text that it shares with other batches is copied, so that it holds only what is its own.
    ///
    /// # Errors
    /// When memory is short and the spill directory cannot take what is held.
    pub fn push(&mut self, tag: Tag, batch: RecordBatch) -> Result<(), DataFusionError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = own_text(batch)?;
        let bytes = batch.get_array_memory_size();
        if self.reservation.try_grow(bytes).is_err() {
            self.spill()?;
            if self.reservation.try_grow(bytes).is_err() {
                // Not even one batch fits: it goes to disk by itself.
                self.add(tag, batch);
                return self.spill();
            }
        }
        self.add(tag, batch);
        Ok(())
    }

    /// Ends the intake.
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

    fn add(&mut self, tag: Tag, batch: RecordBatch) {
        self.in_memory.push(self.chunks.len());
        self.chunks.push(HeldBatch {
            tag,
            rows: batch.num_rows(),
            bytes: batch.get_array_memory_size(),
            place: ChunkData::Memory(batch),
        });
    }

    /// Writes all that is in memory to one file, in tag order, so that a partition is read back in few places.
    fn spill(&mut self) -> Result<(), DataFusionError> {
        if self.in_memory.is_empty() {
            return Ok(());
        }
        let file = self.disk.create_tmp_file("holding rows")?;
        let mut writer = FileWriter::try_new(file.open_writer()?, &self.schema)?;
        let mut places = std::mem::take(&mut self.in_memory);
        places.sort_by_key(|place| self.chunks[*place].tag);
        for (block, place) in places.into_iter().enumerate() {
            let chunk = &mut self.chunks[place];
            if let ChunkData::Memory(batch) = &chunk.place {
                writer.write(batch)?;
                self.spilled_bytes += chunk.bytes as u64;
                chunk.place = ChunkData::Disk {
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

/// Rows at rest, readable any number of times.
pub struct HeldResults {
    schema: SchemaRef,
    rows: usize,
    chunks: Vec<HeldBatch>,
    spilled_bytes: u64,
    /// Freed with the rows.
    reservations: Vec<MemoryReservation>,
}

struct HeldBatch {
    tag: Tag,
    rows: usize,
    bytes: usize,
    place: ChunkData,
}

enum ChunkData {
    Memory(RecordBatch),
    Disk {
        file: Arc<dyn SpillFile>,
        block: usize,
    },
}

impl HeldResults {
    /// Joins what several holders took in; their order is kept.
    ///
    /// # Panics
    /// Without a part: there would be no schema.
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

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that did not fit into memory, as they lay in memory.
    #[must_use]
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes
    }

    /// The places of all batches of a tag, for `tag_count` tags, in the order of intake.
    #[must_use]
    pub fn by_tag(&self, tag_count: usize) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); tag_count];
        for (place, chunk) in self.chunks.iter().enumerate() {
            places[chunk.tag as usize].push(place);
        }
        places
    }

    /// Bytes in memory, or as they lay in memory, of the batch at a place.
    #[must_use]
    pub fn bytes(&self, place: usize) -> usize {
        self.chunks[place].bytes
    }

    /// The batch at a place; from disk it blocks the thread.
    ///
    /// # Errors
    /// When a spilled batch cannot be read back.
    pub fn batch(&self, place: usize) -> Result<RecordBatch, DataFusionError> {
        match &self.chunks[place].place {
            ChunkData::Memory(batch) => Ok(batch.clone()),
            ChunkData::Disk { file, block } => {
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

/// Copies the bytes of text that is longer than a view holds inline, where the batch uses only part of shared buffers.
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

/// A held output as a table of SQL.
#[derive(Clone)]
pub struct HeldResultsTable(Arc<HeldResults>);

impl HeldResultsTable {
    /// Shares the rows.
    #[must_use]
    pub fn new(held: Arc<HeldResults>) -> Self {
        Self(held)
    }
}

impl fmt::Debug for HeldResultsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldTable({} rows)", self.0.rows)
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
    fn statistics(&self) -> Statistics {
        let bytes = self.chunks.iter().map(|chunk| chunk.bytes).sum();
        Statistics::new_unknown(&self.schema)
            .with_num_rows(Precision::Exact(self.rows))
            .with_total_byte_size(Precision::Inexact(bytes))
    }
}

/// Held batches, dealt out in turn to the partitions.
struct HeldResultsScan {
    held: Arc<HeldResults>,
    projection: Option<Vec<usize>>,
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
