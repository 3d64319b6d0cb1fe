//! Evaluates steps on a document: what that may take, and how it may fail.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::evaluation_budget;
use crate::jsonpath::PathError;
use crate::jsonpath::ast::{Step, Steps};
use crate::jsonpath::function::Function;
use crate::jsonpath::walk::Walk;

/// How many values one evaluation may look at: a few seconds' work at most.
const MAX_VISITS: u64 = 20_000_000;
/// How many bytes are compared or matched in the time that looking at one value takes.
const BYTES_PER_VISIT: u64 = 16;
/// How deep a document may nest. `serde_json` reads 128 levels; more would only come from a value built by hand.
pub(super) const MAX_DEPTH: usize = 256;

/// Why an evaluation stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The path leads nowhere.
    Missing(String),
    /// A value has the wrong type.
    Mismatch(String),
    /// A filter cannot be applied here; in a filter it just does not hold.
    Refused,
    /// A bound was passed.
    Limit(&'static str),
}

impl From<Failure> for PathError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Missing(message) => Self::missing(message),
            Failure::Mismatch(message) => Self::mismatch(message),
            Failure::Refused => Self::mismatch("Filter can not be applied to primitives"),
            Failure::Limit(message) => Self::limit(message),
        }
    }
}

/// Evaluates steps on a document: one value if they are definite, else an array.
pub(super) fn evaluate<'v>(
    steps: &'v Steps,
    document: &'v Value,
) -> Result<Cow<'v, Value>, Failure> {
    let mut budget = Budget {
        visits: MAX_VISITS,
        bytes: evaluation_budget::Budget::new(),
    };
    evaluate_steps(steps, document, document, &mut budget, false)
}

/// Turns `$..name.sum()` round: the function takes all matches at once. For a length, their members are counted.
fn scan_under_function(steps: &Steps) -> Option<(&Function, Steps)> {
    let [Step::Scan, .., Step::Function(function)] = steps.list.as_slice() else {
        return None;
    };
    let mut inner = steps.list[..steps.list.len() - 1].to_vec();
    if function.counts() {
        inner.push(Step::Wildcard);
    }
    Some((function, Steps::new(inner)))
}

pub(super) fn evaluate_steps<'v>(
    steps: &'v Steps,
    document: &'v Value,
    root: &'v Value,
    budget: &mut Budget,
    require_fields: bool,
) -> Result<Cow<'v, Value>, Failure> {
    if let Some((function, inner)) = scan_under_function(steps) {
        let matches = evaluate_steps(&inner, document, root, budget, require_fields)?.into_owned();
        return function
            .call(document, &[Cow::Owned(matches)])
            .map(Cow::Owned);
    }
    let mut walk = Walk {
        steps,
        root,
        budget,
        require_fields,
        found: Vec::new(),
        scanned_index: if steps.list.contains(&Step::Scan) {
            vec![None; steps.list.len()]
        } else {
            Vec::new()
        },
    };
    walk.step(0, document, &Trail::Root)?;
    let mut found = walk.found;
    if steps.definite {
        return found
            .pop()
            .ok_or_else(|| Failure::Missing(format!("No results for path: ${steps}")));
    }
    let mut items = Vec::with_capacity(found.len());
    for value in found {
        budget.pay_for(&value)?;
        items.push(value.into_owned());
    }
    Ok(Cow::Owned(Value::Array(items)))
}

/// What is left of an evaluation's work and memory.
pub(super) struct Budget {
    visits: u64,
    bytes: evaluation_budget::Budget,
}

impl Budget {
    pub(super) fn visit(&mut self) -> Result<(), Failure> {
        self.visits = self
            .visits
            .checked_sub(1)
            .ok_or(Failure::Limit("the path takes too many steps"))?;
        Ok(())
    }

    /// Counts what is compared or matched as a whole, as if each piece of it were looked at.
    pub(super) fn visit_bytes(&mut self, bytes: u64) -> Result<(), Failure> {
        let visits = bytes / BYTES_PER_VISIT;
        self.visits = self
            .visits
            .checked_sub(visits)
            .ok_or(Failure::Limit("the path takes too many steps"))?;
        Ok(())
    }

    /// Pays for a copy. `$..*` repeats every value once per level above it.
    pub(super) fn pay_for(&mut self, value: &Value) -> Result<(), Failure> {
        self.bytes
            .pay_for(value)
            .map_err(|_exhausted| Failure::Limit("the path matches too much"))
    }
}

/// The way from the root to a value, kept on the stack and written out only in messages.
pub(super) enum Trail<'t> {
    Root,
    Field {
        above: &'t Trail<'t>,
        depth: usize,
        name: &'t str,
    },
    Index {
        above: &'t Trail<'t>,
        depth: usize,
        index: i64,
    },
}

impl<'t> Trail<'t> {
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field { depth, .. } | Self::Index { depth, .. } => *depth,
        }
    }

    pub(super) fn field(&'t self, name: &'t str) -> Self {
        Self::Field {
            above: self,
            depth: self.depth() + 1,
            name,
        }
    }

    pub(super) fn index(&'t self, index: i64) -> Self {
        Self::Index {
            above: self,
            depth: self.depth() + 1,
            index,
        }
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => formatter.write_str("$"),
            Self::Field { above, name, .. } => write!(formatter, "{above}['{name}']"),
            Self::Index { above, index, .. } => write!(formatter, "{above}[{index}]"),
        }
    }
}
