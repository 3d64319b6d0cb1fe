//! Cuts a block of text into records: through `simd-csv` where no quote is near, by the grammar where one is.
//!
//! `simd-csv` was chosen by measurement (rental rows: 2.1 GB/s a core against 1.2 for `csv-core` and 1.35 for a loop over
//! `memchr3`). It takes a quote in the middle of a field for an opening one and skips a lone `\r` at a line's beginning;
//! so it is given only text without quotes, where its answer and the grammar's are the same.

use memchr::{memchr, memchr_iter, memrchr};
use simd_csv::{ZeroCopyReader, ZeroCopyReaderBuilder};

use crate::source::csv::record_grammar::{
    Beyond, Broken, Dialect, FieldSpan, Outcome, RECORD_LIMIT_BYTES, line_end_length, offset,
    read_record,
};

/// Below this, setting up the fast reader costs more than the grammar does.
const FAST_FROM_BYTES: usize = 16 << 10;

/// The fast reader's window: large enough that records seldom straddle two, small enough for the second-level cache.
const WINDOW_BYTES: usize = 64 << 10;

/// One record of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordSpan {
    /// Where it begins in the block.
    pub(crate) start: u32,
    /// Where its content ends: before the line end.
    pub(crate) end: u32,
    /// The physical line on which it begins, counted from 0 at the block's first.
    pub(crate) line: u32,
    /// The line on which it ends.
    pub(crate) last_line: u32,
    /// What is wrong with its shape.
    pub(crate) shape: RecordShape,
}

/// Whether a record has the fields that it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordShape {
    Whole,
    /// It has another number of fields.
    Fields(u32),
    Broken(Broken),
}

/// Records and their fields; a record has always `width` fields here, empty ones where it has fewer itself.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) width: usize,
    pub(crate) list: Vec<RecordSpan>,
    pub(crate) fields: Vec<FieldSpan>,
}

impl Records {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            list: Vec::new(),
            fields: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.fields.clear();
    }

    /// Appends a record that is one field of so many bytes.
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

    pub(crate) fn field(&self, record: usize, index: usize) -> FieldSpan {
        self.fields[record * self.width + index]
    }
}

/// What is left of a text after a call of [`Splitter::fill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Perhaps more records.
    More,
    /// Nothing.
    Done,
    /// The beginning of a record that ends in the text that follows.
    Open,
}

/// Walks through one text.
pub(crate) struct Splitter<'a> {
    text: &'a [u8],
    dialect: Dialect,
    beyond: Beyond,
    position: usize,
    line: u32,
    blank_lines: u32,
    /// Up to here the text is known to hold no quote.
    quote_free_until: usize,
    fast: Option<ZeroCopyReader<&'a [u8]>>,
}

impl<'a> Splitter<'a> {
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

    /// Where the next record begins.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The physical line of [`Self::position`], counted from 0.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// Lines passed that hold nothing at all; they are no records.
    pub(crate) fn blank_lines(&self) -> u32 {
        self.blank_lines
    }

    /// Appends records until there are `limit` of them.
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

    /// Begins to use the fast reader if a long enough run of lines without quotes lies ahead.
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

    /// The reader must be told a quote: one that does not occur in what it is given.
    fn unused_quote(&self) -> Option<u8> {
        self.dialect.quote.or_else(|| {
            let free = &self.text[self.position..self.quote_free_until];
            (0..b'\t').find(|byte| memchr(*byte, free).is_none())
        })
    }

    /// Reads one record by the fast reader, or by the grammar where the two might differ; false where it is still open.
    fn fast_record(&mut self, records: &mut Records) -> bool {
        let start = self.position;
        let reader = self.fast.as_mut().expect("the caller saw the fast reader");
        // Nothing but the end makes the reader stop: it reads from memory and takes records of any width.
        let Ok(Some(record)) = reader.read_byte_record() else {
            self.fast = None;
            return self.slow_record(records);
        };
        let end = start + record.as_slice().len();
        // What the reader and the grammar might see differently is left to the grammar.
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

    /// Reads one record by the grammar; false where it is still open.
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

    /// Cuts a line that is no record at its delimiters, so that a key before the damage can still be told.
    fn guess_fields(&self, records: &mut Records, start: usize, content_end: usize) {
        let mut position = start;
        // A record may be given up for its length: a key is no further in than this.
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
