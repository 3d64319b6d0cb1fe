//! Whether a key occurs twice, told from hashes of all keys while the rows pass by.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{DiskManager, SpillFile};

use crate::error::Result;
use crate::sql::query_error;

/// Hashes are sorted and put on disk in runs of this many, at least, where memory is short: fewer would be too many files.
const LEAST_RUN: usize = 1 << 16;

/// Hashes lie by their highest bits: what may be equal lies together, and is little enough for the processor's caches.
const BUCKET_BITS: u32 = 9;

/// The hashes of one stream's keys: 8 bytes a row in memory, on disk where that is too much.
pub(crate) struct KeyHashes {
    columns: Vec<usize>,
    buckets: Vec<Vec<u64>>,
    held: usize,
    /// One batch's hashes; kept for its memory.
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
            buckets: vec![Vec::new(); 1 << BUCKET_BITS],
            held: 0,
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
        self.make_room(batch.num_rows()).map_err(query_error)?;
        let keys = batch
            .project(&self.columns)
            .map_err(|error| query_error(error.into()))?;
        self.hashes.clear();
        self.hashes.resize(batch.num_rows(), 0);
        let state = QualityRandomState::with_seed(0);
        create_hashes(keys.columns(), &state, &mut self.hashes).map_err(query_error)?;
        for hash in &self.hashes {
            self.buckets[bucket(*hash)].push(*hash);
        }
        self.held += self.hashes.len();
        Ok(())
    }

    /// Sets memory for some more aside, twice as much as before, or, where there is none, goes by way of the disk.
    fn make_room(&mut self, rows: usize) -> Result<(), DataFusionError> {
        // A bucket that grows has twice the room that it had.
        let bytes = |rows: usize| 2 * rows * size_of::<u64>();
        if bytes(self.held + rows) <= self.reservation.size() {
            return Ok(());
        }
        let ahead = (2 * self.held).max(self.held + rows).max(LEAST_RUN);
        if self.reservation.try_resize(bytes(ahead)).is_ok() || self.held < LEAST_RUN {
            // Less than a megabyte is taken all the same.
            return Ok(());
        }
        self.spill()
    }

    fn spill(&mut self) -> Result<(), DataFusionError> {
        let file = self.disk.create_tmp_file("hashes of keys")?;
        let mut writer = file.open_writer()?;
        // By their highest bits buckets are in order already.
        for bucket in &mut self.buckets {
            bucket.sort_unstable();
            let bytes: Vec<u8> = bucket.iter().flat_map(|hash| hash.to_le_bytes()).collect();
            writer.write_all(&bytes)?;
            bucket.clear();
        }
        writer.finish()?;
        self.runs.push(file);
        self.held = 0;
        Ok(())
    }
}

fn bucket(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - BUCKET_BITS)).expect("a few bits fit any word")
}

/// Whether all keys of all streams differ; `false` may also mean that the hashes of two keys met. It blocks.
///
/// # Errors
/// `Failed`, if what was put on disk cannot be read back.
pub(crate) fn all_differ(parts: &mut [KeyHashes]) -> Result<bool> {
    if parts.iter().all(|part| part.runs.is_empty()) {
        return Ok(buckets_differ(parts));
    }
    for part in &mut *parts {
        for bucket in &mut part.buckets {
            bucket.sort_unstable();
        }
    }
    let mut runs: Vec<Box<dyn Iterator<Item = std::io::Result<u64>> + '_>> = Vec::new();
    for part in &*parts {
        let in_memory = part.buckets.iter().flatten();
        runs.push(Box::new(in_memory.map(|hash| Ok(*hash))));
        for file in &part.runs {
            runs.push(Box::new(read(file.as_ref()).map_err(query_error)?));
        }
    }
    merged_differ(runs).map_err(|error| query_error(error.into()))
}

/// Looks for equal hashes in one bucket after the other, the buckets shared out to as many threads as there were streams.
fn buckets_differ(parts: &[KeyHashes]) -> bool {
    let buckets = AtomicUsize::new(0);
    let differ = || {
        let mut table = Vec::new();
        loop {
            let bucket = buckets.fetch_add(1, Ordering::Relaxed);
            if bucket >= 1 << BUCKET_BITS {
                return true;
            }
            let lists = parts.iter().map(|part| part.buckets[bucket].as_slice());
            if !lists_differ(lists, &mut table) {
                return false;
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|_| scope.spawn(differ)).collect();
        let differ = |thread: std::thread::ScopedJoinHandle<'_, bool>| {
            thread.join().expect("comparing numbers does not panic")
        };
        threads
            .into_iter()
            .map(differ)
            .fold(true, |all, differ| all & differ)
    })
}

/// Puts hashes into a table with open addressing, at most half full, until one is there.
fn lists_differ<'a>(lists: impl Iterator<Item = &'a [u64]> + Clone, table: &mut Vec<u64>) -> bool {
    const FREE: u64 = 0;
    let count: usize = lists.clone().map(<[u64]>::len).sum();
    table.clear();
    table.resize((2 * count).next_power_of_two(), FREE);
    let last = table.len() - 1;
    for hash in lists.flatten() {
        let hash = (*hash).max(FREE + 1);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low bits say where to begin"
        )]
        let mut place = hash as usize & last;
        while table[place] != FREE {
            if table[place] == hash {
                return false;
            }
            place = (place + 1) & last;
        }
        table[place] = hash;
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
        let mut parts = streams.map(|batches| {
            let mut hashes = KeyHashes::new(vec![0], &runtime);
            for batch in &batches {
                hashes.push(batch).unwrap();
            }
            hashes
        });
        let runs = parts.iter().map(|part| part.runs.len()).sum();
        (all_differ(&mut parts).unwrap(), runs)
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
