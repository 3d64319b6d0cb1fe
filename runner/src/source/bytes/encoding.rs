//! Decodes bytes of a declared encoding to characters, and formats arbitrary bytes as text for the quarantine.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use drivetrain_jobs::contract::Encoding;

/// The largest size in bytes of a rejected row's text in the quarantine; longer text is truncated.
const RAW_TEXT_LIMIT_BYTES: usize = 64 << 10;

/// The bytes that Windows-1252 leaves undefined.
const WINDOWS_1252_UNDEFINED: [u8; 5] = [0x81, 0x8D, 0x8F, 0x90, 0x9D];

/// A block of bytes that is validated once, so that its slices can be read as text without another check.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// The bytes as they are in the object.
    raw: &'a [u8],
    /// The bytes of `raw` as valid UTF-8, with equal positions: `?` replaces each invalid byte and, in a single-byte
    /// encoding, each byte that is not ASCII.
    valid: Cow<'a, str>,
    /// The declared encoding of `raw`.
    encoding: Encoding,
    /// Positions of bytes that are invalid in the encoding, ascending.
    faults: Vec<usize>,
}

impl<'a> Text<'a> {
    /// Validates the bytes; valid UTF-8 and pure ASCII are borrowed, anything else is copied.
    pub(crate) fn new(raw: &'a [u8], encoding: Encoding) -> Self {
        let mut text = Self {
            raw,
            valid: Cow::Borrowed(""),
            encoding,
            faults: Vec::new(),
        };
        match simdutf8::basic::from_utf8(raw) {
            Ok(valid) if encoding == Encoding::Utf8 || raw.is_ascii() => {
                text.valid = Cow::Borrowed(valid);
            }
            _ => text.repair(),
        }
        text
    }

    /// Copies the bytes to `valid`, replaces those that are not valid UTF-8 there, and records those that are invalid
    /// in the encoding.
    fn repair(&mut self) {
        let mut bytes = self.raw.to_vec();
        match self.encoding {
            Encoding::Utf8 => {
                let mut position = 0;
                for chunk in self.raw.utf8_chunks() {
                    position += chunk.valid().len();
                    for _ in chunk.invalid() {
                        self.faults.push(position);
                        bytes[position] = b'?';
                        position += 1;
                    }
                }
            }
            Encoding::Latin1 | Encoding::Windows1252 => {
                let strict = self.encoding == Encoding::Windows1252;
                for (position, byte) in bytes.iter_mut().enumerate() {
                    if strict && WINDOWS_1252_UNDEFINED.contains(byte) {
                        self.faults.push(position);
                    }
                    if !byte.is_ascii() {
                        *byte = b'?';
                    }
                }
            }
        }
        self.valid = Cow::Owned(String::from_utf8_lossy(&bytes).into_owned());
    }

    /// Returns the bytes as they are in the object.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Decodes a slice to characters; `?` replaces each byte that is invalid in UTF-8.
    pub(crate) fn slice(&self, range: Range<usize>) -> Cow<'_, str> {
        let raw = &self.raw[range.clone()];
        match self.encoding {
            Encoding::Latin1 if !raw.is_ascii() => {
                Cow::Owned(raw.iter().copied().map(char::from).collect())
            }
            Encoding::Windows1252 if !raw.is_ascii() => encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(raw)
                .0
                .into_owned()
                .into(),
            _ => Cow::Borrowed(&self.valid[range]),
        }
    }

    /// Returns the whole block as text; `None` if each slice must be decoded separately.
    pub(crate) fn plain(&self) -> Option<&str> {
        (self.encoding == Encoding::Utf8 || matches!(self.valid, Cow::Borrowed(_)))
            .then_some(&*self.valid)
    }

    /// `true` if any byte is invalid in the encoding.
    pub(crate) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Returns the position of the first invalid byte in a range.
    pub(crate) fn fault_in(&self, range: Range<usize>) -> Option<usize> {
        let first = self.faults.partition_point(|fault| *fault < range.start);
        self.faults
            .get(first)
            .copied()
            .filter(|fault| range.contains(fault))
    }
}

/// Encodes a text; `None` if the encoding lacks one of its characters.
pub(crate) fn encode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Latin1 => text
            .chars()
            .map(|character| u8::try_from(u32::from(character)).ok())
            .collect(),
        Encoding::Windows1252 => {
            let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(text);
            (!unmappable).then(|| bytes.into_owned())
        }
    }
}

/// Formats arbitrary bytes as text: invalid UTF-8 becomes `\xNN`, `\` becomes `\\`, and the result is truncated to 64
/// KiB.
pub(crate) fn show(raw: &[u8]) -> String {
    let mut shown = String::with_capacity(raw.len().min(RAW_TEXT_LIMIT_BYTES));
    for chunk in raw.utf8_chunks() {
        for character in chunk.valid().chars() {
            let length = if character == '\\' {
                2
            } else {
                character.len_utf8()
            };
            if shown.len() + length > RAW_TEXT_LIMIT_BYTES {
                return shown;
            }
            if character == '\\' {
                shown.push('\\');
            }
            shown.push(character);
        }
        for byte in chunk.invalid() {
            if shown.len() + 4 > RAW_TEXT_LIMIT_BYTES {
                return shown;
            }
            write!(shown, "\\x{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bytes_are_found_and_the_rest_stays_readable() {
        let text = Text::new(b"caf\xc3\xa9,\xff\xfe,x", Encoding::Utf8);
        assert_eq!(text.slice(0..5), "café");
        assert_eq!(text.slice(9..10), "x");
        assert_eq!(text.fault_in(0..6), None);
        assert_eq!(text.fault_in(6..8), Some(6));
    }

    #[test]
    fn single_byte_encodings_are_decoded() {
        assert_eq!(Text::new(b"caf\xe9", Encoding::Latin1).slice(0..4), "café");
        let text = Text::new(b"\x80 5\x81", Encoding::Windows1252);
        assert_eq!(text.slice(0..3), "€ 5");
        assert_eq!(text.fault_in(0..4), Some(3));
    }

    #[test]
    fn raw_text_is_escaped_without_ambiguity_and_truncated() {
        assert_eq!(show(b"a\\b\xffc\xc3\xa9"), "a\\\\b\\xFFcé");
        assert_eq!(show(&vec![0xff; 100_000]).len(), RAW_TEXT_LIMIT_BYTES);
        assert_eq!(show(&vec![b'y'; 100_000]).len(), RAW_TEXT_LIMIT_BYTES);
    }
}
