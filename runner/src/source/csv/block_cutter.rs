//! Cuts an object's bytes into blocks at line ends, so that blocks can be decoded side by side.
//!
//! Whether a line end also ends a record is not known here (it may lie between quotes): a block is decoded as if it did,
//! and decoded again where the block before turns out to end inside a record.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use memchr::{memchr, memrchr};

use crate::Result;
use crate::source::csv::block_decoder::Block;
use crate::source::csv::record_grammar::{Beyond, RECORD_LIMIT_BYTES};

/// How much of a line that is too long is kept, to be shown: more than the quarantine shows of a row.
const SHOWN_BYTES: usize = 128 << 10;

/// A piece of an object.
#[derive(Debug)]
pub(crate) enum Piece {
    Block(Block),
    /// A line longer than any record may be.
    LongLine {
        start: u64,
        /// Its first bytes.
        shown: Vec<u8>,
    },
}

/// Turns a stream of bytes into pieces, in order.
pub(crate) struct Cutter<S> {
    bytes: S,
    /// Where the next byte of the stream lies in the object.
    position: u64,
    /// Bytes after the last line end.
    carry: Vec<u8>,
    /// Pieces that are ready but for the last one's `beyond`.
    ready: VecDeque<Piece>,
    /// Inside a line that is too long.
    in_long_line: bool,
    ended: bool,
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Cutter<S> {
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

    /// The next piece; the last block of an object says that nothing follows it.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>> {
        // One piece is kept back, for only what follows says what lies beyond it.
        while !self.ended && self.ready.len() < 2 {
            match self.bytes.next().await {
                Some(bytes) => self.add(&bytes?),
                None => self.end(),
            }
        }
        Ok(self.ready.pop_front())
    }

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

    /// Adds bytes that continue the carried ones.
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

    /// Gives a line up that is already too long.
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

    fn show_more(&mut self, bytes: &[u8]) {
        if let Some(Piece::LongLine { shown, .. }) = self.ready.back_mut() {
            let room = SHOWN_BYTES - shown.len();
            shown.extend_from_slice(&bytes[..room.min(bytes.len())]);
        }
    }

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
