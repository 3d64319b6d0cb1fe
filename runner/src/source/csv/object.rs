//! Reads one object of delimited text: blocks are decoded in parallel and collected in their order in the object.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::runtime::SpawnedTask;
use drivetrain_jobs::contract::Format;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use crate::source::block_collector::BlockCollector;
use crate::source::bytes::compression::{Content, decompress, require_readable};
use crate::source::bytes::ranges::fetch;
use crate::source::column_layout::{ColumnLayout, HeaderRead, read_header};
use crate::source::csv::block_cutter::{Cutter, Piece};
use crate::source::csv::block_decoder::{Block, Decoded, decode_block};
use crate::source::csv::record_grammar::Beyond;
use crate::source::parquet::object::read_parquet;
use crate::source::read_context::ReadContext;
use crate::source::source_file::SourceFile;
use crate::watch::Progress;
use crate::{Error, ErrorKind, Result};

/// The byte order mark that spreadsheets write before UTF-8 text; it is not part of the first field.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a whole object into a collector, as Parquet if the contract or the content says so.
///
/// # Errors
/// `QualityGate` if the columns differ from those of the contract, or the object cannot be decompressed; else those of
/// the store and of the collector.
pub(crate) async fn read_file(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    file: &SourceFile,
) -> Result<()> {
    {
        let mut state = collector.state();
        state.report.files += 1;
        state.report.bytes += file.meta.size;
    }
    if collector.judge.plan.contract.format == Format::Parquet && file.meta.size > 0 {
        return read_parquet(reading, collector, file).await;
    }
    let (content, bytes) = open(reading, file, &reading.progress).await?;
    if content == Content::Parquet {
        drop(bytes);
        return read_parquet(reading, collector, file).await;
    }
    let mut cutter = Cutter::new(bytes);
    let Some((layout, first, first_line)) = begin(collector, file, &mut cutter).await? else {
        let mut state = collector.state();
        state.report.empty_files.push(file.name.to_string());
        return Ok(());
    };
    collector.state().report.add_extra_columns(&layout.extra);
    read_pieces(reading, collector, file, layout, first, first_line, cutter).await
}

/// Opens an object as a stream of decompressed bytes from its beginning, and returns its format.
///
/// A Parquet object is streamed unchanged. The Parquet reader does not use this stream, because it requests byte
/// ranges.
pub(crate) async fn open(
    reading: &Arc<ReadContext>,
    file: &SourceFile,
    progress: &Progress,
) -> Result<(Content, BoxStream<'static, Result<Bytes>>)> {
    let mut bytes = fetch(
        &file.store,
        &file.meta,
        &file.name,
        reading.block_bytes,
        reading.ahead,
    );
    let Some(first) = bytes.next().await.transpose()? else {
        return Ok((Content::Plain, stream::empty().boxed()));
    };
    require_readable(&first, &file.name)?;
    let content = Content::of(&first);
    let progress = progress.clone();
    let bytes = stream::iter([Ok(first)])
        .chain(bytes)
        .inspect(move |bytes| {
            if let Ok(bytes) = bytes {
                progress.add_bytes(bytes.len() as u64);
            }
        });
    Ok(match content {
        Content::Plain | Content::Parquet => (content, bytes.boxed()),
        compressed => (
            compressed,
            decompress(compressed, &file.name, bytes.boxed(), reading.block_bytes),
        ),
    })
}

/// The cutter of an object whose bytes come from a store.
type Pieces = Cutter<BoxStream<'static, Result<Bytes>>>;

/// Skips the byte order mark and reads the header, if the contract declares one.
///
/// Returns the layout of the columns, the piece that begins with the first record, and that record's line; `None` if
/// the object has no content.
///
/// # Errors
/// `QualityGate` if the header is too long, unreadable or lacks columns, or if the text is UTF-16.
async fn begin(
    collector: &BlockCollector,
    file: &SourceFile,
    cutter: &mut Pieces,
) -> Result<Option<(ColumnLayout, Piece, u64)>> {
    let plan = &collector.judge.plan;
    let Some(mut piece) = cutter.next().await? else {
        return Ok(None);
    };
    loop {
        let block = match &mut piece {
            Piece::Block(block) => block,
            Piece::LongLine { .. } if plan.csv.header => {
                return Err(Error::new(
                    ErrorKind::QualityGate,
                    format!("the header of `{}` is longer than 1 MiB", file.name),
                )
                .hint("check that the file is delimited text, and that its first line contains only the column names"));
            }
            Piece::LongLine { .. } => {
                let layout = ColumnLayout::by_position(plan, &file.name, &file.folders())?;
                return Ok(Some((layout, piece, 1)));
            }
        };
        let mut text = block.text();
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(Error::new(
                ErrorKind::QualityGate,
                format!("`{}` is UTF-16, which is not supported", file.name),
            )
            .hint("write the file as UTF-8"));
        }
        if block.start == 0 && text.starts_with(UTF8_MARK) {
            text = text.slice(UTF8_MARK.len()..);
            block.start = UTF8_MARK.len() as u64;
        }
        (block.head, block.body) = (Vec::new(), text.clone());
        if !plan.csv.header {
            if text.is_empty() {
                return Ok(None);
            }
            let layout = ColumnLayout::by_position(plan, &file.name, &file.folders())?;
            return Ok(Some((layout, piece, 1)));
        }
        match read_header(plan, &file.name, &text, block.beyond)? {
            HeaderRead::Header(header) => {
                block.start += header.end as u64;
                block.body = text.slice(header.end..);
                let layout =
                    ColumnLayout::by_name(plan, &file.name, &file.folders(), &header.names)?;
                return Ok(Some((layout, piece, 1 + header.lines)));
            }
            HeaderRead::Nothing if block.beyond == Beyond::End => return Ok(None),
            HeaderRead::Nothing | HeaderRead::Open => match cutter.next().await? {
                Some(Piece::Block(mut next)) => {
                    next.prepend(&text);
                    piece = Piece::Block(next);
                }
                Some(long_line) => piece = long_line,
                None => return Ok(None),
            },
        }
    }
}

