//! Detects duplicate keys from hashes of all keys, which are collected while the rows pass through.

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

/// The smallest number of hashes per spill file; smaller files would be too many.
const LEAST_RUN: usize = 1 << 16;

/// The number of high bits of a hash that select its bucket. Equal hashes share a bucket, and one bucket fits into the
/// processor's caches.
const BUCKET_BITS: u32 = 9;

/// Hashes of the keys of one stream: 8 bytes per row in memory, spilled to disk when the memory pool is exhausted.
pub(crate) struct KeyHashes {
    /// Indices of the key columns.
    columns: Vec<usize>,
    /// Hashes in memory: one list per value of their highest [`BUCKET_BITS`] bits.
    buckets: Vec<Vec<u64>>,
    /// The number of hashes in memory.
    held: usize,
    /// Hashes of the current batch; kept to reuse its allocation.
    hashes: Vec<u64>,
    /// Memory accounted for the buckets.
    reservation: MemoryReservation,
    /// The manager that creates the spill files.
    disk: Arc<DiskManager>,
    /// Spill files; each holds sorted hashes.
    runs: Vec<Arc<dyn SpillFile>>,
}

impl KeyHashes {
    /// Creates an empty collection; `columns` are the indices of the key columns.
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

    /// Adds the hash of each row's key.
    ///
    /// # Errors
    /// `Failed` if memory is short and the spill directory cannot take the hashes.
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

    /// Makes room for `rows` more hashes: doubles the reservation, or spills if the pool refuses.
    fn make_room(&mut self, rows: usize) -> Result<(), DataFusionError> {
        // Twice the size of the hashes, because a growing bucket doubles its capacity.
        let bytes = |rows: usize| 2 * rows * size_of::<u64>();
        if bytes(self.held + rows) <= self.reservation.size() {
            return Ok(());
        }
        let ahead = (2 * self.held).max(self.held + rows).max(LEAST_RUN);
        if self.reservation.try_resize(bytes(ahead)).is_ok() || self.held < LEAST_RUN {
            // Fewer hashes than a spill file needs take less than a megabyte: they stay in memory without a
            // reservation.
            return Ok(());
        }
        self.spill()
    }

    /// Writes all hashes in memory to one spill file, sorted.
    fn spill(&mut self) -> Result<(), DataFusionError> {
        let file = self.disk.create_tmp_file("hashes of keys")?;
        let mut writer = file.open_writer()?;
        // The buckets are already ordered by their highest bits, so that sorting each one sorts the file.
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

/// Returns the index of the bucket that holds a hash.
fn bucket(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - BUCKET_BITS)).expect("a few bits fit any word")
}

/// Returns `true` if no key occurs twice, in one stream or in several; `false` may also mean that two keys have the
/// same hash. Blocks the thread.
///
/// # Errors
/// `Failed` if a spill file cannot be read back.
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

/// Returns `true` if no bucket in memory has two equal hashes. Searches on as many threads as there are streams.
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

/// Inserts hashes into an open-addressing table, at most half full; returns `false` at the first duplicate.
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
            reason = "the low bits select the first slot"
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

/// Merges sorted lists of hashes; returns `false` at the first two equal hashes.
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

/// Reads the hashes of one spill file, in order.
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
