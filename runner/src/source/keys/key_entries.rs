//! Hashes of all rows of a dataset, with the rows' positions. The hashes are divided by their highest bits into shards,
//! so that they can be compared without holding all of them in memory.

use std::io::Read as _;
use std::sync::{Arc, Mutex};

use datafusion::execution::runtime_env::RuntimeEnv;

use crate::error::Context;
use crate::source::csv::record_grammar::offset;
use crate::source::keys::row_hash::NO_HASH;
use crate::sql::held::memory_budget::{Budget, Taken};
use crate::sql::held::spill_file::{Segment, Spill};
use crate::{ErrorKind, Result};

/// The position of an accepted row: the rank of its block, then its number among the block's accepted rows.
///
/// Ranks grow with the file's name and the offset in it, so the lowest position is the first row in the input. Of
/// several rows with the same key, the one with the lowest position is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The rank of the row's block, unique in the dataset.
    pub(crate) rank: u64,
    /// The row's number among the block's accepted rows.
    pub(crate) row: u32,
}

/// The hash and the position of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyEntry {
    /// The hash of the row's values.
    pub(crate) hash: u128,
    /// The row's position.
    pub(crate) position: Position,
}

/// Returns the number of shards for `bytes` of raw data, so that a shard has about 256 thousand rows if a row has about
/// 64 bytes.
pub(crate) fn shards_for(bytes: u64) -> usize {
    let shards = usize::try_from(bytes >> 24).unwrap_or(usize::MAX);
    shards.clamp(8, 512).next_power_of_two()
}

/// The entries of a dataset's rows for one list of columns, in memory or on disk.
#[derive(Debug)]
pub(crate) struct Entries {
    /// The number of shards, a power of two.
    shards: usize,
    /// The memory for hashes of keys, shared by all datasets.
    budget: Arc<Budget>,
    /// The disk space for entries that do not fit in the budget.
    spill: Spill,
    /// The entries of each block, in the order in which blocks arrived.
    chunks: Mutex<Vec<BlockEntries>>,
}

/// The entries of one block, ordered by shard.
#[derive(Debug)]
struct BlockEntries {
    /// The rank of the block.
    rank: u64,
    /// The index of each shard's first entry, then the number of all entries.
    starts: Vec<u32>,
    /// The hashes, and the number of each row among the block's accepted rows.
    content: EntryData,
}

/// The storage of a block's entries.
#[derive(Debug)]
enum EntryData {
    /// The hashes, the rows' numbers, and the memory that both take from the budget.
    Memory(
        Vec<u128>,
        Vec<u32>,
        #[expect(dead_code, reason = "returned to the budget when dropped")] Taken,
    ),
    /// A segment of a spill file: all hashes, then the numbers of all rows.
    Disk(Segment),
}

impl Entries {
    /// Creates an empty list of a dataset's entries that spills to the runtime's disk manager.
    pub(crate) fn new(
        dataset: &str,
        shards: usize,
        budget: &Arc<Budget>,
        runtime: &RuntimeEnv,
    ) -> Self {
        Self {
            shards,
            budget: Arc::clone(budget),
            spill: Spill::new(
                Arc::clone(&runtime.disk_manager),
                format!("the key hashes of `{dataset}`"),
            ),
            chunks: Mutex::default(),
        }
    }

    /// Returns the number of shards into which the hashes are divided.
    pub(crate) fn shards(&self) -> usize {
        self.shards
    }

