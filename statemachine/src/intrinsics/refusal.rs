//! Why a function refuses its arguments.

/// Why a function does not apply to its arguments; AWS says no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An argument has the wrong type or value.
    Arguments,
    /// There are more or fewer values than places for them.
    Places,
    /// The template is none, and why.
    Template(&'static str),
    Limit(&'static str),
}
