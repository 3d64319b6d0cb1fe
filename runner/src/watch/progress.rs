//! Counters of a stage, which the work adds to and a display or a report reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of bytes and rows of one stage; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

/// The counters that all clones share.
#[derive(Debug, Default)]
struct Counters {
    /// Bytes processed so far.
    bytes: AtomicU64,
    /// Bytes that the stage has to process in all, as far as they are known; 0 if unknown.
    bytes_total: AtomicU64,
    /// Rows processed so far.
    rows: AtomicU64,
}

impl Progress {
    /// Adds bytes that were processed.
    pub fn add_bytes(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds bytes to the total that the stage has to process.
    pub fn expect_bytes(&self, bytes: u64) {
        self.0.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds rows that were processed.
    pub fn add_rows(&self, rows: u64) {
        self.0.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Returns the number of bytes processed so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes that the stage has to process in all; 0 if unknown.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.0.bytes_total.load(Ordering::Relaxed)
    }

    /// Returns the number of rows processed so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }
}
