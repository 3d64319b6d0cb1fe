//! Splits a block of text into records: with `simd-csv` in long stretches without quotes, and by the grammar elsewhere.
//!
//! `simd-csv` was chosen by measurement (rental rows: 2.1 GB/s per core, against 1.2 for `csv-core` and 1.35 for a loop
//! over `memchr3`). It takes a quote in the middle of a field for an opening one and skips a lone `\r` at the beginning
//! of a line. It is therefore given only text without quotes, for which it agrees with the grammar.

use memchr::{memchr, memchr_iter, memrchr};
use simd_csv::{ZeroCopyReader, ZeroCopyReaderBuilder};

use crate::source::csv::record_grammar::{
    Beyond, Broken, Dialect, FieldSpan, Outcome, RECORD_LIMIT_BYTES, line_end_length, offset,
    read_record,
};

/// The length of text without quotes below which setting up the fast reader costs more than it saves.
const FAST_FROM_BYTES: usize = 16 << 10;

/// The size of the fast reader's buffer: large enough that few records straddle two buffers, small enough for the
/// second-level cache.
const WINDOW_BYTES: usize = 64 << 10;

/// The location of one record in a block, and whether the record has the expected number of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordSpan {
    /// The position of the record's first byte in the block.
    pub(crate) start: u32,
    /// The position of the record's line end in the block.
    pub(crate) end: u32,
    /// The physical line on which the record begins, counted from 0 at the block's first line.
    pub(crate) line: u32,
    /// The physical line on which the record ends, counted like `line`.
    pub(crate) last_line: u32,
    /// Whether the record has the expected number of fields.
    pub(crate) shape: RecordShape,
}

/// The result of reading a record and comparing its number of fields with the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordShape {
    /// The record has the expected number of fields.
    Whole,
    /// The record has this number of fields, which is not the expected one.
    Fields(u32),
    /// The record cannot be read; the fields are guessed from the delimiters in its first line.
    Broken(Broken),
}

/// Records and their fields. Every record is stored with exactly `width` fields: missing fields are empty, and
/// additional fields are dropped.
#[derive(Debug)]
pub(crate) struct Records {
    /// The number of fields per record.
    pub(crate) width: usize,
    /// The records, in order.
    pub(crate) list: Vec<RecordSpan>,
    /// The fields of all records, `width` per record.
    pub(crate) fields: Vec<FieldSpan>,
}

impl Records {
    /// Creates an empty list of records of `width` fields.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            list: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Removes all records and keeps the allocations for the next batch.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.fields.clear();
    }

    /// Appends the whole text, which is `length` bytes long, as a record with one field.
    pub(crate) fn push_single(&mut self, length: usize) {
        self.fields.push(FieldSpan::plain(0, length));
        self.list.push(RecordSpan {
            start: 0,
            end: offset(length),
            line: 0,
            last_line: 0,
            shape: RecordShape::Whole,
        });
    }

    /// Returns the span of the field at `index` in a record.
    pub(crate) fn field(&self, record: usize, index: usize) -> FieldSpan {
        self.fields[record * self.width + index]
    }
}

/// The state of a text after a call of [`Splitter::fill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// The limit was reached; more records may follow.
    More,
    /// The text is exhausted.
    Done,
    /// The text ends inside a record; [`Splitter::position`] is the beginning of that record.
    Open,
}

/// Splitter of one text into records; it stops after any number of records and continues later.
pub(crate) struct Splitter<'a> {
    /// The text of the whole block.
    text: &'a [u8],
    /// The delimiter and the quote.
    dialect: Dialect,
    /// The kind of content that follows the text.
    beyond: Beyond,
    /// The position of the next record.
    position: usize,
    /// The physical line of `position`, counted from 0.
    line: u32,
    /// The number of blank lines before `position`.
    blank_lines: u32,
    /// The position up to which the text is known to contain no quote.
    quote_free_until: usize,
    /// The fast reader, while it is in use; it reads from `position` to `quote_free_until`.
    fast: Option<ZeroCopyReader<&'a [u8]>>,
}

impl<'a> Splitter<'a> {
    /// Creates a splitter that starts at the first byte of a text.
    pub(crate) fn new(text: &'a [u8], dialect: Dialect, beyond: Beyond) -> Self {
        Self {
            text,
            dialect,
            beyond,
            position: 0,
            line: 0,
            blank_lines: 0,
            quote_free_until: 0,
            fast: None,
        }
    }

    /// Returns the position of the next record.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Returns the physical line of [`Self::position`], counted from 0.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// Returns the number of lines without any content before [`Self::position`]; they are not records.
    pub(crate) fn blank_lines(&self) -> u32 {
        self.blank_lines
    }

    /// Appends records until the list has `limit` records or no complete record is left.
    pub(crate) fn fill(&mut self, records: &mut Records, limit: usize) -> Filled {
        while records.list.len() < limit {
            self.skip_blank_lines();
            if self.position >= self.text.len() {
                return Filled::Done;
            }
            let read = if self.fast.is_some() || self.enter_fast() {
                self.fast_record(records)
            } else {
                self.slow_record(records)
            };
            if !read {
                return Filled::Open;
            }
        }
        Filled::More
    }

    /// Skips lines without any content.
    fn skip_blank_lines(&mut self) {
        loop {
            let length = match &self.text[self.position..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                [b'\r'] if self.beyond != Beyond::Text => 1,
                _ => return,
            };
            self.position += length;
            self.line += 1;
            self.blank_lines += 1;
        }
    }

