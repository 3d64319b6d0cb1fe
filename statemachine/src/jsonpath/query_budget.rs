//! The budget of an evaluation, and its failures.

use serde_json::Value;

use crate::error::Error;
use crate::evaluation_budget;

/// The most values that one evaluation may visit: a few seconds' work.
const MAX_VISITS: u64 = 20_000_000;
/// The number of compared or matched bytes that count as one visit, because they take as long.
const BYTES_PER_VISIT: u64 = 16;
/// The depth to which a document may nest. `serde_json` reads 128 levels; only a value built in code can be deeper.
pub(super) const MAX_DOCUMENT_DEPTH: usize = 256;

/// The reason why an evaluation stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QueryFailure {
    /// The path finds nothing.
    Missing {
        /// The message, in Jayway's words.
        message: String,
        /// The last field of the path that the message names; `None` if it names no field.
        step: Option<String>,
    },
    /// A value has the wrong type; holds the message.
    Mismatch(String),
    /// A filter does not apply to the value. Inside a filter, such a condition counts as not met.
    Refused,
    /// A limit was exceeded; holds a message that names the limit.
    Limit(&'static str),
}

impl From<QueryFailure> for Error {
    fn from(failure: QueryFailure) -> Self {
        match failure {
            QueryFailure::Missing { message, step } => {
                Self::missing_value(message).at_path_step(step)
            }
            QueryFailure::Mismatch(message) => Self::evaluation_failed(message),
            QueryFailure::Refused => {
                Self::evaluation_failed("Filter can not be applied to primitives")
            }
            QueryFailure::Limit(message) => Self::limit_exceeded(message),
        }
    }
}

/// The work and the memory that an evaluation may still use.
pub(super) struct QueryBudget {
    /// The number of values that may still be visited.
    visits: u64,
    /// The bytes that copies of values may still take.
    bytes: evaluation_budget::Budget,
}

impl QueryBudget {
    /// Creates a budget from which nothing is spent.
    pub(super) fn new() -> Self {
        Self {
            visits: MAX_VISITS,
            bytes: evaluation_budget::Budget::new(),
        }
    }

    /// Counts one visit of a value.
    pub(super) fn visit(&mut self) -> Result<(), QueryFailure> {
        self.visits = self.visits.checked_sub(1).ok_or(QueryFailure::Limit(
            "evaluating the path takes more work than visiting 20,000,000 values, this program's limit",
        ))?;
        Ok(())
    }

    /// Counts compared or matched bytes, converted to visits.
    pub(super) fn visit_bytes(&mut self, bytes: u64) -> Result<(), QueryFailure> {
        let visits = bytes / BYTES_PER_VISIT;
        self.visits = self.visits.checked_sub(visits).ok_or(QueryFailure::Limit(
            "evaluating the path takes more work than visiting 20,000,000 values, this program's limit",
        ))?;
        Ok(())
    }

    /// Takes the memory of a copied value from the budget. For example, `$..*` copies a value once per level above it.
    pub(super) fn pay_for(&mut self, value: &Value) -> Result<(), QueryFailure> {
        self.bytes.pay_for(value).map_err(|_exhausted| {
            QueryFailure::Limit(
                "the values that the path finds need more than 64 MiB, this program's limit",
            )
        })
    }
}
