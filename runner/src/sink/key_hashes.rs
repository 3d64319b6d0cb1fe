//! Whether a key occurs twice, told from hashes of all keys while the rows pass by.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{DiskManager, SpillFile};

use super::collect::query_error;
use crate::error::Result;

/// Hashes are sorted and put on disk in runs of this many, at least, where memory is short: fewer would be too many files.
const LEAST_RUN: usize = 1 << 16;

/// The hashes of one stream's keys: 8 bytes a row in memory, on disk where that is too much.
pub(super) struct KeyHashes {
    columns: Vec<usize>,
    hashes: Vec<u64>,
    reservation: MemoryReservation,
    disk: Arc<DiskManager>,
    runs: Vec<Arc<dyn SpillFile>>,
}

impl KeyHashes {
    /// For keys of these columns.
    pub fn new(columns: Vec<usize>, runtime: &RuntimeEnv) -> Self {
        Self {
            columns,
            hashes: Vec::new(),
            reservation: MemoryConsumer::new("hashes of keys").register(&runtime.memory_pool),
            disk: Arc::clone(&runtime.disk_manager),
            runs: Vec::new(),
        }
    }

    /// Takes the keys of a batch in.
    ///
    /// # Errors
    /// `Failed`, if memory is short and the spill directory cannot take the hashes.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let room = self.hashes.capacity() - self.hashes.len();
        if room < batch.num_rows() {
            self.grow(batch.num_rows()).map_err(query_error)?;
        }
        let keys = batch
            .project(&self.columns)
            .map_err(|error| query_error(error.into()))?;
        let start = self.hashes.len();
        self.hashes.resize(start + batch.num_rows(), 0);
        let state = QualityRandomState::with_seed(0);
        create_hashes(keys.columns(), &state, &mut self.hashes[start..]).map_err(query_error)?;
        Ok(())
    }

    /// Sorts what is in memory: the work that each stream can do by itself.
    pub fn finish(mut self) -> Self {
        self.hashes.sort_unstable();
        self
    }

    /// Makes room for some more: twice as much as before, or, where there is no memory for that, by way of the disk.
    fn grow(&mut self, rows: usize) -> Result<(), DataFusionError> {
        let capacity = (self.hashes.capacity() * 2)
            .max(self.hashes.len() + rows)
            .max(LEAST_RUN);
        if self
            .reservation
            .try_resize(capacity * size_of::<u64>())
            .is_ok()
        {
            self.hashes.reserve_exact(capacity - self.hashes.len());
            return Ok(());
        }
        if self.hashes.len() >= LEAST_RUN {
            return self.spill();
        }
        // Less than half a megabyte: it is taken all the same.
        self.hashes.reserve(rows);
        Ok(())
    }

    fn spill(&mut self) -> Result<(), DataFusionError> {
        self.hashes.sort_unstable();
        let file = self.disk.create_tmp_file("hashes of keys")?;
        let mut writer = file.open_writer()?;
        for chunk in self.hashes.chunks(LEAST_RUN) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|hash| hash.to_le_bytes()).collect();
            writer.write_all(&bytes)?;
        }
        writer.finish()?;
        self.runs.push(file);
        self.hashes.clear();
        Ok(())
    }
}

/// Whether all keys of all streams differ; `false` may also mean that the hashes of two keys met. It blocks.
///
/// # Errors
/// `Failed`, if what was put on disk cannot be read back.
pub(super) fn all_differ(parts: &[KeyHashes]) -> Result<bool> {
    if parts.iter().all(|part| part.runs.is_empty()) {
        return Ok(ranges_differ(
            parts.iter().map(|part| part.hashes.as_slice()).collect(),
        ));
    }
    let mut runs: Vec<Box<dyn Iterator<Item = std::io::Result<u64>> + '_>> = Vec::new();
    for part in parts {
        runs.push(Box::new(part.hashes.iter().map(|hash| Ok(*hash))));
        for file in &part.runs {
            runs.push(Box::new(read(file.as_ref()).map_err(query_error)?));
        }
    }
    merged_differ(runs).map_err(|error| query_error(error.into()))
}

