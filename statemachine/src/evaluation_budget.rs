//! The bounds on the size and depth of the values that expressions build.
//!
//! AWS limits a state's data to 256 KiB, and the engine checks that limit when data enters or leaves a state. In
//! between, an expression may build larger values for a moment. This module limits those, so that no definition can
//! exhaust the host's memory.

use serde_json::Value;

/// The nesting depth that a value must stay below: `serde_json` reads nothing deeper, and dropping a deeper value could
/// overflow the stack.
pub(crate) const MAX_DEPTH: usize = 128;
/// The limit on the estimated bytes of all values that one evaluation builds: far above any payload, far below any
/// host's memory.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// The memory that one evaluation may still use; a full budget has [`MAX_BYTES`].
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    /// The estimated bytes of the values that may still be built.
    bytes: u64,
}

/// The error of an evaluation that needs more memory than its budget has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    /// Creates a budget of [`MAX_BYTES`].
    pub(crate) fn new() -> Self {
        Self { bytes: MAX_BYTES }
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: u64) -> Self {
        Self { bytes }
    }

    /// Returns the number of bytes taken so far from a budget that started full.
    pub(crate) fn spent(&self) -> u64 {
        MAX_BYTES.saturating_sub(self.bytes)
    }

    /// Takes bytes from the budget; fails, and takes nothing, if too few are left.
    pub(crate) fn pay(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Exhausted)?;
        Ok(())
    }

    /// Takes the estimated memory of a value from the budget.
    pub(crate) fn pay_for(&mut self, value: &Value) -> Result<(), Exhausted> {
        self.pay(weight(value))
    }
}

/// Estimates the memory of a value, in bytes.
pub(crate) fn weight(value: &Value) -> u64 {
    /// The memory of a key besides its text: the string's header, its hash and its index in the map's order.
    const KEY_BYTES: u64 = 48;
    let own = size_of::<Value>() as u64;
    match value {
        Value::String(text) => own + text.len() as u64,
        Value::Array(items) => own + items.iter().map(weight).sum::<u64>(),
        Value::Object(fields) => {
            own + fields
                .iter()
                .map(|(name, value)| KEY_BYTES + name.len() as u64 + weight(value))
                .sum::<u64>()
        }
        _ => own,
    }
}

/// Returns the depth of a value: 0 for a scalar, 1 for a flat array or object.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Returns `true` if a value nests too deeply for `serde_json` to read its text back.
pub(crate) fn nests_too_deeply(value: &Value) -> bool {
    fn within(value: &Value, left: usize) -> bool {
        match value {
            Value::Array(items) => left > 0 && items.iter().all(|item| within(item, left - 1)),
            Value::Object(fields) => {
                left > 0 && fields.values().all(|field| within(field, left - 1))
            }
            _ => true,
        }
    }
    !within(value, MAX_DEPTH - 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_json_text_can_hold_is_not_too_deep() {
        let text = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let deepest: Value = serde_json::from_str(&text(127)).unwrap();
        assert!(serde_json::from_str::<Value>(&text(128)).is_err());
        assert!(!nests_too_deeply(&deepest));
        assert!(nests_too_deeply(&json!([deepest])));
    }

    #[test]
    fn a_budget_runs_out() {
        let mut budget = Budget::new();
        assert_eq!(budget.pay_for(&json!(["x".repeat(1 << 20)])), Ok(()));
        assert_eq!(budget.pay(MAX_BYTES), Err(Exhausted));
    }
}
