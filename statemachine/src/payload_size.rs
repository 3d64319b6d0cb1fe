//! The length of JSON text, computed without writing it.

use serde_json::{Number, Value};

/// The largest payload between states: 256 KiB of UTF-8.
pub(crate) const PAYLOAD_LIMIT_BYTES: usize = 262_144;

/// The largest total size of the variables of one flow thread: 10 MiB.
pub(crate) const VARIABLES_LIMIT_BYTES: usize = 10 << 20;

/// Returns `true` if a value's compact JSON text has more than `limit` bytes; stops counting at the limit.
pub(crate) fn exceeds(value: &Value, limit: usize) -> bool {
    let mut left = limit;
    !fits(value, &mut left)
}

/// Returns the length of a value's compact JSON text, in bytes.
pub(crate) fn length(value: &Value) -> usize {
    let mut left = usize::MAX;
    fits(value, &mut left);
    usize::MAX - left
}

/// Subtracts the length of a value's text from `left`; returns `false` as soon as the text does not fit.
fn fits(value: &Value, left: &mut usize) -> bool {
    match value {
        Value::Null | Value::Bool(true) => take(left, 4),
        Value::Bool(false) => take(left, 5),
        Value::Number(number) => take(left, number_length(number)),
        Value::String(text) => take(left, text_length(text)),
        Value::Array(items) => {
            take(left, 2 + items.len().saturating_sub(1))
                && items.iter().all(|item| fits(item, left))
        }
        Value::Object(fields) => {
            take(left, 2 + fields.len().saturating_sub(1))
                && fields
                    .iter()
                    .all(|(key, value)| take(left, text_length(key) + 1) && fits(value, left))
        }
    }
}

/// Returns the length of a number as JSON text, in bytes. Digits of whole numbers are counted without writing them.
fn number_length(number: &Number) -> usize {
    let digits = |magnitude: u64| {
        magnitude
            .checked_ilog10()
            .map_or(1, |last| last as usize + 1)
    };
    match (number.as_u64(), number.as_i64()) {
        (Some(positive), _) => digits(positive),
        (None, Some(negative)) => digits(negative.unsigned_abs()) + 1,
        (None, None) => number.to_string().len(),
    }
}

/// Subtracts `bytes` from `left`; returns `false` if too few are left.
fn take(left: &mut usize, bytes: usize) -> bool {
    match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

/// Returns the length of a text as a JSON string, in bytes, with its quotes and escapes.
fn text_length(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1,
            0..=0x1F => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_that_of_the_compact_text() {
        let value = serde_json::json!({"a": [0, 9, -10, u64::MAX, i64::MIN, 2.5, null, true, false, "x\n\"\u{1}é"], "b": {}, "c": []});
        assert_eq!(length(&value), value.to_string().len());
        assert!(!exceeds(&value, length(&value)));
        assert!(exceeds(&value, length(&value) - 1));
    }
}
