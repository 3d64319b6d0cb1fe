//! Timestamps as AWS accepts them.

/// Returns `true` if a text is a timestamp as AWS accepts it: RFC 3339 with `T` and an offset.
pub(crate) fn is_timestamp(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}
