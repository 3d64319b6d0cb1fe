//! Memory that is read into again and again: the first touch of fresh memory costs about what reading a cached file into it does.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Unused rooms that are kept: while some are read into, others are decoded.
const KEPT: usize = 4;

/// Rooms whose bytes nobody holds any more.
#[derive(Clone, Default)]
pub(crate) struct BufferPool(Arc<Mutex<Vec<Vec<u8>>>>);

impl BufferPool {
    /// A room of exactly this length, with whatever is in it.
    pub(crate) fn take(&self, length: usize) -> Vec<u8> {
        let mut kept = self.lock();
        let fitting = kept.iter().position(|room| room.len() == length);
        fitting.map_or_else(|| vec![0; length], |place| kept.swap_remove(place))
    }

    /// Shares a room's bytes; it comes back when the last of them is dropped.
    pub(crate) fn share(&self, room: Vec<u8>) -> Bytes {
        Bytes::from_owner(Shared {
            room,
            rooms: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rooms", self.lock().len())
    }
}

struct Shared {
    room: Vec<u8>,
    rooms: BufferPool,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.room
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let room = std::mem::take(&mut self.room);
        let mut kept = self.rooms.lock();
        if kept.len() == KEPT {
            // Whoever reads has gone over to another length.
            kept.remove(0);
        }
        kept.push(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_comes_back_with_its_last_bytes_and_fits_only_its_length() {
        let rooms = BufferPool::default();
        let mut room = rooms.take(3);
        room.copy_from_slice(b"abc");
        let bytes = rooms.share(room);
        let end = bytes.slice(2..);
        drop(bytes);
        assert_eq!(rooms.take(3), [0; 3]);
        assert_eq!(end, "c");
        drop(end);
        assert_eq!(rooms.take(2), [0; 2]);
        assert_eq!(rooms.take(3), b"abc");
    }

    #[test]
    fn only_some_unused_rooms_are_kept() {
        let rooms = BufferPool::default();
        let all: Vec<Bytes> = (1..10).map(|length| rooms.share(vec![0; length])).collect();
        drop(all);
        assert_eq!(rooms.lock().len(), KEPT);
    }
}
