//! Batches held until they are asked for: in memory while the budget lasts, on disk from then on.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::execution::runtime_env::RuntimeEnv;
use tracing::debug;

use crate::error::Context;
use crate::sql::held::clustering::{BlockOrder, ClusteredBlock, Clustering};
use crate::sql::held::memory_budget::{Budget, Taken};
use crate::sql::held::spill_file::{Segment, Spill};
use crate::{ErrorKind, Result};

/// Collects groups of batches in any order and keeps them in the order of their ranks.
#[derive(Debug)]
pub(crate) struct DatasetHolder {
    schema: SchemaRef,
    budget: Arc<Budget>,
    spill: Spill,
    groups: Mutex<BTreeMap<u64, Vec<Group>>>,
    clustering: Option<Clustering>,
}

/// Everything that was held, in order.
#[derive(Debug)]
pub(crate) struct HeldDataset {
    pub(crate) schema: SchemaRef,
    pub(crate) groups: Vec<Arc<Group>>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) spilled_bytes: u64,
    /// The numbers of the values by which groups are in order, in the order of the values, where all are and so in memory.
    pub(crate) values: Option<Vec<u32>>,
}

/// Batches that were added together.
#[derive(Debug)]
pub(crate) struct Group {
    content: GroupData,
    rows: u32,
    bytes: usize,
    /// Rows that are left out, ascending, by the places that they had when they were added.
    dropped: Vec<u32>,
    /// How they were put in order since.
    order: Option<BlockOrder>,
}

#[derive(Debug)]
enum GroupData {
    Memory(
        Vec<RecordBatch>,
        #[expect(dead_code, reason = "given back when dropped")] Taken,
    ),
    Disk(Segment),
}

impl DatasetHolder {
    pub(crate) fn new(
        schema: SchemaRef,
        what: &str,
        budget: &Arc<Budget>,
        runtime: &RuntimeEnv,
    ) -> Self {
        Self {
            schema,
            budget: Arc::clone(budget),
            spill: Spill::new(Arc::clone(&runtime.disk_manager), what),
            groups: Mutex::default(),
            clustering: None,
        }
    }

    /// From now on what is added together is put in the order of a value.
    pub(crate) fn clustered(self, clustering: Option<Clustering>) -> Self {
        Self { clustering, ..self }
    }

    /// Adds batches under a rank; it blocks when it must write to disk.
    ///
    /// # Errors
    /// Failed: neither memory nor disk has room.
    pub(crate) fn add(&self, rank: u64, batches: Vec<RecordBatch>) -> Result<()> {
        let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        if rows == 0 {
            return Ok(());
        }
        let mut bytes = batches
            .iter()
            .map(RecordBatch::get_array_memory_size)
            .sum::<usize>();
        if self.clustering.is_some() {
            // The place that each row had is kept with it.
            bytes += rows * size_of::<u32>();
        }
        let (content, order) = match self.budget.take(bytes) {
            Some(taken) => {
                let (batches, order) = self.in_order(batches);
                (GroupData::Memory(batches, taken), order)
            }
            // From disk rows are read as they lie: an order would be kept in memory for nothing.
            None => (GroupData::Disk(self.put_on_disk(&batches)?), None),
        };
        let group = Group {
            content,
            rows: row_index(rows),
            bytes,
            dropped: Vec::new(),
            order,
        };
        self.lock().entry(rank).or_default().push(group);
        Ok(())
    }

    /// Leaves rows of a rank out, given ascending.
    pub(crate) fn drop_rows(&self, rank: u64, rows: Vec<u32>) {
        if let Some([group, ..]) = self.lock().get_mut(&rank).map(Vec::as_mut_slice) {
            group.dropped = rows;
        }
    }

    /// Ends the collection; what is added after that is lost, as it should be when reading has failed.
    pub(crate) fn finish(&self) -> HeldDataset {
        let spilled_bytes = self.spill.written_bytes();
        let groups = std::mem::take(&mut *self.lock())
            .into_values()
            .flatten()
            .map(Arc::new)
            .collect::<Vec<_>>();
        HeldDataset {
            schema: Arc::clone(&self.schema),
            rows: groups.iter().map(|group| group.rows()).sum(),
            bytes: groups.iter().map(|group| group.bytes as u64).sum(),
            spilled_bytes,
            values: self
                .clustering
                .as_ref()
                .filter(|_| groups.iter().all(|group| group.order.is_some()))
                .map(Clustering::values),
            groups,
        }
    }

