//! Random numbers that depend only on a seed, a stream and a row, so that any row can be generated alone.

/// The odd number nearest to 2^64 divided by the golden ratio; its multiples are spread evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A source of random number generators, one per row. Different streams of a seed are independent of each other.
#[derive(Clone, Copy, Debug)]
pub struct RandomStream(u64);

impl RandomStream {
    /// Creates the stream number `number` of a seed.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(mix(mix(seed).wrapping_add(number.wrapping_mul(STEP))))
    }

    /// Creates the random number generator of a row.
    #[inline]
    pub fn at(self, row: u64) -> Rng {
        Rng(mix(self.0 ^ row.wrapping_mul(STEP)))
    }
}

/// The random number generator of one row.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Returns the next 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Returns a random number below `bound`. Some numbers are likelier than others by at most `bound` in 2^64.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the upper half has 64 bits")
    }

    /// Returns a random number from `low` to `high`, both included.
    #[inline]
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Returns `true` with the probability `cases` / `of`.
    #[inline]
    pub fn chance(&mut self, cases: u64, of: u64) -> bool {
        self.below(of) < cases
    }

    /// Returns one of the items with equal probability.
    #[inline]
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[position(self.below(length(items)))]
    }
}

/// Mixes the bits of a number so that different numbers stay different: the finalizer of `SplitMix64`, with its
/// published constants.
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Table for choosing random positions in proportion to integer weights, in constant time (Walker's alias method).
#[derive(Clone, Debug)]
pub struct WeightedIndex {
    /// The sum of the weights, and the height of each column.
    total: u64,
    /// One column per position: the height of the part that belongs to the position itself, and the position to which
    /// the rest of the column belongs.
    columns: Vec<(u64, usize)>,
}

impl WeightedIndex {
    /// Creates the table for the weights of the positions 0, 1 and so on. The number of weights times their sum must
    /// fit into 64 bits.
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let mut columns = weights
            .into_iter()
            .enumerate()
            .map(|(position, weight)| (weight, position))
            .collect::<Vec<_>>();
        let total = columns.iter().map(|column| column.0).sum::<u64>();
        assert!(total > 0, "at least one weight is above zero");
        let count = length(&columns);
        for column in &mut columns {
            column.0 *= count;
        }
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for (position, column) in columns.iter().enumerate() {
            let side = if column.0 < total {
                &mut small
            } else {
                &mut large
            };
            side.push(position);
        }
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            columns[poor].1 = rich;
            columns[rich].0 -= total - columns[poor].0;
            if columns[rich].0 < total {
                large.pop();
                small.push(rich);
            }
        }
        Self { total, columns }
    }

    /// Returns a random position, according to the weights.
    #[inline]
    pub fn pick(&self, rng: &mut Rng) -> usize {
        let column = position(rng.below(length(&self.columns)));
        let (own, other) = self.columns[column];
        if rng.below(self.total) < own {
            column
        } else {
            other
        }
    }
}

/// Converts a number to an index into a slice.
#[inline]
pub fn position(number: u64) -> usize {
    usize::try_from(number).expect("a position in memory fits `usize`")
}

/// Returns the number of items as `u64`.
#[inline]
pub fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).expect("a length has at most 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_on_every_machine() {
        let mut rng = RandomStream::new(7, 3).at(11);
        let drawn = [rng.bits(), rng.below(1_000), rng.between(5, 6)];
        assert_eq!(drawn, PINNED);
    }

    const PINNED: [u64; 3] = [9_574_846_286_325_972_051, 119, 5];

    #[test]
    fn rows_and_streams_do_not_repeat_each_other() {
        let mut seen = (0..4)
            .flat_map(|stream| (0..1_000).map(move |row| (stream, row)))
            .flat_map(|(stream, row)| {
                let mut rng = RandomStream::new(1, stream).at(row);
                [rng.bits(), rng.bits(), rng.bits()]
            })
            .collect::<Vec<_>>();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 12_000);
    }

    #[test]
    fn weighted_positions_come_in_proportion() {
        let weighted = WeightedIndex::new([1, 0, 3, 4]);
        let mut counts = [0_u32; 4];
        for row in 0..80_000 {
            counts[weighted.pick(&mut RandomStream::new(5, 0).at(row))] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, expected) in counts.into_iter().zip([10_000, 0, 30_000, 40_000]) {
            assert!(count.abs_diff(expected) < 500, "{counts:?}");
        }
    }
}
