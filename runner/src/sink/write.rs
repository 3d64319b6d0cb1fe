//! Encodes the held rows of an output as Parquet parts, several files at a time, and stages them.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::commit::{Partition, StagedPart, Stager, Sums};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::sink::collect::Collected;
use crate::sink::open_files::PartitionFiles;
use crate::sink::parquet::EncoderKind;
use crate::sink::parquet::file_writer::{EndedFile, File, FileFormat};
use crate::sink::table_files::TableFiles;
use crate::sql::held::results::HeldResults;
use crate::sql::query_error;
use crate::watch::Progress;

/// The number of encoded blocks per file that may wait for the store. A longer queue would fill memory if the store is
/// slow.
const QUEUED_BLOCKS: usize = 4;

/// The size in bytes above which the rows of one partition are split into several [`PartJob`]s, each with its own
/// files.
const SPLIT_BYTES: usize = 256 << 20;

/// The approximate number of rounds in which several threads encode the columns of one row group.
const ROUNDS_A_ROW_GROUP: usize = 4;

impl TableFiles {
    /// Returns the format of files that hold rows of this schema.
    ///
    /// # Errors
    /// `Failed` if the schema lacks a column of the files.
    pub(crate) fn format(&self, schema: &Schema) -> Result<FileFormat> {
        let schema = schema.project(&self.file_columns).context(
            ErrorKind::Failed,
            "cannot select the columns that the output's Parquet files store",
        )?;
        Ok(FileFormat {
            encoder: EncoderKind::Own,
            schema: SchemaRef::new(schema),
            summed: self.summed.clone(),
            files: self.files,
            row_group_bytes: self.row_group_bytes,
        })
    }
}

/// Encodes and stages the held rows, and finishes the open files; returns all parts in the order of their object names.
///
/// # Errors
/// Those of the store and of the spill directory.
pub async fn write(
    stager: &Stager,
    table: &TableFiles,
    collected: Collected,
    progress: &Progress,
) -> Result<Vec<StagedPart>> {
    let format = Arc::new(table.format(&collected.held.schema())?);
    let Collected {
        held,
        partitions,
        mut slots,
        ..
    } = collected;
    let mut parts: Vec<StagedPart> = slots
        .iter_mut()
        .flat_map(|slot| std::mem::take(&mut slot.staged))
        .collect();
    for part in &parts {
        progress.add_rows(part.part().rows);
        progress.add_bytes(part.part().size_bytes);
    }
    let pieces = pieces(&held, partitions.len(), slots, table);
    // If there are fewer pieces than threads, each piece encodes its columns on several threads.
    let threads = table.threads / pieces.len().max(1);
    let writes = pieces.into_iter().map(|piece| {
        let encoder = Encoder {
            held: Arc::clone(&held),
            columns: table.file_columns.clone(),
            format: Arc::clone(&format),
            threads,
        };
        let partition = partitions.partition(piece.partition);
        write_piece(stager, &table.name, partition, encoder, piece, progress)
    });
    let written: Vec<Vec<StagedPart>> = futures::stream::iter(writes)
        .buffer_unordered(table.threads)
        .try_collect()
        .await?;
    parts.extend(written.into_iter().flatten());
    parts.sort_by(|a, b| a.part().key.cmp(&b.part().key));
    Ok(parts)
}

/// Work for one encoder: batches of one partition, which are appended to the partition's open file if there is one.
struct PartJob {
    /// The number of the partition to which all batches belong.
    partition: u32,
    /// The file to continue; `None` to start a new one.
    open: Option<File>,
    /// Indices of the batches in [`Encoder::held`].
    places: Vec<usize>,
    /// The size in memory of the batches and of the open file, in bytes.
    bytes: usize,
}

impl PartJob {
    /// Creates work without batches, which continues `open` if it is given.
    fn new(partition: u32, open: Option<File>) -> Self {
        Self {
            partition,
            bytes: open.as_ref().map_or(0, File::memory_bytes),
            open,
            places: Vec::new(),
        }
    }
}

/// Divides the held rows into work for encoders, largest first. A partition whose row order matters is never split.
fn pieces(
    held: &HeldResults,
    partitions: usize,
    slots: Vec<PartitionFiles>,
    table: &TableFiles,
) -> Vec<PartJob> {
    let mut pieces = Vec::new();
    let by_partition = held.by_tag(partitions);
    let open = slots
        .into_iter()
        .map(|slot| slot.file)
        .chain(std::iter::repeat_with(|| None));
    for ((partition, places), open) in (0..).zip(by_partition).zip(open) {
        let mut piece = PartJob::new(partition, open);
        for place in places {
            if piece.bytes > SPLIT_BYTES && !table.ordered {
                pieces.push(std::mem::replace(&mut piece, PartJob::new(partition, None)));
            }
            piece.bytes += held.bytes(place);
            piece.places.push(place);
        }
        if piece.open.is_some() || !piece.places.is_empty() {
            pieces.push(piece);
        }
    }
    // Largest first: otherwise one thread could start a large piece when all others are done.
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.bytes));
    pieces
}