/// Compares what sorted runs have in one range of hashes after the other, few enough for the processor's caches.
fn ranges_differ(mut runs: Vec<&[u64]>) -> bool {
    let total: usize = runs.iter().map(|run| run.len()).sum();
    // Hashes are spread evenly: so are the ranges.
    let ranges = (total / LEAST_RUN).next_power_of_two() as u64;
    let width = u64::MAX / ranges;
    let mut range = Vec::new();
    for last in 1..=ranges {
        range.clear();
        for run in &mut runs {
            let end = match last {
                last if last == ranges => run.len(),
                last => run.partition_point(|hash| *hash < last * width),
            };
            let (within, rest) = run.split_at(end);
            range.extend_from_slice(within);
            *run = rest;
        }
        #[expect(
            clippy::stable_sort_primitive,
            reason = "this sort finds the sorted runs and merges them"
        )]
        range.sort();
        if range.windows(2).any(|pair| pair[0] == pair[1]) {
            return false;
        }
    }
    true
}

fn merged_differ<'a>(
    mut runs: Vec<Box<dyn Iterator<Item = std::io::Result<u64>> + 'a>>,
) -> std::io::Result<bool> {
    let mut heads = BinaryHeap::with_capacity(runs.len());
    for (run, hashes) in runs.iter_mut().enumerate() {
        if let Some(hash) = hashes.next() {
            heads.push(Reverse((hash?, run)));
        }
    }
    let mut last = None;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((hash, run)) = *head;
        if last.replace(hash) == Some(hash) {
            return Ok(false);
        }
        match runs[run].next() {
            Some(next) => *head = Reverse((next?, run)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
    }
    Ok(true)
}

fn read(
    file: &dyn SpillFile,
) -> Result<impl Iterator<Item = std::io::Result<u64>> + use<>, DataFusionError> {
    let path = file
        .path()
        .ok_or_else(|| DataFusionError::Internal("a spill file has no path".to_owned()))?;
    let mut reader = BufReader::new(File::open(path)?);
    Ok(std::iter::from_fn(move || {
        let mut bytes = [0; size_of::<u64>()];
        match reader.read_exact(&mut bytes) {
            Ok(()) => Some(Ok(u64::from_le_bytes(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;

    use super::*;

    fn batch(values: std::ops::Range<i64>) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("key", column)]).unwrap()
    }

    fn differ(memory_bytes: usize, streams: [Vec<RecordBatch>; 2]) -> (bool, usize) {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)))
            .build_arc()
            .unwrap();
        let parts = streams.map(|batches| {
            let mut hashes = KeyHashes::new(vec![0], &runtime);
            for batch in &batches {
                hashes.push(batch).unwrap();
            }
            hashes.finish()
        });
        let runs = parts.iter().map(|part| part.runs.len()).sum();
        (all_differ(&parts).unwrap(), runs)
    }

    #[test]
    fn a_key_that_occurs_in_two_streams_is_found_in_memory_and_on_disk() {
        for memory_bytes in [usize::MAX, 1 << 20] {
            let streams = |second: i64| {
                let batches = |start: i64| {
                    (0..50)
                        .map(|n| batch(start + n * 8192..start + (n + 1) * 8192))
                        .collect()
                };
                [batches(0), batches(second)]
            };
            let (differs, runs) = differ(memory_bytes, streams(50 * 8192));
            assert!(differs);
            assert_eq!(runs > 0, memory_bytes < usize::MAX);
            let (differs, _) = differ(memory_bytes, streams(50 * 8192 - 1));
            assert!(!differs);
        }
    }

    #[test]
    fn a_key_that_occurs_twice_in_one_stream_is_found() {
        let (differs, _) = differ(usize::MAX, [vec![batch(0..10), batch(9..12)], Vec::new()]);
        assert!(!differs);
    }
}
