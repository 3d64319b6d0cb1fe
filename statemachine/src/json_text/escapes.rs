//! The search for characters that JSON escapes, eight bytes at a time.

/// Returns `true` if a text has a character that JSON escapes.
pub(crate) fn has_escapes(text: &str) -> bool {
    let bytes = text.as_bytes();
    let long = |word: &[u8; 8]| word_has_escapes(u64::from_ne_bytes(*word));
    if let Some(last) = bytes.last_chunk() {
        let (words, _) = bytes.as_chunks();
        return words.iter().any(long) || long(last);
    }
    let short = |word: &[u8; 4]| u64::from(u32::from_ne_bytes(*word));
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => word_has_escapes(short(first) << 32 | short(last)),
        _ => bytes.iter().any(|byte| needs_escape(*byte)),
    }
}

/// Returns `true` if one of the eight bytes in `word` is a control character, a quote or a backslash.
///
/// Each comparison sets the top bit of a byte that it matches.
pub(super) fn word_has_escapes(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let below = |word: u64, limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word;
    let equal = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, b' ') | equal(b'"') | equal(b'\\')) & (EACH << 7) != 0
}

/// Returns `true` if JSON escapes the byte inside a string.
pub(super) fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}
