//! The accepted or the rejected rows of a dataset, as batches that are held in memory while the budget lasts and on
//! disk afterwards.

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

/// A collector of groups of batches. Groups arrive in any order; [`finish`](Self::finish) sorts them by rank, which is
/// the position of their rows in the raw files.
#[derive(Debug)]
pub(crate) struct DatasetHolder {
    /// The schema of every batch.
    schema: SchemaRef,
    /// The budget from which groups take memory.
    budget: Arc<Budget>,
    /// The disk space for the groups that exceed the budget.
    spill: Spill,
    /// The groups added so far, by rank.
    groups: Mutex<BTreeMap<u64, Vec<Group>>>,
    /// The sort of each group by a value; `None` if groups are not sorted.
    clustering: Option<Clustering>,
}

/// All held rows of a dataset, in the order of their ranks.
#[derive(Debug)]
pub(crate) struct HeldDataset {
    /// The schema of every batch.
    pub(crate) schema: SchemaRef,
    /// Groups in the order of their ranks.
    pub(crate) groups: Vec<Arc<Group>>,
    /// The number of rows, without dropped rows.
    pub(crate) rows: u64,
    /// The size of all groups in memory, in bytes; a spilled group counts with its size before the spill.
    pub(crate) bytes: u64,
    /// The number of bytes that spilled groups take on disk.
    pub(crate) spilled_bytes: u64,
    /// Numbers of the values by which groups are sorted, in the order of the values. `None` if some group is not
    /// sorted; spilled groups never are.
    pub(crate) values: Option<Vec<u32>>,
}

/// The batches that one call of [`DatasetHolder::add`] added.
#[derive(Debug)]
pub(crate) struct Group {
    /// The batches, in memory or on disk.
    content: GroupData,
    /// The number of rows, dropped rows included.
    rows: u32,
    /// The size of the batches in memory, in bytes; the size before the spill if they are on disk.
    bytes: usize,
    /// Indices of the dropped rows, ascending. They count the rows in the order in which they were added, before any
    /// sort.
    dropped: Vec<u32>,
    /// The order of the rows if the group was sorted.
    order: Option<BlockOrder>,
}

/// The batches of a group, in memory or on disk.
#[derive(Debug)]
enum GroupData {
    /// Batches in memory, with the memory that they take from the budget.
    Memory(
        Vec<RecordBatch>,
        #[expect(dead_code, reason = "returned to the budget when dropped")] Taken,
    ),
    /// Batches in a spill file, as an Arrow IPC stream.
    Disk(Segment),
}

impl DatasetHolder {
    /// Creates an empty holder; `what` names the rows in messages.
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

    /// Makes the holder sort each group by `clustering`, unless it is `None`.
    pub(crate) fn clustered(self, clustering: Option<Clustering>) -> Self {
        Self { clustering, ..self }
    }

    /// Adds batches as one group with this rank; blocks the thread if they must be written to disk.
    ///
    /// # Errors
    /// `Failed` if neither memory nor disk has room.
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
            // A sorted group also keeps the original index of each row.
            bytes += rows * size_of::<u32>();
        }
        let (content, order) = match self.budget.take(bytes) {
            Some(taken) => {
                let (batches, order) = self.in_order(batches);
                (GroupData::Memory(batches, taken), order)
            }
            // Spilled rows are read unsorted: keeping their order in memory would be useless.
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

    /// Marks rows of a rank's first group as dropped; `rows` are their indices, ascending.
    pub(crate) fn drop_rows(&self, rank: u64, rows: Vec<u32>) {
        if let Some([group, ..]) = self.lock().get_mut(&rank).map(Vec::as_mut_slice) {
            group.dropped = rows;
        }
    }

    /// Takes all groups out of the holder. Groups that are added later are lost; this happens only after reading has
    /// failed.
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

    /// Sorts the batches if the holder has a sort. Returns them unsorted if there are too many distinct values, or if a
    /// value cannot be computed.
    fn in_order(&self, batches: Vec<RecordBatch>) -> (Vec<RecordBatch>, Option<BlockOrder>) {
        let Some(clustering) = &self.clustering else {
            return (batches, None);
        };
        match clustering.sort(&batches) {
            Ok(Some((batch, order))) => (vec![batch], Some(order)),
            Ok(None) => (batches, None),
            Err(error) => {
                // Not an error here: the query that computes the value reports it.
                debug!(%error, "rows are held in the order of the input");
                (batches, None)
            }
        }
    }

    /// Writes batches to the spill file as one IPC stream.
    fn put_on_disk(&self, batches: &[RecordBatch]) -> Result<Segment> {
        self.spill.write(|file| {
            let mut writer = StreamWriter::try_new(file, &self.schema)?;
            for batch in batches {
                writer.write(batch)?;
            }
            writer.finish()
        })
    }

    /// Locks the groups, to which all decoder threads add.
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Vec<Group>>> {
        self.groups
            .lock()
            .expect("no one panics while it holds the lock")
    }
}

impl Group {
    /// Returns the number of rows, without dropped rows.
    pub(crate) fn rows(&self) -> u64 {
        u64::from(self.rows) - self.dropped.len() as u64
    }

    /// Returns `true` if the batches are in a spill file.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.content, GroupData::Disk(_))
    }

    /// Reads some columns of the rows that are not dropped; blocks the thread if they are on disk.
    ///
    /// # Errors
    /// `Failed` if the spill file cannot be read.
    pub(crate) fn load(&self, projection: &[usize]) -> Result<Vec<RecordBatch>> {
        let what = "rows held in memory or on disk cannot be read back";
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

    /// Returns the sorted rows and the range of each value; `None` if the group is not sorted, as spilled groups never
    /// are.
    ///
    /// # Errors
    /// `Failed` if a column of `projection` does not exist.
    pub(crate) fn block(&self, projection: &[usize]) -> Result<Option<ClusteredBlock>> {
        let (GroupData::Memory(batches, _), Some(order)) = (&self.content, &self.order) else {
            return Ok(None);
        };
        let [batch] = batches.as_slice() else {
            return Ok(None);
        };
        let rows = batch.project(projection).context(
            ErrorKind::Failed,
            "rows held in memory or on disk cannot be read back",
        )?;
        Ok(Some(ClusteredBlock {
            kept: (!self.dropped.is_empty()).then(|| self.kept(0..rows.num_rows())),
            rows,
            stretches: order.stretches.clone(),
        }))
    }

    /// Returns each value in the group with the range of its rows, dropped rows included; empty if the group is not
    /// sorted.
    pub(crate) fn stretches(&self) -> &[(u32, Range<usize>)] {
        self.order.as_ref().map_or(&[], |order| &order.stretches)
    }

    /// Returns, for each row of a range, `true` if it was not dropped.
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

/// Converts the index of a row to the 32 bits that groups store.
pub(crate) fn row_index(index: usize) -> u32 {
    u32::try_from(index).expect("the rows of a block are far fewer than 2^32")
}
