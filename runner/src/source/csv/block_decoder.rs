//! Decodes one block of delimited text: a pure function of its bytes, so it can run on any thread and be repeated.

use std::cell::RefCell;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use bytes::Bytes;

use crate::error::Context;
use crate::source::bytes::encoding::{Text, show};
use crate::source::column_layout::{ColumnLayout, FieldPlace};
use crate::source::csv::column_decoder::Cells;
use crate::source::csv::record_grammar::{Beyond, Broken};
use crate::source::csv::record_splitter::{Filled, RecordShape, RecordSpan, Records, Splitter};
use crate::source::judge::{Judge, JudgedRows, RowLocation};
use crate::source::row_faults::{RowFaults, rule};
use crate::{ErrorKind, Result};

thread_local! {
    /// The buffer in which this thread joins the head and the body of a block. It is kept between blocks, because the
    /// first touch of fresh memory would cost more than the copy.
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Whole lines of an object, decoded at once.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The offset of the block's first byte in the decompressed object.
    pub(crate) start: u64,
    /// The block's first bytes, which precede `body` in the object.
    pub(crate) head: Vec<u8>,
    /// The block's other bytes, shared with the fetched range.
    pub(crate) body: Bytes,
    /// The kind of content that follows the block's last byte.
    pub(crate) beyond: Beyond,
}

/// The result of decoding a block; line numbers count from 0 at the block's first line.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The rows of the block, accepted and rejected.
    pub(crate) judged: JudgedRows,
    /// The number of physical lines before `tail`, blank lines included.
    pub(crate) all_lines: u64,
    /// The number of lines without any content.
    pub(crate) blank_lines: u64,
    /// The offset in the object at which the decoded records end.
    pub(crate) end: u64,
    /// The beginning of a record that ends in the next block; empty if the block ends with a record.
    pub(crate) tail: Vec<u8>,
}

impl Block {
    /// Returns all bytes in one piece; copies them only if the block has a head.
    pub(crate) fn text(&self) -> Bytes {
        if self.head.is_empty() {
            return self.body.clone();
        }
        [self.head.as_slice(), &self.body].concat().into()
    }

    /// Prepends the beginning of a record that starts in the previous block and continues in this one.
    pub(crate) fn prepend(&mut self, tail: &[u8]) {
        self.start -= tail.len() as u64;
        self.head.splice(0..0, tail.iter().copied());
    }
}

/// Decodes a block whose first byte begins a record.
///
/// # Errors
/// `Failed` if Arrow rejects the decoded columns, which is a bug.
pub(crate) fn decode_block(
    judge: &Judge,
    layout: &ColumnLayout,
    block: &Block,
    batch_rows: usize,
) -> Result<Decoded> {
    if block.head.is_empty() {
        return decode_text(judge, layout, block, &block.body, batch_rows);
    }
    TEXT.with_borrow_mut(|text| {
        text.clear();
        text.extend_from_slice(&block.head);
        text.extend_from_slice(&block.body);
        decode_text(judge, layout, block, text, batch_rows)
    })
}

/// Decodes the joined bytes of a block in batches of `batch_rows`.
fn decode_text(
    judge: &Judge,
    layout: &ColumnLayout,
    block: &Block,
    raw: &[u8],
    batch_rows: usize,
) -> Result<Decoded> {
    let text = Text::new(raw, judge.plan.csv.encoding);
    let mut splitter = Splitter::new(raw, judge.plan.dialect, block.beyond);
    let mut records = Records::new(layout.width);
    let mut judged = JudgedRows::default();
    loop {
        records.clear();
        let filled = splitter.fill(&mut records, batch_rows);
        let rows = records.list.len();
        if rows > 0 {
            judged.lines += records
                .list
                .iter()
                .map(|record| u64::from(record.last_line - record.line) + 1)
                .sum::<u64>();
            let mut faults = RowFaults::new(rows);
            find_shape_faults(layout, &text, &records, &mut faults);
            let columns = decode_columns(judge, layout, &text, &records, &mut faults)?;
            let place = |row: usize| place(block, raw, &records.list[row]);
            if judged.records == 0 {
                // The rows of a block have similar lengths, so the first batch predicts their number.
                judged.expected = rows * raw.len().div_ceil(splitter.position().max(1));
            }
            judge.judge(&columns, rows, faults, place, &mut judged)?;
        }
        if filled != Filled::More {
            break;
        }
    }
    let end = splitter.position();
    Ok(Decoded {
        judged,
        all_lines: u64::from(splitter.line()),
        blank_lines: u64::from(splitter.blank_lines()),
        end: block.start + end as u64,
        tail: raw[end..].to_vec(),
    })
}