/// Encodes the batches of `piece` on a blocking thread and passes the encoded blocks to the store; returns the staged
/// parts.
async fn write_piece(
    stager: &Stager,
    table: &str,
    partition: &Partition,
    encoder: Encoder,
    mut piece: PartJob,
    progress: &Progress,
) -> Result<Vec<StagedPart>> {
    let mut writer = piece.open.as_mut().and_then(|file| file.part.take());
    let (sender, mut blocks) = mpsc::channel(QUEUED_BLOCKS);
    let encoding = tokio::task::spawn_blocking(move || encoder.encode(piece, &sender));
    let mut parts = Vec::new();
    while let Some(block) = blocks.recv().await {
        match block {
            FinishedBlock::Bytes(bytes) => {
                if writer.is_none() {
                    writer = Some(stager.part(table, partition.clone(), "parquet").await?);
                }
                let writer = writer.as_mut().expect("it was opened just now");
                writer.write(bytes).await?;
            }
            FinishedBlock::End { rows, sums } => {
                let writer = writer.take().expect("a file's end follows its bytes");
                progress.add_bytes(writer.size_bytes());
                progress.add_rows(rows);
                parts.push(writer.finish_with_sums(rows, sums).await?);
            }
        }
    }
    encoding.await.map_err(|error| {
        Error::new(
            ErrorKind::Failed,
            "writing a Parquet file ended unexpectedly",
        )
        .hint("this is a bug: please report it")
        .caused_by(io::Error::other(error))
    })??;
    Ok(parts)
}

/// A message from the encoder to the task that uploads its file.
enum FinishedBlock {
    /// The next encoded bytes of the current file.
    Bytes(Bytes),
    /// The end of the current file.
    End {
        /// The number of rows in the file.
        rows: u64,
        /// The sums of the columns that the table sums.
        sums: Sums,
    },
}

/// Encoder of the batches of one [`PartJob`].
struct Encoder {
    /// The held rows, from which batches are read by index.
    held: Arc<HeldResults>,
    /// Indices of the columns that files store.
    columns: Vec<usize>,
    /// Columns, codec and sizes of the files.
    format: Arc<FileFormat>,
    /// The number of threads that encode the columns of a file.
    threads: usize,
}

impl Encoder {
    /// Encodes batches to one file after another; returns early, without an error, once the receiver is gone.
    ///
    /// # Errors
    /// `Failed` if a held batch cannot be read back or encoded.
    fn encode(self, piece: PartJob, blocks: &mpsc::Sender<FinishedBlock>) -> Result<()> {
        let mut file = piece.open;
        for places in self.rounds(&piece.places) {
            let batches = places.iter().map(|place| self.batch(*place));
            let batches = batches.collect::<Result<Vec<_>>>()?;
            let writer = match &mut file {
                Some(writer) => writer,
                none => none.insert(self.format.begin(&batches[0])?),
            };
            writer.write(&batches, self.threads)?;
            if let Some(bytes) = writer.block()
                && !send(blocks, FinishedBlock::Bytes(bytes))
            {
                return Ok(());
            }
            if writer.is_full() && !end(file.take().expect("a file is open"), blocks)? {
                return Ok(());
            }
        }
        if let Some(file) = file {
            end(file, blocks)?;
        }
        Ok(())
    }

    /// Divides the batches into rounds, each of which is encoded at once. A round has one batch or, with several
    /// threads, enough batches to outweigh the cost of starting the threads.
    fn rounds<'a>(&self, places: &'a [usize]) -> impl Iterator<Item = &'a [usize]> {
        let most_bytes = match self.threads {
            0 | 1 => 0,
            _ => self.format.row_group_bytes / ROUNDS_A_ROW_GROUP,
        };
        let mut bytes = 0;
        places.chunk_by(move |place, _| {
            bytes += self.held.bytes(*place);
            let together = bytes < most_bytes;
            bytes = if together { bytes } else { 0 };
            together
        })
    }

    /// Reads a held batch, reduced to the columns of a file.
    fn batch(&self, place: usize) -> Result<RecordBatch> {
        let batch = self.held.batch(place).map_err(query_error)?;
        batch.project(&self.columns).context(
            ErrorKind::Failed,
            "cannot select the columns that the output's Parquet files store",
        )
    }
}

/// Finishes a file and sends its last bytes; returns `false` if the receiver is gone.
fn end(file: File, blocks: &mpsc::Sender<FinishedBlock>) -> Result<bool> {
    let EndedFile { bytes, rows, sums } = file.end()?;
    Ok(
        send(blocks, FinishedBlock::Bytes(bytes))
            && send(blocks, FinishedBlock::End { rows, sums }),
    )
}

/// Sends a block, waiting while the queue is full; returns `false` if the receiver is gone.
fn send(blocks: &mpsc::Sender<FinishedBlock>, block: FinishedBlock) -> bool {
    blocks.blocking_send(block).is_ok()
}
