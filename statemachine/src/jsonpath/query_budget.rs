//! What an evaluation may take, and how it may fail.

use serde_json::Value;

use crate::error::Error;
use crate::evaluation_budget;

/// How many values one evaluation may look at: a few seconds' work at most.
const MAX_VISITS: u64 = 20_000_000;
/// How many bytes are compared or matched in the time that looking at one value takes.
const BYTES_PER_VISIT: u64 = 16;
/// How deep a document may nest. `serde_json` reads 128 levels; more would only come from a value built by hand.
pub(super) const MAX_DOCUMENT_DEPTH: usize = 256;

/// Why an evaluation stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QueryFailure {
    /// The path leads nowhere.
    Missing(String),
    /// A value has the wrong type.
    Mismatch(String),
    /// A filter cannot be applied here; in a filter it just does not hold.
    Refused,
    /// A bound was passed.
    Limit(&'static str),
}

impl From<QueryFailure> for Error {
    fn from(failure: QueryFailure) -> Self {
        match failure {
            QueryFailure::Missing(message) => Self::missing_value(message),
            QueryFailure::Mismatch(message) => Self::evaluation_failed(message),
            QueryFailure::Refused => {
                Self::evaluation_failed("Filter can not be applied to primitives")
            }
            QueryFailure::Limit(message) => Self::limit_exceeded(message),
        }
    }
}

/// What is left of an evaluation's work and memory.
pub(super) struct QueryBudget {
    visits: u64,
    bytes: evaluation_budget::Budget,
}

impl QueryBudget {
    pub(super) fn new() -> Self {
        Self {
            visits: MAX_VISITS,
            bytes: evaluation_budget::Budget::new(),
        }
    }

    pub(super) fn visit(&mut self) -> Result<(), QueryFailure> {
        self.visits = self
            .visits
            .checked_sub(1)
            .ok_or(QueryFailure::Limit("the path takes too many steps"))?;
        Ok(())
    }

    /// Counts what is compared or matched as a whole, as if each piece of it were looked at.
    pub(super) fn visit_bytes(&mut self, bytes: u64) -> Result<(), QueryFailure> {
        let visits = bytes / BYTES_PER_VISIT;
        self.visits = self
            .visits
            .checked_sub(visits)
            .ok_or(QueryFailure::Limit("the path takes too many steps"))?;
        Ok(())
    }

    /// Pays for a copy. `$..*` repeats every value once per level above it.
    pub(super) fn pay_for(&mut self, value: &Value) -> Result<(), QueryFailure> {
        self.bytes
            .pay_for(value)
            .map_err(|_exhausted| QueryFailure::Limit("the path matches too much"))
    }
}
