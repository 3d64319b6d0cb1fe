//! Writes values as quoted and escaped JSON text, within limits of length and depth.

use serde_json::{Number, Value};

use crate::evaluation_budget::MAX_DEPTH;
use crate::json_text::escapes::{has_escapes, needs_escape};

/// The reason why a value is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The value nests so deeply that JSON parsers would refuse its text.
    TooDeep,
    /// The text is longer than allowed. Writing stopped at the limit, so the rest of the value may also nest too
    /// deeply.
    TooLong,
}

/// The deepest nesting that a value may have if it is written as a whole.
pub(crate) const DEEPEST: usize = MAX_DEPTH - 1;

/// A piece of quoted text that a template writes in advance, so that executions only copy it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The text in escaped form, as it appears inside a JSON string.
    pub(super) quoted: Vec<u8>,
    /// The length of the text before escaping, in bytes.
    bytes: usize,
}

impl Fragment {
    /// Appends what `write` writes, without a limit on length or depth.
    pub(crate) fn append(
        &mut self,
        write: impl FnOnce(&mut TextWriter<'_>) -> Result<(), Refused>,
    ) {
        let mut writer = TextWriter {
            quoted: &mut self.quoted,
            left: usize::MAX,
        };
        write(&mut writer).expect("neither its length nor its depth is limited");
        self.bytes += usize::MAX - writer.left;
    }
}

/// A writer of compact JSON text, quoted and escaped as inside a JSON string.
pub(crate) struct TextWriter<'a> {
    /// The buffer of the quoted form, to which all text is appended.
    pub(super) quoted: &'a mut Vec<u8>,
    /// The number of bytes by which the plain text may still grow.
    pub(super) left: usize,
}

impl TextWriter<'_> {
    /// Appends a value as compact JSON; fails if it nests deeper than `depth_left`.
    pub(crate) fn value(&mut self, value: &Value, depth_left: usize) -> Result<(), Refused> {
        match value {
            Value::Null => self.plain("null"),
            Value::Bool(true) => self.plain("true"),
            Value::Bool(false) => self.plain("false"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let depth_left = depth_left.checked_sub(1).ok_or(Refused::TooDeep)?;
                self.take(2 + items.len().saturating_sub(1))?;
                self.quoted.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.quoted.push(b',');
                    }
                    self.value(item, depth_left)?;
                }
                self.quoted.push(b']');
                Ok(())
            }
            Value::Object(fields) => {
                let depth_left = depth_left.checked_sub(1).ok_or(Refused::TooDeep)?;
                // The braces, and for each field its quotes, a colon and all commas but one.
                self.take(2 + (4 * fields.len()).saturating_sub(1))?;
                let mut before = *b"{\\\"";
                for (name, field) in fields {
                    self.quoted.extend_from_slice(&before);
                    self.inside_quotes(name)?;
                    self.quoted.extend_from_slice(b"\\\":");
                    self.value(field, depth_left)?;
                    before = *b",\\\"";
                }
                if fields.is_empty() {
                    self.quoted.push(b'{');
                }
                self.quoted.push(b'}');
                Ok(())
            }
        }
    }

    /// Appends a piece that was written in advance.
    pub(crate) fn fragment(&mut self, fragment: &Fragment) -> Result<(), Refused> {
        self.take(fragment.bytes)?;
        self.quoted.extend_from_slice(&fragment.quoted);
        Ok(())
    }

    /// Subtracts bytes of plain text from the limit; fails if too few are left.
    fn take(&mut self, bytes: usize) -> Result<(), Refused> {
        self.left = self.left.checked_sub(bytes).ok_or(Refused::TooLong)?;
        Ok(())
    }

    /// Appends text that needs no escape.
    pub(crate) fn plain(&mut self, text: &str) -> Result<(), Refused> {
        self.take(text.len())?;
        self.quoted.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Appends a number; small whole numbers, the most frequent, come from a table.
    fn number(&mut self, number: &Number) -> Result<(), Refused> {
        match (number.as_u64(), number.as_i64()) {
            (Some(small @ 0..100), _) => {
                let (tens, units) = DIGITS[usize::try_from(small).unwrap_or_default()];
                self.take(if tens == b'0' { 1 } else { 2 })?;
                if tens != b'0' {
                    self.quoted.push(tens);
                }
                self.quoted.push(units);
                Ok(())
            }
            (Some(positive), _) => self.plain(itoa::Buffer::new().format(positive)),
            (None, Some(negative)) => self.plain(itoa::Buffer::new().format(negative)),
            (None, None) => self.plain(&number.to_string()),
        }
    }

    /// Appends a JSON string with its quotes.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Refused> {
        self.take(2)?;
        self.quoted.extend_from_slice(b"\\\"");
        self.inside_quotes(text)?;
        self.quoted.extend_from_slice(b"\\\"");
        Ok(())
    }

    /// Appends the inside of a JSON string, in one copy if no character needs an escape.
    fn inside_quotes(&mut self, text: &str) -> Result<(), Refused> {
        if has_escapes(text) {
            return self.escaped(text);
        }
        self.plain(text)
    }

    /// Appends a text that needs escapes. It becomes a string inside a string, so the backslash of each escape is
    /// itself escaped.
    fn escaped(&mut self, text: &str) -> Result<(), Refused> {
        self.take(text.len())?;
        let mut clean = 0;
        for (place, byte) in text.bytes().enumerate() {
            if !needs_escape(byte) {
                continue;
            }
            self.quoted
                .extend_from_slice(&text.as_bytes()[clean..place]);
            clean = place + 1;
            let letter = match byte {
                b'"' => "\\\\\\\"",
                b'\\' => "\\\\\\\\",
                b'\n' => "\\\\n",
                b'\r' => "\\\\r",
                b'\t' => "\\\\t",
                0x08 => "\\\\b",
                0x0C => "\\\\f",
                control => {
                    self.take(5)?;
                    let escape = format!("\\\\u{control:04x}");
                    self.quoted.extend_from_slice(escape.as_bytes());
                    continue;
                }
            };
            self.take(1)?;
            self.quoted.extend_from_slice(letter.as_bytes());
        }
        self.quoted.extend_from_slice(&text.as_bytes()[clean..]);
        Ok(())
    }
}

/// The tens digit and the units digit of each number below 100; most numbers are that small.
const DIGITS: [(u8, u8); 100] = {
    let mut digits = [(b'0', b'0'); 100];
    let mut number: u8 = 0;
    while number < 100 {
        digits[number as usize] = (b'0' + number / 10, b'0' + number % 10);
        number += 1;
    }
    digits
};
