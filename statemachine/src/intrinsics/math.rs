//! Functions on numbers.

use serde_json::Value;

use crate::intrinsics::Refusal;
use crate::scope::Host;

pub(super) fn add(left: &Value, right: &Value) -> Result<Value, Refusal> {
    let (left, right) = (small(left)?, small(right)?);
    left.checked_add(right)
        .map(Value::from)
        .ok_or(Refusal::Arguments)
}

/// Rounds a number that must fit Java's `int`.
fn small(value: &Value) -> Result<i32, Refusal> {
    i32::try_from(whole(value)?).map_err(|_too_large| Refusal::Arguments)
}

/// Draws a number from `start` (included) to `end` (excluded); with a seed, the one that `java.util.Random` draws first.
pub(super) fn random(
    start: &Value,
    end: &Value,
    seed: Option<&Value>,
    host: &mut Host,
) -> Result<Value, Refusal> {
    let (start, end) = (cut(start)?, cut(end)?);
    let width = i128::from(end) - i128::from(start);
    if width <= 0 {
        return Err(Refusal::Arguments);
    }
    let offset = match (seed, i32::try_from(width)) {
        (Some(seed), Ok(width)) => i128::from(JavaRandom::from_seed(whole(seed)?).below(width)),
        (Some(_), Err(_)) => return Err(Refusal::Arguments),
        (None, _) => (i128::from(host.random.bits()) * width) >> 64,
    };
    i64::try_from(i128::from(start) + offset)
        .map(Value::from)
        .map_err(|_overflow| Refusal::Arguments)
}

/// Cuts a number towards zero, as AWS is measured to do where it does not round.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates at the ends of the whole numbers, as in Java"
)]
pub(super) fn cut(value: &Value) -> Result<i64, Refusal> {
    let number = value.as_number().ok_or(Refusal::Arguments)?;
    let double = || number.as_f64().map(|double| double as i64);
    number.as_i64().or_else(double).ok_or(Refusal::Arguments)
}

/// Rounds a number as Java's `Math.round` does: halves go up.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates at the ends of the whole numbers, as in Java"
)]
pub(super) fn whole(value: &Value) -> Result<i64, Refusal> {
    let number = value.as_number().ok_or(Refusal::Arguments)?;
    if let Some(integer) = number.as_i64() {
        return Ok(integer);
    }
    let double = number.as_f64().ok_or(Refusal::Arguments)?;
    // Not `(double + 0.5).floor()`, which rounds 0.49999999999999994 up.
    let floor = double.floor();
    Ok(if double - floor >= 0.5 {
        floor + 1.0
    } else {
        floor
    } as i64)
}

/// The generator of `java.util.Random`: 48 bits, linear congruential.
#[derive(Debug)]
pub(crate) struct JavaRandom {
    state: i64,
}

impl JavaRandom {
    const MULTIPLIER: i64 = 0x5_DEEC_E66D;
    const MASK: i64 = (1 << 48) - 1;

    pub(crate) fn from_seed(seed: i64) -> Self {
        Self {
            state: (seed ^ Self::MULTIPLIER) & Self::MASK,
        }
    }

    /// Draws up to 32 bits as Java's signed `int`.
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

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the product's upper part is below the bound"
    )]
    fn below(&mut self, bound: i32) -> i32 {
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
    use serde_json::json;

    use super::*;
    use crate::intrinsics::tests::evaluate;

    #[test]
    fn each_number_is_rounded_before_it_is_added() {
        let add = |call: &str| evaluate(call, &json!(null)).unwrap();
        assert_eq!(add("States.MathAdd(1.49, 1.5)"), json!(3));
        assert_eq!(add("States.MathAdd(-1.5, 0)"), json!(-1));
        assert_eq!(add("States.MathAdd(0.49999999999999994, 0)"), json!(0));
        assert_eq!(add("States.MathAdd(2147483646, 1)"), json!(2_147_483_647));
        for call in [
            "States.MathAdd(2147483647, 1)",
            "States.MathAdd(3000000000, -3000000000)",
            "States.MathAdd('1', 1)",
        ] {
            assert!(evaluate(call, &json!(null)).is_err(), "{call}");
        }
    }

    #[test]
    fn java_draws_known_numbers() {
        // The first draws of `new java.util.Random(42)` as its documentation's algorithm gives them.
        let mut random = JavaRandom::from_seed(42);
        assert_eq!(random.next(32), -1_170_105_035);
        assert_eq!(random.next(32), 234_785_527);
        assert_eq!(JavaRandom::from_seed(42).below(10), 0);
    }

    #[test]
    fn a_random_number_stays_in_its_range() {
        for _ in 0..100 {
            let drawn = evaluate("States.MathRandom(-3, 2)", &json!(null))
                .unwrap()
                .as_i64()
                .unwrap();
            assert!((-3..2).contains(&drawn));
        }
        let seeded = || evaluate("States.MathRandom(1, 1000, 7)", &json!(null)).unwrap();
        assert_eq!(seeded(), seeded());
        for call in ["States.MathRandom(2, 2)", "States.MathRandom(1.4, 1.6)"] {
            assert!(evaluate(call, &json!(null)).is_err(), "{call}");
        }
    }
}
