//! The reasons why intrinsic functions reject their arguments.

/// The reason why a function rejects its arguments. AWS reports no more detail than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An argument has the wrong type or value.
    Arguments,
    /// The number of values differs from the number of `{}` in the template of `States.Format`.
    Places,
    /// The text is not a template of `States.Format`; holds the reason.
    Template(&'static str),
    /// A limit was exceeded; holds a message that names the limit.
    Limit(&'static str),
}
