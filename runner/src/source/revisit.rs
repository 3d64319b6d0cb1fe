//! Moves rows that were accepted when their block was decoded, and rejected later, to the quarantine.
//!
//! The quarantine needs the location and the text of such rows. Keeping both for every row would cost memory, so the
//! blocks of the few rejected rows are read again, which costs time only if there are such rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use drivetrain_jobs::contract::Format;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;

use crate::Result;
use crate::source::block_collector::{BlockCollector, BlockNote};
use crate::source::bytes::compression::Content;
use crate::source::bytes::ranges::store_error;
use crate::source::csv::block_decoder::{Block, place};
use crate::source::csv::object::open;
use crate::source::csv::record_splitter::{Filled, Records, Splitter};
use crate::source::judge::Rejected;
use crate::source::keys::late_rejections::{Late, Reason};
use crate::source::parquet::object::revisit_parquet;
use crate::source::read_context::ReadContext;
use crate::source::source_file::SourceFile;
use crate::watch::Progress;

/// Rows of a block that decoding accepted and that must now be rejected, by their number among the block's accepted
/// rows.
type RejectedRows = BTreeMap<u32, Reason>;

/// Moves all rows that are rejected after decoding from the held rows to the quarantine.
///
/// # Errors
/// Those of the store, `QualityGate` under `OnBadRow::Fail`, and `Failed` if memory and disk are full.
pub(crate) async fn revisit(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    files: &[SourceFile],
    late: &Arc<Late>,
) -> Result<()> {
    let mut by_file = BTreeMap::<u64, Vec<(u64, RejectedRows)>>::new();
    for (rank, rows) in late.by_rank() {
        let file = by_file.entry(rank >> 32).or_default();
        file.push((rank, rows.clone()));
    }
    let mut revisits = stream::iter(by_file)
        .map(|(index, ranks)| {
            let file = usize::try_from(index)
                .ok()
                .and_then(|index| files.get(index));
            let file = file.expect("a rank was made from a file's index").clone();
            let (reading, collector) = (Arc::clone(reading), Arc::clone(collector));
            async move { revisit_file(&reading, &collector, &file, ranks).await }
        })
        .buffered(reading.files_at_once(files));
    while revisits.try_next().await?.is_some() {}
    Ok(())
}

/// Moves the rows of one object to the quarantine; `ranks` lists the object's blocks in ascending order.
async fn revisit_file(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    file: &SourceFile,
    ranks: Vec<(u64, RejectedRows)>,
) -> Result<()> {
    if collector.judge.plan.contract.format == Format::Parquet {
        return revisit_parquet(reading, collector, file, ranks).await;
    }
    // Bytes that are read again do not count as progress.
    let (content, bytes) = open(reading, file, &Progress::default()).await?;
    let mut again = match content {
        Content::Parquet => return revisit_parquet(reading, collector, file, ranks).await,
        Content::Plain => None,
        // A compressed object can only be read from its beginning.
        Content::Gzip | Content::Zstd | Content::Bzip2 => Some(Sequential {
            bytes,
            start: 0,
            buffer: Vec::new(),
        }),
    };
    for (rank, rows) in ranks {
        let note = collector
            .state()
            .notes
            .remove(&rank)
            .expect("each block that gave rows left a note");
        let text = match &mut again {
            Some(sequential) => sequential.take(note.start, note.end).await?,
            None => file
                .store
                .get_range(&file.meta.location, note.start..note.end)
                .await
                .map_err(|error| store_error(error, &file.name))?,
        };
        let (collector, name) = (Arc::clone(collector), Arc::clone(&file.name));
        reading
            .on_thread(move || {
                let rejected = find(&collector, &note, text, &rows);
                collector.take_late(&name, rank, &rejected)?;
                collector
                    .hold
                    .drop_rows(rank, rows.keys().copied().collect());
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// Finds the newly rejected rows of one block by splitting its text into records again, as during decoding.
fn find(
    collector: &BlockCollector,
    note: &BlockNote,
    text: Bytes,
    rows: &RejectedRows,
) -> Vec<Rejected> {
    let block = Block {
        start: note.start,
        head: Vec::new(),
        body: text,
        beyond: note.beyond,
    };
    let raw = block.text();
    let mut splitter = Splitter::new(&raw, collector.judge.plan.dialect, block.beyond);
    let mut records = Records::new(note.width);
    let mut found = Vec::with_capacity(rows.len());
    let mut rejected = note.rejected_records.iter().peekable();
    let (mut ordinal, mut accepted) = (0, 0);
    loop {
        records.clear();
        let filled = splitter.fill(&mut records, 8192);
        for record in &records.list {
            if rejected.next_if_eq(&&ordinal).is_none() {
                if let Some(reason) = rows.get(&accepted) {
                    let mut place = place(&block, &raw, record);
                    place.line += note.first_line;
                    place.last_line += note.first_line;
                    found.push(Rejected {
                        place,
                        fault: reason.fault(collector, 0),
                    });
                }
                accepted += 1;
            }
            ordinal += 1;
        }
        if filled != Filled::More {
            return found;
        }
    }
}

/// A decompressed stream from which ranges are taken in ascending order.
struct Sequential {
    /// The decompressed bytes that follow `buffer`.
    bytes: BoxStream<'static, Result<Bytes>>,
    /// The offset of the buffer's first byte in the decompressed object.
    start: u64,
    /// Bytes that were read and may still be needed.
    buffer: Vec<u8>,
}

impl Sequential {
    /// Returns the bytes from one offset to another; fewer bytes if the stream ends earlier.
    async fn take(&mut self, from: u64, to: u64) -> Result<Bytes> {
        while self.start + (self.buffer.len() as u64) < to {
            let Some(bytes) = self.bytes.next().await.transpose()? else {
                break;
            };
            if self.start + self.buffer.len() as u64 <= from {
                // No later range begins before this chunk.
                self.start += self.buffer.len() as u64;
                self.buffer.clear();
            }
            self.buffer.extend_from_slice(&bytes);
        }
        let index = |position: u64| {
            usize::try_from(position.saturating_sub(self.start))
                .map_or(self.buffer.len(), |index| index.min(self.buffer.len()))
        };
        Ok(Bytes::copy_from_slice(&self.buffer[index(from)..index(to)]))
    }
}
