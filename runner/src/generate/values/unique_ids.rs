//! Unique ids: a bijection maps the number of a row to its id.

use crate::generate::values::random::RandomStream;

/// A mask of 20 bits, for one half of an id in the Feistel network.
const HALF: u64 = (1 << 20) - 1;
/// The hexadecimal digits of an id, in lower case.
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The two hexadecimal digits of each byte value, so that writing an id takes five lookups instead of ten.
const PAIRS: [[u8; 2]; 256] = pairs();

/// Builds [`PAIRS`] at compile time, where Rust allows `while` but not `for`.
const fn pairs() -> [[u8; 2]; 256] {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
}

/// One-to-one map from numbers below 2^40 to ids of ten hexadecimal digits.
///
/// The map is a Feistel network of four rounds. Such a network is invertible with any round function, so no two numbers
/// have the same id. Some ids are traps for readers that guess types: one in a hundred has only decimal digits, another
/// one in a hundred looks like the number `7271092e13`, and one in sixteen has a leading zero.
#[derive(Clone, Copy, Debug)]
pub struct UniqueIds {
    /// The odd multipliers of the four rounds.
    keys: [u64; 4],
}

impl UniqueIds {
    /// The number of different ids: ten hexadecimal digits have 40 bits.
    pub const COUNT: u64 = 1 << 40;

    /// Creates the map whose multipliers are drawn from `stream`.
    pub fn new(stream: RandomStream) -> Self {
        let mut rng = stream.at(0);
        Self {
            keys: std::array::from_fn(|_| rng.bits() | 1),
        }
    }

    /// Returns the id of a number below [`UniqueIds::COUNT`].
    #[inline]
    pub fn number(&self, row: u64) -> u64 {
        debug_assert!(row < Self::COUNT, "an id has forty bits");
        let (mut left, mut right) = (row >> 20, row & HALF);
        for key in self.keys {
            let round = (right + 1).wrapping_mul(key) >> 37;
            (left, right) = (right, (left ^ round) & HALF);
        }
        left << 20 | right
    }

    /// Appends the id of a number as ten hexadecimal digits.
    #[inline]
    pub fn write_id(&self, row: u64, out: &mut Vec<u8>) {
        let bytes = self.number(row).to_be_bytes();
        let mut text = [0; 10];
        for (pair, byte) in text.chunks_exact_mut(2).zip(&bytes[3..]) {
            pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
        }
        out.extend_from_slice(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_numbers_share_an_id() {
        let ids = UniqueIds::new(RandomStream::new(7, 1));
        let mut seen = (0..300_000)
            .chain(UniqueIds::COUNT - 300_000..UniqueIds::COUNT)
            .map(|row| ids.number(row))
            .collect::<Vec<_>>();
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(seen.iter().all(|id| *id < UniqueIds::COUNT));
    }

    #[test]
    fn ids_that_look_like_numbers_come_naturally() {
        let ids = UniqueIds::new(RandomStream::new(7, 1));
        let texts = (0..20_000)
            .map(|row| {
                let mut text = Vec::new();
                ids.write_id(row, &mut text);
                String::from_utf8(text).unwrap()
            })
            .collect::<Vec<_>>();
        assert!(texts.iter().all(|text| text.len() == 10));
        let count = |like: fn(&String) -> bool| texts.iter().filter(|text| like(text)).count();
        let digits = count(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let zeros = count(|text| text.starts_with('0'));
        let floats = count(|text| {
            text.split_once('e')
                .is_some_and(|_| text.parse::<f64>().is_ok())
        });
        assert!((120..240).contains(&digits), "{digits}");
        assert!((1_100..1_400).contains(&zeros), "{zeros}");
        assert!((90..200).contains(&floats), "{floats}");
    }
}