/// A piece that is being decoded, or that needs no decoding.
enum PendingPiece {
    /// A block and its decoding; the block is kept because it may have to be decoded again.
    Block(Arc<Block>, SpawnedTask<Result<Decoded>>),
    /// A line longer than any record may be. It waits for the blocks before it, because they determine its line number.
    LongLine {
        /// The offset of the line's first byte in the object.
        start: u64,
        /// The line's first bytes, which the quarantine shows.
        shown: Vec<u8>,
    },
}

/// Decodes up to `reading.ahead` blocks at once and collects them in order.
///
/// A block is decoded on the assumption that a record begins at its first byte. If the previous block ends inside a
/// record, that record's beginning is put before the block and the block is decoded again, so the result never depends
/// on the cut.
async fn read_pieces(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    file: &SourceFile,
    layout: ColumnLayout,
    first: Piece,
    first_line: u64,
    mut cutter: Pieces,
) -> Result<()> {
    let layout = Arc::new(layout);
    let mut under_way = VecDeque::new();
    let mut next = Some(first);
    let mut tail = Vec::new();
    let mut line = first_line;
    let mut piece_index = 0;
    loop {
        while under_way.len() < reading.ahead {
            let Some(piece) = next.take() else { break };
            under_way.push_back(match piece {
                Piece::Block(block) => {
                    let block = Arc::new(block);
                    let task = decode(reading, collector, &layout, &block);
                    PendingPiece::Block(block, task)
                }
                Piece::LongLine { start, shown } => PendingPiece::LongLine { start, shown },
            });
            next = cutter.next().await?;
        }
        let Some(piece) = under_way.pop_front() else {
            return Ok(());
        };
        let rank = file.rank(piece_index);
        piece_index += 1;
        match piece {
            PendingPiece::Block(mut block, mut task) => {
                if !tail.is_empty() {
                    let mut longer = Arc::unwrap_or_clone(block);
                    longer.prepend(&tail);
                    block = Arc::new(longer);
                    task = decode(reading, collector, &layout, &block);
                }
                let mut decoded = finished(task).await?;
                tail = std::mem::take(&mut decoded.tail);
                let (block_line, rows) = (line, decoded.judged.records);
                line += decoded.all_lines;
                let (collector, name) = (Arc::clone(collector), Arc::clone(&file.name));
                let width = layout.width;
                reading
                    .on_thread(move || {
                        collector.take_block(&name, rank, block_line, width, &block, decoded)
                    })
                    .await?;
                reading.progress.add_rows(u64::from(rows));
            }
            PendingPiece::LongLine { start, shown } => {
                collector.take_long_line(&file.name, rank, line, start, &shown)?;
                reading.progress.add_rows(1);
                line += 1;
            }
        }
    }
}

/// Starts to decode a block on the decoder threads.
fn decode(
    reading: &Arc<ReadContext>,
    collector: &Arc<BlockCollector>,
    layout: &Arc<ColumnLayout>,
    block: &Arc<Block>,
) -> SpawnedTask<Result<Decoded>> {
    let (reading, collector) = (Arc::clone(reading), Arc::clone(collector));
    let (layout, block) = (Arc::clone(layout), Arc::clone(block));
    SpawnedTask::spawn(async move {
        let batch_rows = reading.batch_rows;
        reading
            .on_thread(move || decode_block(&collector.judge, &layout, &block, batch_rows))
            .await
    })
}

/// Waits for a decoding task; a panic becomes an error of kind `Failed`.
async fn finished(task: SpawnedTask<Result<Decoded>>) -> Result<Decoded> {
    task.join().await.unwrap_or_else(|error| {
        Err(Error::new(
            ErrorKind::Failed,
            format!("decoding an input file ended unexpectedly: {error}"),
        ))
    })
}
