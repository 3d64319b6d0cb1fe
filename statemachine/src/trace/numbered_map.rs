//! The numbers of threads and executions, and maps that are keyed by them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The number of a thread, unique in one trace.
pub(super) type ThreadNumber = usize;

/// The number of an execution, unique in one trace.
pub(super) type ExecutionNumber = usize;

/// A map whose keys are consecutive numbers, with a hasher that is fast for such keys.
pub(super) type ByNumber<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// A hasher for consecutive numbers. No attacker chooses them, so nothing stronger is needed.
#[derive(Debug, Default)]
pub(super) struct NumberHasher(u64);

/// 2^64 divided by the golden ratio and made odd, as in Knuth's multiplicative hashing.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(SPREAD);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}
