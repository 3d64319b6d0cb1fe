//! The root of a path: the value that the path starts from.

use crate::error::Error;

/// The longest text of a path. AWS limits a whole definition to 1 MB; no path needs more than this.
pub(super) const MAX_TEXT_BYTES: usize = 64 << 10;

/// The value that a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QueryRoot {
    /// `$`, the state's data.
    Input,
    /// `$$`, the context object.
    Context,
    /// `$name`, a variable.
    Variable(String),
}

/// Splits a path into its root (`$`, `$$` or `$name`) and the text after it.
pub(super) fn split_root(text: &str) -> Result<(QueryRoot, &str), Error> {
    let Some(rest) = text.strip_prefix('$') else {
        return Err(Error::invalid_expression("a path must start with `$`"));
    };
    if let Some(rest) = rest.strip_prefix('$') {
        return Ok((QueryRoot::Context, rest));
    }
    let starts_name = |character: char| character.is_alphabetic() || character == '_';
    if !rest.starts_with(starts_name) {
        return Ok((QueryRoot::Input, rest));
    }
    let end = rest
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    Ok((QueryRoot::Variable(name.to_owned()), rest))
}