    /// Returns the number of bytes that were spilled to disk.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.spill.written_bytes()
    }

    /// Returns the number of entries in all shards.
    pub(crate) fn len(&self) -> usize {
        let chunks = self.lock();
        chunks
            .iter()
            .map(|chunk| chunk.starts[self.shards] as usize)
            .sum()
    }

    /// Adds the hashes of a block's accepted rows, one per row; blocks the thread if they must be written to disk.
    ///
    /// # Errors
    /// `Failed` if neither memory nor disk has room.
    pub(crate) fn add(&self, rank: u64, hashes: &[u128]) -> Result<()> {
        let mut starts = vec![0_u32; self.shards + 1];
        for hash in hashes.iter().filter(|hash| **hash != NO_HASH) {
            starts[self.shard(*hash) + 1] += 1;
        }
        for shard in 0..self.shards {
            starts[shard + 1] += starts[shard];
        }
        let count = starts[self.shards] as usize;
        let mut next = starts.clone();
        let mut ordered = vec![NO_HASH; count];
        let mut rows = vec![0; count];
        for (row, hash) in hashes.iter().enumerate() {
            if *hash != NO_HASH {
                let slot = &mut next[self.shard(*hash)];
                ordered[*slot as usize] = *hash;
                rows[*slot as usize] = offset(row);
                *slot += 1;
            }
        }
        let content = match self.budget.take(count * 20 + starts.len() * 4) {
            Some(taken) => EntryData::Memory(ordered, rows, taken),
            None => EntryData::Disk(self.spill.write(|file| {
                for hash in &ordered {
                    file.write_all(&hash.to_le_bytes())?;
                }
                rows.iter()
                    .try_for_each(|row| file.write_all(&row.to_le_bytes()))
            })?),
        };
        self.lock().push(BlockEntries {
            rank,
            starts,
            content,
        });
        Ok(())
    }

    /// Returns the entries of one shard, in no particular order. If they are on disk, the calling thread reads them.
    ///
    /// # Errors
    /// `Failed` if the disk cannot be read.
    pub(crate) fn read(&self, shard: usize) -> Result<Vec<KeyEntry>> {
        let chunks = self.lock();
        let mut entries = Vec::with_capacity(
            chunks
                .iter()
                .map(|chunk| (chunk.starts[shard + 1] - chunk.starts[shard]) as usize)
                .sum(),
        );
        for chunk in &*chunks {
            let range = chunk.starts[shard] as usize..chunk.starts[shard + 1] as usize;
            let mut push = |hash, row| {
                entries.push(KeyEntry {
                    hash,
                    position: Position {
                        rank: chunk.rank,
                        row,
                    },
                });
            };
            match &chunk.content {
                EntryData::Memory(hashes, rows, _) => {
                    for (hash, row) in hashes[range.clone()].iter().zip(&rows[range]) {
                        push(*hash, *row);
                    }
                }
                EntryData::Disk(segment) => {
                    let count = u64::from(chunk.starts[self.shards]);
                    let first = range.start as u64;
                    let hashes = read_exact(segment, first * 16, range.len() * 16)?;
                    let rows = read_exact(segment, count * 16 + first * 4, range.len() * 4)?;
                    let (hashes, _) = hashes.as_chunks::<16>();
                    let (rows, _) = rows.as_chunks::<4>();
                    for (hash, row) in hashes.iter().zip(rows) {
                        push(u128::from_le_bytes(*hash), u32::from_le_bytes(*row));
                    }
                }
            }
        }
        Ok(entries)
    }

    /// Returns the index of the shard to which a hash belongs: its highest bits.
    fn shard(&self, hash: u128) -> usize {
        let bits = self.shards.trailing_zeros();
        (hash >> (128 - bits)) as usize
    }

    /// Locks the list of blocks.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<BlockEntries>> {
        self.chunks
            .lock()
            .expect("no thread panics while it holds the lock")
    }
}

/// Returns the positions of duplicates: of several entries with the same hash, all but the one with the lowest
/// position.
pub(crate) fn repeated(entries: &[KeyEntry]) -> Vec<Position> {
    let slots = (entries.len().max(4) * 2).next_power_of_two();
    let mask = slots - 1;
    let mut first = vec![u32::MAX; slots];
    let mut repeated = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut slot = entry.hash as usize & mask;
        loop {
            let Some(known) = entries.get(first[slot] as usize) else {
                first[slot] = offset(index);
                break;
            };
            if known.hash == entry.hash {
                if entry.position < known.position {
                    repeated.push(known.position);
                    first[slot] = offset(index);
                } else {
                    repeated.push(entry.position);
                }
                break;
            }
            slot = (slot + 1) & mask;
        }
    }
    repeated
}

/// Reads `length` bytes of a segment from an offset.
fn read_exact(segment: &Segment, from: u64, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    segment.read(from)?.read_exact(&mut bytes).context(
        ErrorKind::Failed,
        "keys that were spilled to disk cannot be read back",
    )?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;

    use super::*;

    fn entry(hash: u128, rank: u64, row: u32) -> KeyEntry {
        KeyEntry {
            hash,
            position: Position { rank, row },
        }
    }

    #[test]
    fn all_but_the_first_position_of_a_hash_are_repeated() {
        let entries = [
            entry(9, 2, 0),
            entry(9, 1, 7),
            entry(8, 0, 0),
            entry(9, 1, 3),
            entry(25, 0, 1),
        ];
        let mut found = repeated(&entries);
        found.sort_unstable();
        assert_eq!(found, [entries[1].position, entries[0].position]);
    }

    #[test]
    fn entries_come_back_the_same_from_memory_and_from_disk() {
        let hashes = (0..5_000_u128)
            .map(|value| value.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
            .collect::<Vec<_>>();
        let read = |limit: usize| {
            let runtime = RuntimeEnvBuilder::new()
                .with_memory_limit(limit, 1.0)
                .build()
                .unwrap();
            let budget = Budget::new(&runtime.memory_pool, "test", 50);
            let entries = Entries::new("orders", 16, &budget, &runtime);
            entries.add(3, &hashes).unwrap();
            entries.add(1, &hashes[..100]).unwrap();
            let all = (0..16)
                .flat_map(|shard| entries.read(shard).unwrap())
                .collect::<Vec<_>>();
            (all, entries.spilled_bytes())
        };
        let (in_memory, spilled) = read(10 << 20);
        assert_eq!((in_memory.len(), spilled), (5_098, 0));
        let (from_disk, spilled) = read(1 << 10);
        assert_eq!(from_disk, in_memory);
        assert_eq!(spilled, 5_098 * 20);
    }
}
