//! The reasons for which functions refuse their arguments.

/// The reason why a function refuses its arguments; AWS reports no more detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An argument has the wrong type or value.
    Arguments,
    /// The number of values differs from the number of `{}`.
    Places,
    /// The text is not a template, for this reason.
    Template(&'static str),
    /// A limit was exceeded; the message names it.
    Limit(&'static str),
}
