//! The steps that a path is made of.

use std::fmt;

use crate::jsonpath::function::Function;
use crate::jsonpath::parse_filter::Condition;

/// A path below its root: steps, and what follows from their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Steps {
    pub(super) list: Vec<Step>,
    /// Whether everything before the step of the same index leads to one place only.
    pub(super) upstream_definite: Vec<bool>,
    pub(super) definite: bool,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// `.name`, `['name']` or `['one','two']`; the quote is kept for messages.
    Fields { names: Vec<String>, quote: char },
    /// `[0]`, `[-1]` or `[0,1]`.
    Indices(Vec<i32>),
    /// `[1:]`, `[:2]` or `[1:2]`.
    Slice(Slice),
    /// `.*` or `[*]`.
    Wildcard,
    /// `..`, applied to the step that follows.
    Scan,
    /// `[?(..)]`.
    Filter(Box<Condition>),
    /// `.length()` and its siblings.
    Function(Function),
}

/// The bounds of a slice; at least one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slice {
    From(i32),
    To(i32),
    Between(i32, i32),
}

impl Steps {
    pub(super) fn new(list: Vec<Step>) -> Self {
        let end = list.len();
        let mut upstream_definite = Vec::with_capacity(list.len());
        let mut so_far = true;
        for (index, step) in list.iter().enumerate() {
            upstream_definite.push(so_far);
            so_far = so_far && step.is_definite(index + 1 == end);
        }
        // A function at the end of a scan takes all matches at once and gives one value.
        so_far = so_far || matches!(list.as_slice(), [Step::Scan, .., Step::Function(_)]);
        Self {
            list,
            upstream_definite,
            definite: so_far,
        }
    }

    /// Tells whether every step is one field or one index, so that a plain loop can follow it.
    pub(super) fn is_plain(&self) -> bool {
        self.list.iter().all(|step| match step {
            Step::Fields { names, .. } => names.len() == 1,
            Step::Indices(indices) => indices.len() == 1,
            _ => false,
        })
    }
}

impl Step {
    /// Tells whether the step leads to one place. Several names do so only at the end, where they make one object.
    pub(super) fn is_definite(&self, is_last: bool) -> bool {
        match self {
            Self::Fields { names, .. } => names.len() == 1 || is_last,
            Self::Indices(indices) => indices.len() == 1,
            Self::Function(_) => true,
            Self::Slice(_) | Self::Wildcard | Self::Scan | Self::Filter(_) => false,
        }
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list
            .iter()
            .try_for_each(|step| write!(formatter, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields { names, quote } => {
                formatter.write_str("[")?;
                for (index, name) in names.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(formatter, "{comma}{quote}{name}{quote}")?;
                }
                formatter.write_str("]")
            }
            Self::Indices(indices) => {
                formatter.write_str("[")?;
                for (place, index) in indices.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(formatter, "{comma}{index}")?;
                }
                formatter.write_str("]")
            }
            Self::Slice(Slice::From(from)) => write!(formatter, "[{from}:]"),
            Self::Slice(Slice::To(to)) => write!(formatter, "[:{to}]"),
            Self::Slice(Slice::Between(from, to)) => write!(formatter, "[{from}:{to}]"),
            Self::Wildcard => formatter.write_str("[*]"),
            Self::Scan => formatter.write_str(".."),
            Self::Filter(_) => formatter.write_str("[?]"),
            Self::Function(function) => write!(formatter, ".{function}"),
        }
    }
}
