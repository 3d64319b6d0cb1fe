//! Buffers that are reused for reading, because the first touch of fresh memory costs about as much as reading a cached
//! file into it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The largest number of unused buffers in a pool: a reader fills some while it decodes others.
const KEPT: usize = 4;

/// The unused buffers of one store; clones share them.
#[derive(Clone, Default)]
pub(crate) struct BufferPool(Arc<Mutex<Vec<Vec<u8>>>>);

impl BufferPool {
    /// Takes a buffer of exactly `length` bytes; its contents are unspecified.
    pub(crate) fn take(&self, length: usize) -> Vec<u8> {
        let mut kept = self.lock();
        let fitting = kept.iter().position(|buffer| buffer.len() == length);
        fitting.map_or_else(|| vec![0; length], |place| kept.swap_remove(place))
    }

    /// Converts a buffer to shared bytes. The buffer returns to the pool when the last reference to the bytes is
    /// dropped.
    pub(crate) fn share(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Shared {
            buffer,
            pool: self.clone(),
        })
    }

    /// Locks the list of unused buffers, even after a panic of another holder: each change of the list is one call.
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} buffers", self.lock().len())
    }
}

/// The owner of shared bytes; when it is dropped, it returns the buffer to the pool.
struct Shared {
    /// The buffer that the shared bytes point into.
    buffer: Vec<u8>,
    /// The pool to which the buffer returns.
    pool: BufferPool,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        let mut kept = self.pool.lock();
        if kept.len() == KEPT {
            // The oldest buffer is dropped, because the reader now seems to read pieces of another length.
            kept.remove(0);
        }
        kept.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_with_its_last_bytes_and_serves_only_its_length() {
        let pool = BufferPool::default();
        let mut buffer = pool.take(3);
        buffer.copy_from_slice(b"abc");
        let bytes = pool.share(buffer);
        let end = bytes.slice(2..);
        drop(bytes);
        assert_eq!(pool.take(3), [0; 3]);
        assert_eq!(end, "c");
        drop(end);
        assert_eq!(pool.take(2), [0; 2]);
        assert_eq!(pool.take(3), b"abc");
    }

    #[test]
    fn only_some_unused_buffers_are_kept() {
        let pool = BufferPool::default();
        let all: Vec<Bytes> = (1..10).map(|length| pool.share(vec![0; length])).collect();
        drop(all);
        assert_eq!(pool.lock().len(), KEPT);
    }
}