    fn in_order(&self, batches: Vec<RecordBatch>) -> (Vec<RecordBatch>, Option<BlockOrder>) {
        let Some(clustering) = &self.clustering else {
            return (batches, None);
        };
        match clustering.sort(&batches) {
            Ok(Some((batch, order))) => (vec![batch], Some(order)),
            Ok(None) => (batches, None),
            Err(error) => {
                // A value that cannot be computed is for the query to tell.
                debug!(%error, "rows are held as they lie");
                (batches, None)
            }
        }
    }

    fn put_on_disk(&self, batches: &[RecordBatch]) -> Result<Segment> {
        self.spill.write(|file| {
            let mut writer = StreamWriter::try_new(file, &self.schema)?;
            for batch in batches {
                writer.write(batch)?;
            }
            writer.finish()
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Vec<Group>>> {
        self.groups
            .lock()
            .expect("no one panics while it holds the lock")
    }
}

impl Group {
    pub(crate) fn rows(&self) -> u64 {
        u64::from(self.rows) - self.dropped.len() as u64
    }

    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.content, GroupData::Disk(_))
    }

    /// Its batches without the rows that are left out, some columns only; it blocks where they are on disk.
    ///
    /// # Errors
    /// Failed: the disk cannot be read.
    pub(crate) fn load(&self, projection: &[usize]) -> Result<Vec<RecordBatch>> {
        let what = "held rows cannot be read back";
        let batches = match &self.content {
            GroupData::Memory(batches, _) => batches
                .iter()
                .map(|batch| batch.project(projection))
                .collect::<Result<Vec<_>, _>>()
                .context(ErrorKind::Failed, what)?,
            GroupData::Disk(segment) => {
                let reader = BufReader::with_capacity(1 << 20, segment.read(0)?);
                StreamReader::try_new(reader, None)
                    .context(ErrorKind::Failed, what)?
                    .map(|batch| batch?.project(projection))
                    .collect::<Result<Vec<_>, _>>()
                    .context(ErrorKind::Failed, what)?
            }
        };
        if self.dropped.is_empty() {
            return Ok(batches);
        }
        let mut first = 0;
        batches
            .into_iter()
            .map(|batch| {
                let keep = self.kept(first..first + batch.num_rows());
                first += batch.num_rows();
                filter_record_batch(&batch, &keep)
            })
            .collect::<Result<Vec<_>, _>>()
            .context(ErrorKind::Failed, what)
    }

    /// Its rows with the places of each value's, where they are in memory and in order.
    ///
    /// # Errors
    /// Failed: the columns do not exist.
    pub(crate) fn block(&self, projection: &[usize]) -> Result<Option<ClusteredBlock>> {
        let (GroupData::Memory(batches, _), Some(order)) = (&self.content, &self.order) else {
            return Ok(None);
        };
        let [batch] = batches.as_slice() else {
            return Ok(None);
        };
        let rows = batch
            .project(projection)
            .context(ErrorKind::Failed, "held rows cannot be read back")?;
        Ok(Some(ClusteredBlock {
            kept: (!self.dropped.is_empty()).then(|| self.kept(0..rows.num_rows())),
            rows,
            stretches: order.stretches.clone(),
        }))
    }

    /// The values that occur and where their rows are, with those that are left out.
    pub(crate) fn stretches(&self) -> &[(u32, Range<usize>)] {
        self.order.as_ref().map_or(&[], |order| &order.stretches)
    }

    /// Which rows of a range are not left out.
    fn kept(&self, range: Range<usize>) -> BooleanArray {
        range
            .map(|row| {
                let row = match &self.order {
                    Some(order) => order.original[row],
                    None => row_index(row),
                };
                Some(self.dropped.binary_search(&row).is_err())
            })
            .collect()
    }
}

/// Returns the index of a row among the rows held, in the 32 bits that groups store.
pub(crate) fn row_index(index: usize) -> u32 {
    u32::try_from(index).expect("the rows of a block are far fewer than 2^32")
}
