//! The random numbers of `java.util.Random`, which AWS uses if a call passes a seed.

/// The generator of `java.util.Random`: 48 bits, linear congruential.
#[derive(Debug)]
pub(crate) struct JavaRandom {
    /// The current state, 48 bits wide.
    state: i64,
}

impl JavaRandom {
    /// The multiplier of `java.util.Random`'s linear congruential generator.
    const MULTIPLIER: i64 = 0x5_DEEC_E66D;
    /// The mask that keeps the state at 48 bits.
    const MASK: i64 = (1 << 48) - 1;

    /// Creates the generator as `new Random(seed)` does.
    pub(crate) fn from_seed(seed: i64) -> Self {
        Self {
            state: (seed ^ Self::MULTIPLIER) & Self::MASK,
        }
    }

    /// Draws `bits` random bits, at most 32, as a signed `int` of Java.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the upper bits of 48, cut to 32 as in Java"
    )]
    fn next(&mut self, bits: u32) -> i32 {
        self.state = self.state.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        (self.state >> (48 - bits)) as i32
    }

    /// Draws a number from 0 (included) to 1 (excluded), as `nextDouble` does.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub(crate) fn fraction(&mut self) -> f64 {
        let bits = (i64::from(self.next(26)) << 27) + i64::from(self.next(27));
        bits as f64 / (1_i64 << 53) as f64
    }

    /// Draws a number from 0 (included) to `bound` (excluded), as `nextInt(bound)` does.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the product's upper part is below the bound"
    )]
    pub(crate) fn below(&mut self, bound: i32) -> i32 {
        if bound.count_ones() == 1 {
            return ((i64::from(bound) * i64::from(self.next(31))) >> 31) as i32;
        }
        loop {
            let bits = self.next(31);
            let value = bits % bound;
            // Java's test for the last, incomplete block of the range is an overflow.
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_draws_known_numbers() {
        // The first numbers of `new java.util.Random(42)`, by the algorithm in its documentation.
        let mut random = JavaRandom::from_seed(42);
        assert_eq!(random.next(32), -1_170_105_035);
        assert_eq!(random.next(32), 234_785_527);
        assert_eq!(JavaRandom::from_seed(42).below(10), 0);
    }
}