    /// Starts the fast reader if enough lines without quotes follow; returns `true` if it was started.
    fn enter_fast(&mut self) -> bool {
        if self.position >= self.quote_free_until {
            let quote = self
                .dialect
                .quote
                .and_then(|quote| memchr(quote, &self.text[self.position..]));
            let free = match quote {
                Some(found) => memrchr(b'\n', &self.text[self.position..self.position + found])
                    .map_or(0, |line_end| line_end + 1),
                None => self.text.len() - self.position,
            };
            self.quote_free_until = self.position + free;
        }
        if self.quote_free_until < self.position + FAST_FROM_BYTES {
            return false;
        }
        let Some(quote) = self.unused_quote() else {
            return false;
        };
        self.fast = Some(
            ZeroCopyReaderBuilder::with_capacity(WINDOW_BYTES)
                .has_headers(false)
                .flexible(true)
                .delimiter(self.dialect.delimiter)
                .quote(quote)
                .from_reader(&self.text[self.position..self.quote_free_until]),
        );
        true
    }

    /// Chooses a quote for the fast reader, which requires one: a byte that does not occur in its text.
    fn unused_quote(&self) -> Option<u8> {
        self.dialect.quote.or_else(|| {
            let free = &self.text[self.position..self.quote_free_until];
            (0..b'\t').find(|byte| memchr(*byte, free).is_none())
        })
    }

    /// Reads one record with the fast reader, or by the grammar if the two might differ; returns `false` if the text
    /// ends inside the record.
    fn fast_record(&mut self, records: &mut Records) -> bool {
        let start = self.position;
        let reader = self.fast.as_mut().expect("the caller saw the fast reader");
        // The reader cannot fail: it reads from memory and accepts records of any width. It stops only at the end of
        // its text.
        let Ok(Some(record)) = reader.read_byte_record() else {
            self.fast = None;
            return self.slow_record(records);
        };
        let end = start + record.as_slice().len();
        // Cases in which the reader and the grammar might differ are left to the grammar.
        let length = line_end_length(self.text, end.min(self.text.len()));
        if length == 0 || self.text[start] == b'\r' || end - start > RECORD_LIMIT_BYTES {
            self.fast = None;
            return self.slow_record(records);
        }
        let mut field_start = start;
        for (index, cell) in record.iter().enumerate() {
            let field_end = field_start + cell.len();
            if index < records.width {
                records
                    .fields
                    .push(FieldSpan::plain(field_start, field_end));
            }
            field_start = field_end + 1;
        }
        let found = record.len();
        let end_of_line = end + length;
        self.finish(records, found, start, end, end_of_line, 0);
        if self.position >= self.quote_free_until {
            self.fast = None;
        }
        true
    }

    /// Reads one record by the grammar; returns `false` if the text ends inside the record.
    fn slow_record(&mut self, records: &mut Records) -> bool {
        let start = self.position;
        let before = records.fields.len();
        let outcome = read_record(
            self.text,
            start,
            self.dialect,
            self.beyond,
            &mut records.fields,
        );
        match outcome {
            Outcome::Whole { content_end, end } => {
                let found = records.fields.len() - before;
                let inner = if self.dialect.quote.is_some() {
                    memchr_iter(b'\n', &self.text[start..content_end]).count()
                } else {
                    0
                };
                records.fields.truncate(before + found.min(records.width));
                self.finish(records, found, start, content_end, end, offset(inner));
                true
            }
            Outcome::Broken {
                why,
                content_end,
                end,
            } => {
                records.fields.truncate(before);
                self.guess_fields(records, start, content_end);
                records
                    .fields
                    .resize(before + records.width, FieldSpan::plain(start, start));
                self.push(
                    records,
                    start,
                    content_end,
                    end,
                    0,
                    RecordShape::Broken(why),
                );
                true
            }
            Outcome::Open => {
                records.fields.truncate(before);
                false
            }
        }
    }

    /// Splits a broken line at its delimiters, so that a key before the damage can still be recognized.
    fn guess_fields(&self, records: &mut Records, start: usize, content_end: usize) {
        let mut position = start;
        // A broken record may be very long, so only its beginning is searched for fields.
        let line = &self.text[start..content_end.min(start + WINDOW_BYTES)];
        for part in line
            .split(|byte| *byte == self.dialect.delimiter)
            .take(records.width)
        {
            records
                .fields
                .push(FieldSpan::plain(position, position + part.len()));
            position += part.len() + 1;
        }
    }

    /// Appends a readable record, with empty fields in place of missing ones.
    fn finish(
        &mut self,
        records: &mut Records,
        found: usize,
        start: usize,
        content_end: usize,
        end: usize,
        inner_lines: u32,
    ) {
        let shape = if found == records.width {
            RecordShape::Whole
        } else {
            for _ in found..records.width {
                records
                    .fields
                    .push(FieldSpan::plain(content_end, content_end));
            }
            RecordShape::Fields(offset(found))
        };
        self.push(records, start, content_end, end, inner_lines, shape);
    }

    /// Appends a record and moves to the next one.
    fn push(
        &mut self,
        records: &mut Records,
        start: usize,
        content_end: usize,
        end: usize,
        inner_lines: u32,
        shape: RecordShape,
    ) {
        records.list.push(RecordSpan {
            start: offset(start),
            end: offset(content_end),
            line: self.line,
            last_line: self.line + inner_lines,
            shape,
        });
        self.line += inner_lines + 1;
        self.position = end;
    }
}
