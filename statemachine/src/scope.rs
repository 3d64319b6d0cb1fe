//! The data that an expression reads, and its host: the source of time and of random numbers.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The three values that a `JSONPath` expression may start from.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The data that the state's field works on, read as `$`.
    pub input: &'a Value,
    /// The context object, read as `$$`.
    pub context: &'a Value,
    /// The variables assigned so far, read as `$name`.
    pub variables: &'a Map<String, Value>,
}

/// The clock and the random numbers of an evaluation.
///
/// Expressions never use the system's clock or random numbers, so the same host always gives the same result.
#[derive(Debug, Clone)]
pub struct Host {
    /// The instant that `$now()` and `$millis()` return.
    pub now: DateTime<Utc>,
    /// The source of random numbers and UUIDs.
    pub random: Random,
}

/// A source of pseudorandom numbers that a seed determines.
///
/// It is `SplitMix64`, which is small, fast and good enough for jitter, UUIDs and `States.MathRandom`, but not for
/// secrets.
#[derive(Debug, Clone)]
pub struct Random {
    /// The counter of the generator, advanced by each draw.
    state: u64,
}

impl Random {
    /// Creates a source whose numbers depend only on the seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Draws 64 pseudorandom bits and advances the source.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number from 0 (included) to 1 (excluded).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws a version 4 UUID in its usual text form.
    pub fn uuid(&mut self) -> String {
        let high = (self.bits() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
        let low = (self.bits() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFFF,
            low >> 48,
            low & 0xFFFF_FFFF_FFFF
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let (mut one, mut two) = (Random::from_seed(7), Random::from_seed(7));
        assert_eq!(one.bits(), two.bits());
        assert_eq!(one.uuid(), two.uuid());
        assert_ne!(Random::from_seed(8).bits(), Random::from_seed(7).bits());
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let uuid = Random::from_seed(1).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn a_fraction_stays_below_one() {
        let mut random = Random::from_seed(3);
        assert!((0..10_000).all(|_| (0.0..1.0).contains(&random.fraction())));
    }
}
