//! The meter of an evaluation: the weight of the values that it builds and walks.

use std::cell::Cell;

use jsonata_core::evaluator::EvaluatorError;
use jsonata_core::value::{JValue, with_stack};

use crate::error::Error;
use crate::jsonata::error_text::evaluator_message;

/// The largest weight of one value, in bytes of text plus eight per node. AWS is recorded to build a text of 4,194,304
/// characters and an array of 873,782 numbers, both about 8 MiB in its memory.
const MAX_VALUE_WEIGHT: u64 = 16 << 20;
/// The largest length of one text, in bytes.
const MAX_TEXT_BYTES: u64 = 8 << 20;
/// The largest weight of all values that one evaluation builds or walks: about a second's work.
const MAX_TOTAL_WEIGHT: u64 = 512 << 20;
/// The time limit of one evaluation: far above what a 256 KiB payload needs, short enough to wait for.
const MAX_MILLISECONDS: u64 = 5_000;
/// The most items that a sequence may have: AWS builds `[1..873782]` and not one more.
pub(super) const MAX_SEQUENCE_ITEMS: usize = 873_782;
/// The weight of each value besides its text, in bytes.
const NODE_WEIGHT: u64 = 8;

/// The weight that one evaluation may still use, and its time limit.
#[derive(Debug)]
pub(super) struct EvaluationMeter {
    /// The weight left, from which all functions of the evaluation subtract.
    left: Cell<u64>,
    /// `true` once a limit of this crate was exceeded. The evaluator's own error type has no variant for that.
    exceeded: Cell<bool>,
    /// The time limit of the evaluation, in milliseconds.
    pub(super) milliseconds: u64,
}

/// The message for an exceeded memory limit.
const MEMORY_LIMIT: &str = "The expression exceeded the memory limit";

impl EvaluationMeter {
    /// Creates a meter with the usual limits.
    pub(super) fn new() -> Self {
        Self {
            left: Cell::new(MAX_TOTAL_WEIGHT),
            exceeded: Cell::new(false),
            milliseconds: MAX_MILLISECONDS,
        }
    }

    #[cfg(test)]
    pub(super) fn of(weight: u64, milliseconds: u64) -> Self {
        Self {
            left: Cell::new(weight),
            exceeded: Cell::new(false),
            milliseconds,
        }
    }

    /// Subtracts from the weight that is left; fails if too little is left.
    pub(super) fn charge(&self, weight: u64) -> Result<(), EvaluatorError> {
        let left = self.left.get().checked_sub(weight);
        self.left.set(left.ok_or_else(|| self.exceed())?);
        Ok(())
    }

    /// Weighs a value, counting shared parts each time they appear, and subtracts its weight.
    pub(super) fn weigh(&self, value: &JValue) -> Result<(), EvaluatorError> {
        let mut weight = 0;
        if !add(value, &mut weight) {
            return Err(self.exceed());
        }
        self.charge(weight)
    }

    /// Checks that a text of `bytes` bytes is allowed, and subtracts its weight before the text is built.
    pub(super) fn allow_text(&self, bytes: u64) -> Result<(), EvaluatorError> {
        if bytes > MAX_TEXT_BYTES {
            return Err(self.exceed());
        }
        self.charge(bytes)
    }

    /// Records that a limit was exceeded, and builds the error that ends the evaluation.
    pub(super) fn exceed(&self) -> EvaluatorError {
        self.exceeded.set(true);
        EvaluatorError::EvaluationError(MEMORY_LIMIT.to_owned())
    }

    /// Converts the error that ended an evaluation with this meter: an exceeded limit or a failed evaluation.
    pub(super) fn classify(&self, error: &EvaluatorError) -> Error {
        if self.exceeded.get() {
            return Error::limit_exceeded(MEMORY_LIMIT);
        }
        match error.code() {
            Some("D2015" | "D2014") => Error::limit_exceeded(MEMORY_LIMIT),
            Some("D1012") => Error::limit_exceeded("The expression exceeded the time limit"),
            Some("D1011" | "U1001") => Error::limit_exceeded(error.message()),
            _ => Error::evaluation_failed(evaluator_message(error)),
        }
    }
}

/// Adds the weight of a value and all its parts. Stops and returns `false` once it exceeds the limit of one value.
fn add(value: &JValue, weight: &mut u64) -> bool {
    *weight += NODE_WEIGHT;
    let parts_fit = match value {
        JValue::String(text) => {
            *weight += text.len() as u64;
            true
        }
        JValue::Array(items) => with_stack(|| items.iter().all(|item| add(item, weight))),
        JValue::Object(fields) => with_stack(|| {
            fields.iter().all(|(name, field)| {
                *weight += name.len() as u64;
                add(field, weight)
            })
        }),
        _ => true,
    };
    parts_fit && *weight <= MAX_VALUE_WEIGHT
}
