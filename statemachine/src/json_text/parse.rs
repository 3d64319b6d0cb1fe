//! Parses JSON text, and distinguishes text that nests too deeply from text that is not JSON.

use serde_json::Value;

/// The error of a text that [`parse_json`] rejects.
#[derive(Debug)]
pub(crate) struct ParseError {
    /// `true` if the text nests too deeply; `false` if it is not JSON.
    pub(crate) too_deep: bool,
    /// The parser's own error, with the line and the column.
    pub(crate) source: serde_json::Error,
}

/// Parses a JSON text, which may nest up to 127 levels deep.
pub(crate) fn parse_json(text: &str) -> Result<Value, ParseError> {
    serde_json::from_str(text).map_err(|source| ParseError {
        // `serde_json` has no typed category for its limit of depth: `classify` returns `Syntax`, as for text that is
        // not JSON. So its text is read, in this one place, and a test below fails if a release words it differently.
        too_deep: source.to_string().starts_with("recursion limit"),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_nests_too_deeply_differs_from_text_that_is_not_json() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let too_deep = |text: &str| parse_json(text).map_err(|error| error.too_deep);
        assert!(too_deep(&nested(127)).is_ok());
        assert_eq!(too_deep(&nested(128)), Err(true));
        assert_eq!(too_deep(&"[".repeat(100_000)), Err(true));
        assert_eq!(too_deep(&"[".repeat(127)), Err(false));
        assert_eq!(too_deep("recursion limit"), Err(false));
    }
}
