//! Encodes held rows as Parquet parts, several at a time, and stages them.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::WriterProperties;
use tokio::sync::mpsc;

use super::collect::{Collected, query_error};
use super::parquet::FileSettings;
use crate::commit::{Partition, StagedPart, Stager};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::hold::Held;
use crate::progress::Progress;

/// Encoded bytes that wait for the store, per file being written; more would hide a slow store in memory.
const QUEUED_BLOCKS: usize = 4;

/// Bytes are handed to the store in blocks of at least this size: an upload's parts must not be smaller than 5 MiB.
const BLOCK_BYTES: usize = 8 << 20;

/// A partition with more than this in memory is written by several threads at once, each to files of its own.
const SPLIT_BYTES: usize = 256 << 20;

/// What is written and how.
pub struct Table<'a> {
    /// The table's name.
    pub name: &'a str,
    /// The columns of its files: partition columns are not among them.
    pub file_columns: Vec<usize>,
    /// Whether the order of rows within a partition counts.
    pub ordered: bool,
    /// A column that holds no value twice, if there is one: a dictionary of it would only cost.
    pub unique_column: Option<String>,
    /// The settings of files.
    pub files: FileSettings,
    /// The most bytes of a row group while it is built.
    pub row_group_bytes: usize,
    /// Files written at the same time.
    pub threads: usize,
}

/// Stages all rows as parts; returns them in the order of their keys.
///
/// # Errors
/// What the store or the spill directory fails with.
pub async fn write(
    stager: &Stager,
    table: &Table<'_>,
    collected: &Collected,
    progress: &Progress,
) -> Result<Vec<StagedPart>> {
    let schema = Arc::new(
        collected
            .held
            .schema()
            .project(&table.file_columns)
            .context(ErrorKind::Failed, "cannot project to the columns of a file")?,
    );
    let properties = table
        .files
        .properties(table.unique_column.as_deref(), table.row_group_bytes);
    let pieces = pieces(collected, table);
    let writes = pieces.into_iter().map(|piece| {
        let encoder = Encoder {
            held: Arc::clone(&collected.held),
            columns: table.file_columns.clone(),
            schema: Arc::clone(&schema),
            properties: properties.clone(),
            target_bytes: table.files.target_file_bytes,
        };
        let partition = collected.partitions.partition(piece.partition);
        write_piece(
            stager,
            table.name,
            partition,
            encoder,
            piece.places,
            progress,
        )
    });
    let parts: Vec<Vec<StagedPart>> = futures::stream::iter(writes)
        .buffer_unordered(table.threads)
        .try_collect()
        .await?;
    let mut parts: Vec<StagedPart> = parts.into_iter().flatten().collect();
    parts.sort_by(|a, b| a.part().key.cmp(&b.part().key));
    Ok(parts)
}

/// What one thread writes: batches of one partition.
struct Piece {
    partition: u32,
    places: Vec<usize>,
}

fn pieces(collected: &Collected, table: &Table<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let by_partition = collected.held.by_tag(collected.partitions.len());
    for (partition, places) in (0..).zip(by_partition) {
        let mut piece = Piece {
            partition,
            places: Vec::new(),
        };
        let mut bytes = 0;
        for place in places {
            if bytes > SPLIT_BYTES && !table.ordered {
                pieces.push(std::mem::replace(
                    &mut piece,
                    Piece {
                        partition,
                        places: Vec::new(),
                    },
                ));
                bytes = 0;
            }
            bytes += collected.held.bytes(place);
            piece.places.push(place);
        }
        if !piece.places.is_empty() {
            pieces.push(piece);
        }
    }
    // The largest first, so that no thread is left alone with one at the end.
    pieces.sort_by_key(|piece| {
        std::cmp::Reverse(
            piece
                .places
                .iter()
                .map(|place| collected.held.bytes(*place))
                .sum::<usize>(),
        )
    });
    pieces
}