/// Returns the location of a record; line numbers count from 0 at the block's first line.
pub(crate) fn place(block: &Block, raw: &[u8], record: &RecordSpan) -> RowLocation {
    RowLocation {
        line: u64::from(record.line),
        last_line: u64::from(record.last_line),
        byte_offset: block.start + u64::from(record.start),
        raw_text: show(&raw[record.start as usize..record.end as usize]),
    }
}

/// Records the faults of records that have the wrong number of fields, are broken or contain invalid bytes.
fn find_shape_faults(
    layout: &ColumnLayout,
    text: &Text<'_>,
    records: &Records,
    faults: &mut RowFaults,
) {
    for (row, record) in records.list.iter().enumerate() {
        match record.shape {
            RecordShape::Whole => {}
            RecordShape::Fields(found) => faults.add(row, None, rule::FIELD_COUNT, || {
                format!("expected {} fields, got {found}", layout.width)
            }),
            RecordShape::Broken(Broken::TooLong) => {
                faults.add(row, None, rule::RECORD_SIZE, || {
                    "the record is longer than 1 MiB".to_owned()
                });
            }
            RecordShape::Broken(Broken::StillOpen) => {
                faults.add(row, None, rule::UNCLOSED_QUOTE, || {
                    "a quoted field is not closed before the end of the file".to_owned()
                });
            }
            RecordShape::Broken(Broken::TextAfterQuote) => {
                faults.add(row, None, rule::TEXT_AFTER_QUOTE, || {
                    "expected a delimiter or a line end after a closing quote".to_owned()
                });
            }
        }
        if !text.has_faults() {
            continue;
        }
        if let Some(position) = text.fault_in(record.start as usize..record.end as usize) {
            let field = (0..layout.width)
                .find(|index| records.field(row, *index).range().contains(&position));
            let name = field.and_then(|index| layout.names.get(index));
            faults.add(row, name, rule::ENCODING, || {
                format!(
                    "the byte 0x{:02X} is invalid in the contract's encoding",
                    text.raw()[position]
                )
            });
        }
    }
}

/// Decodes all columns of a batch in contract order, one whole column after another, so that each type is dispatched
/// once.
fn decode_columns(
    judge: &Judge,
    layout: &ColumnLayout,
    text: &Text<'_>,
    records: &Records,
    faults: &mut RowFaults,
) -> Result<Vec<ArrayRef>> {
    let rows = records.list.len();
    judge
        .plan
        .readers
        .iter()
        .zip(&layout.places)
        .map(|(reader, place)| match place {
            FieldPlace::Field(index) => Ok(reader.decode(
                Cells {
                    text,
                    records,
                    index: *index,
                },
                faults,
            )),
            FieldPlace::Constant(value) => repeat(value, rows),
        })
        .collect()
}

/// Repeats the value of a one-row array `rows` times.
///
/// # Errors
/// `Failed` if Arrow rejects the array, which is a bug.
pub(crate) fn repeat(value: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    take(value, &UInt32Array::from(vec![0; rows]), None).context(
        ErrorKind::Failed,
        "the value of a path column cannot be copied to every row",
    )
}
