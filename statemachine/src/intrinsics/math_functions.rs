//! Intrinsic functions on numbers.

use serde_json::Value;

use crate::intrinsics::argument_refusal::Refusal;
use crate::java::random::JavaRandom;
use crate::scope::Host;

/// Evaluates `States.MathAdd`; a sum outside Java's `int` is an error.
pub(super) fn add(left: &Value, right: &Value) -> Result<Value, Refusal> {
    let (left, right) = (java_int(left)?, java_int(right)?);
    left.checked_add(right)
        .map(Value::from)
        .ok_or(Refusal::Arguments)
}

/// Rounds a number, which must fit Java's `int`.
fn java_int(value: &Value) -> Result<i32, Refusal> {
    i32::try_from(rounded(value)?).map_err(|_too_large| Refusal::Arguments)
}

/// Evaluates `States.MathRandom`: draws a number from `start` (included) to `end` (excluded). With a seed, the result
/// is the first number that `java.util.Random` draws.
pub(super) fn random(
    start: &Value,
    end: &Value,
    seed: Option<&Value>,
    host: &mut Host,
) -> Result<Value, Refusal> {
    let (start, end) = (truncated(start)?, truncated(end)?);
    let width = i128::from(end) - i128::from(start);
    if width <= 0 {
        return Err(Refusal::Arguments);
    }
    let offset = match (seed, i32::try_from(width)) {
        (Some(seed), Ok(width)) => i128::from(JavaRandom::from_seed(rounded(seed)?).below(width)),
        (Some(_), Err(_)) => return Err(Refusal::Arguments),
        (None, _) => (i128::from(host.random.bits()) * width) >> 64,
    };
    i64::try_from(i128::from(start) + offset)
        .map(Value::from)
        .map_err(|_overflow| Refusal::Arguments)
}

/// Truncates a number towards zero. Measured: AWS truncates some arguments and rounds others.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates at the ends of the whole numbers, as in Java"
)]
pub(super) fn truncated(value: &Value) -> Result<i64, Refusal> {
    let number = value.as_number().ok_or(Refusal::Arguments)?;
    let double = || number.as_f64().map(|double| double as i64);
    number.as_i64().or_else(double).ok_or(Refusal::Arguments)
}

/// Rounds a number as Java's `Math.round` does: halves go up.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates at the ends of the whole numbers, as in Java"
)]
pub(super) fn rounded(value: &Value) -> Result<i64, Refusal> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::intrinsics::call::tests::evaluate;

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
