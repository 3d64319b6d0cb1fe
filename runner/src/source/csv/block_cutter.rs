//! Cuts the bytes of an object into blocks at line ends, so that blocks can be decoded in parallel.
//!
//! A line end may be inside quotes and then does not end a record, but the cutter does not look at quotes. A block is
//! decoded as if a record began at its first byte, and decoded again if the previous block turns out to end inside a
//! record.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use memchr::{memchr, memrchr};

use crate::Result;
use crate::source::csv::block_decoder::Block;
use crate::source::csv::record_grammar::{Beyond, RECORD_LIMIT_BYTES};

/// The number of bytes that are kept of a line that is too long; the quarantine shows fewer bytes of a row.
const SHOWN_BYTES: usize = 128 << 10;

/// A piece of an object: a block of whole lines, or one line that is too long.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A block of whole lines.
    Block(Block),
    /// A line longer than any record may be.
    LongLine {
        /// The offset of the line's first byte in the object.
        start: u64,
        /// The line's first bytes, which the quarantine shows.
        shown: Vec<u8>,
    },
}

/// Cutter of a stream of bytes into pieces, in the order of the object.
pub(crate) struct Cutter<S> {
    /// The bytes of the object, decompressed.
    bytes: S,
    /// The offset in the object of the next byte of the stream.
    position: u64,
    /// Bytes after the last line end; they begin the next block.
    carry: Vec<u8>,
    /// Complete pieces; only the field `beyond` of the last one may still change.
    ready: VecDeque<Piece>,
    /// `true` while the stream is inside a line that is too long.
    in_long_line: bool,
    /// `true` once the stream is exhausted.
    ended: bool,
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Cutter<S> {
    /// Creates a cutter that starts at the first byte of an object.
    pub(crate) fn new(bytes: S) -> Self {
        Self {
            bytes,
            position: 0,
            carry: Vec::new(),
            ready: VecDeque::new(),
            in_long_line: false,
            ended: false,
        }
    }

    /// Returns the next piece, or `None` at the end; `beyond` of the object's last block is [`Beyond::End`], unless a
    /// long line follows that block.
    ///
    /// # Errors
    /// Those of the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>> {
        // The last piece is held back, because only the piece after it decides its `beyond`.
        while !self.ended && self.ready.len() < 2 {
            match self.bytes.next().await {
                Some(bytes) => self.add(&bytes?),
                None => self.end(),
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Adds the next bytes of the stream; skips those that belong to a line that is too long.
    fn add(&mut self, bytes: &Bytes) {
        let start = self.position;
        self.position += bytes.len() as u64;
        if self.in_long_line {
            let Some(line_end) = memchr(b'\n', bytes) else {
                return self.show_more(bytes);
            };
            self.show_more(&bytes[..line_end]);
            self.in_long_line = false;
            let rest = bytes.slice(line_end + 1..);
            return self.add_lines(start + line_end as u64 + 1, &rest);
        }
        self.add_lines(start, bytes);
    }

    /// Adds bytes that follow the carried bytes; completes a block if they contain a line end.
    fn add_lines(&mut self, start: u64, bytes: &Bytes) {
        let block_start = start - self.carry.len() as u64;
        let Some(line_end) = memrchr(b'\n', bytes) else {
            self.carry.extend_from_slice(bytes);
            self.check_carry(block_start);
            return;
        };
        let head = std::mem::take(&mut self.carry);
        self.carry.extend_from_slice(&bytes[line_end + 1..]);
        self.ready.push_back(Piece::Block(Block {
            start: block_start,
            head,
            body: bytes.slice(..=line_end),
            beyond: Beyond::Text,
        }));
        self.check_carry(start + line_end as u64 + 1);
    }

    /// Turns the carried bytes into a long line if they are longer than any record may be; `start` is their offset.
    fn check_carry(&mut self, start: u64) {
        if self.carry.len() <= RECORD_LIMIT_BYTES + 1 {
            return;
        }
        if let Some(Piece::Block(block)) = self.ready.back_mut() {
            block.beyond = Beyond::LongLine;
        }
        let mut shown = std::mem::take(&mut self.carry);
        shown.truncate(SHOWN_BYTES);
        self.ready.push_back(Piece::LongLine { start, shown });
        self.in_long_line = true;
    }

    /// Appends bytes to the kept beginning of the current long line, up to [`SHOWN_BYTES`].
    fn show_more(&mut self, bytes: &[u8]) {
        if let Some(Piece::LongLine { shown, .. }) = self.ready.back_mut() {
            let room = SHOWN_BYTES - shown.len();
            shown.extend_from_slice(&bytes[..room.min(bytes.len())]);
        }
    }

    /// Completes the last block, which may lack a line end.
    fn end(&mut self) {
        self.ended = true;
        let carry = std::mem::take(&mut self.carry);
        if !carry.is_empty() {
            self.ready.push_back(Piece::Block(Block {
                start: self.position - carry.len() as u64,
                head: Vec::new(),
                body: carry.into(),
                beyond: Beyond::End,
            }));
        } else if let Some(Piece::Block(block)) = self.ready.back_mut() {
            block.beyond = Beyond::End;
        }
    }
}