async fn write_piece(
    stager: &Stager,
    table: &str,
    partition: &Partition,
    encoder: Encoder,
    places: Vec<usize>,
    progress: &Progress,
) -> Result<Vec<StagedPart>> {
    let (sender, mut blocks) = mpsc::channel(QUEUED_BLOCKS);
    let encoding = tokio::task::spawn_blocking(move || encoder.encode(&places, &sender));
    let mut parts = Vec::new();
    let mut writer = None;
    while let Some(block) = blocks.recv().await {
        match block {
            Block::Bytes(bytes) => {
                if writer.is_none() {
                    writer = Some(stager.part(table, partition.clone(), "parquet").await?);
                }
                progress.add_bytes(bytes.len() as u64);
                let writer = writer.as_mut().expect("it was opened just now");
                writer.write(bytes).await?;
            }
            Block::End { rows } => {
                let writer = writer.take().expect("a file's end follows its bytes");
                progress.add_rows(rows);
                parts.push(writer.finish(rows).await?);
            }
        }
    }
    encoding.await.map_err(|error| {
        Error::new(ErrorKind::Failed, "the Parquet encoder stopped")
            .caused_by(io::Error::other(error))
    })??;
    Ok(parts)
}

enum Block {
    Bytes(Bytes),
    End { rows: u64 },
}

struct Encoder {
    held: Arc<Held>,
    columns: Vec<usize>,
    schema: SchemaRef,
    properties: WriterProperties,
    target_bytes: u64,
}

impl Encoder {
    /// Encodes batches to one file after the other; ends early, without an error, when nobody takes the bytes any more.
    fn encode(self, places: &[usize], blocks: &mpsc::Sender<Block>) -> Result<()> {
        let mut file: Option<File> = None;
        for place in places {
            let batch = self.held.batch(*place).map_err(query_error)?;
            let batch = self.file_columns(&batch)?;
            let writer = match &mut file {
                Some(writer) => writer,
                None => file.insert(self.begin()?),
            };
            writer.rows += batch.num_rows() as u64;
            writer
                .parquet
                .write(&batch)
                .context(ErrorKind::Failed, "cannot encode Parquet")?;
            let flushed = writer.parquet.inner().len();
            if flushed >= BLOCK_BYTES && !send(blocks, Block::Bytes(writer.take())) {
                return Ok(());
            }
            let size = (writer.parquet.bytes_written() + writer.parquet.in_progress_size()) as u64;
            if size >= self.target_bytes && !end(file.take().expect("a file is open"), blocks)? {
                return Ok(());
            }
        }
        if let Some(file) = file {
            end(file, blocks)?;
        }
        Ok(())
    }

    fn begin(&self) -> Result<File> {
        // The Arrow schema is left out of the file: readers need none, and it would name string views.
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties.clone())
            .with_skip_arrow_metadata(true);
        let parquet =
            ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&self.schema), options)
                .context(ErrorKind::Failed, "cannot begin a Parquet file")?;
        Ok(File { parquet, rows: 0 })
    }

    fn file_columns(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        batch
            .project(&self.columns)
            .context(ErrorKind::Failed, "cannot project a batch")
    }
}

struct File {
    parquet: ArrowWriter<Vec<u8>>,
    rows: u64,
}

impl File {
    /// Takes the bytes that are complete; the writer keeps count of its offset by itself.
    fn take(&mut self) -> Bytes {
        std::mem::take(self.parquet.inner_mut()).into()
    }
}

/// Closes a file and hands on its last bytes; says whether anybody takes them.
fn end(file: File, blocks: &mpsc::Sender<Block>) -> Result<bool> {
    let rows = file.rows;
    let bytes = file
        .parquet
        .into_inner()
        .context(ErrorKind::Failed, "cannot end a Parquet file")?;
    Ok(send(blocks, Block::Bytes(bytes.into())) && send(blocks, Block::End { rows }))
}

fn send(blocks: &mpsc::Sender<Block>, block: Block) -> bool {
    blocks.blocking_send(block).is_ok()
}
