//! JSON text as events show it: made once, shared by every event that shows it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use crate::evaluation_budget::MAX_DEPTH;

/// A text of JSON, such as a state's input; clones share it.
///
/// AWS shows data as text inside the JSON of an event. The engine writes a value straight into that form, quoted and
/// escaped once, and a history copies it; the text itself is only made for who looks at it.
#[derive(Clone)]
pub struct JsonText(Arc<Forms>);

struct Forms {
    /// The text as a JSON string, with its quotes; always UTF-8.
    quoted: Vec<u8>,
    /// How many bytes the text itself has.
    bytes: usize,
    text: OnceLock<String>,
}

/// Why a value is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It nests deeper than JSON may.
    TooDeep,
    /// Its text is longer than allowed; how deep it nests is not known.
    TooLong,
}

impl JsonText {
    /// Writes a value that is known to be within all limits.
    pub(crate) fn of(value: &Value) -> Self {
        Self::written(usize::MAX, None, |writer| writer.value(value, DEEPEST))
            .unwrap_or_else(|_| written(value).into())
    }

    /// Writes a text, unless what it is made of nests too deeply or is longer than allowed.
    ///
    /// The memory of a text that is `given_up` is used again, unless somebody else holds it: the text of a state's
    /// output is about as long as that of its input.
    pub(crate) fn written(
        limit_bytes: usize,
        given_up: Option<Self>,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>,
    ) -> Result<Self, Refused> {
        let mut text = given_up.unwrap_or_else(Self::empty);
        if Arc::get_mut(&mut text.0).is_none() {
            text = Self::empty();
        }
        let forms = Arc::get_mut(&mut text.0).expect("nobody holds it, or it has just been made");
        forms.text.take();
        forms.quoted.clear();
        let mut writer = Writer {
            quoted: &mut forms.quoted,
            left: limit_bytes,
        };
        writer.quoted.push(b'"');
        write(&mut writer)?;
        writer.quoted.push(b'"');
        forms.bytes = limit_bytes - writer.left;
        Ok(text)
    }

    /// Appends a field to the text of an object, unless it nests too deeply or makes the text longer than allowed.
    pub(crate) fn with_field(
        mut self,
        limit_bytes: usize,
        name: &str,
        value: &Value,
    ) -> Result<Self, Refused> {
        if Arc::get_mut(&mut self.0).is_none() {
            let mut own = Self::empty();
            if let Some(forms) = Arc::get_mut(&mut own.0) {
                forms.quoted.extend_from_slice(&self.0.quoted);
                forms.bytes = self.0.bytes;
            }
            self = own;
        }
        let forms = Arc::get_mut(&mut self.0).expect("nobody holds it, or it has just been made");
        forms.text.take();
        let end = forms.quoted.strip_suffix(b"}\"").map(<[u8]>::len);
        forms
            .quoted
            .truncate(end.expect("it is the text of an object"));
        let is_first = forms.quoted.last() == Some(&b'{');
        let mut writer = Writer {
            quoted: &mut forms.quoted,
            left: limit_bytes
                .checked_sub(forms.bytes)
                .ok_or(Refused::TooLong)?,
        };
        writer.plain(if is_first { "" } else { "," })?;
        writer.text(name)?;
        writer.plain(":")?;
        writer.value(value, DEEPEST - 1)?;
        writer.quoted.extend_from_slice(b"}\"");
        forms.bytes = limit_bytes - writer.left;
        Ok(self)
    }

    fn empty() -> Self {
        Self(Arc::new(Forms {
            quoted: Vec::with_capacity(128),
            bytes: 0,
            text: OnceLock::new(),
        }))
    }

    /// Gives the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.text.get_or_init(|| unquoted(&self.0.quoted))
    }

    /// Gives the text as a JSON string, quoted and escaped.
    pub(crate) fn quoted(&self) -> &[u8] {
        &self.0.quoted
    }
}

impl From<String> for JsonText {
    fn from(text: String) -> Self {
        let quoted = serde_json::to_vec(&text).expect("a text is JSON");
        Self(Arc::new(Forms {
            quoted,
            bytes: text.len(),
            text: OnceLock::from(text),
        }))
    }
}

impl From<&str> for JsonText {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Deref for JsonText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl fmt::Debug for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// Writes a value as compact JSON text; several times faster than its `Display`.
pub(crate) fn written(value: &Value) -> String {
    serde_json::to_string(value).expect("a value has only text as keys")
}

/// Undoes what quoting did to JSON text, in which nothing but `"` and `\` needs an escape.
fn unquoted(quoted: &[u8]) -> String {
    let quoted = std::str::from_utf8(quoted).expect("only texts have been written");
    let mut rest = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    let mut text = String::with_capacity(rest.len());
    while let Some(place) = rest.find('\\') {
        text.push_str(&rest[..place]);
        rest = &rest[place + 1..];
        let escaped = rest.chars().next().map_or(0, char::len_utf8);
        text.push_str(&rest[..escaped]);
        rest = &rest[escaped..];
    }
    text.push_str(rest);
    text
}

/// How deep a whole value may nest.
pub(crate) const DEEPEST: usize = MAX_DEPTH - 1;

/// A piece of text that is written ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fragment {
    quoted: Vec<u8>,
    /// How many bytes of the text itself it stands for.
    bytes: usize,
}

impl Fragment {
    /// Appends to the piece.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>) {
        let mut writer = Writer {
            quoted: &mut self.quoted,
            left: usize::MAX,
        };
        write(&mut writer).expect("nothing is too long, and nobody has set how deep it may be");
        self.bytes += usize::MAX - writer.left;
    }
}

/// Writes compact text as it stands inside a JSON string.
pub(crate) struct Writer<'a> {
    quoted: &'a mut Vec<u8>,
    /// How many bytes more the text itself may have.
    left: usize,
}

impl Writer<'_> {
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

    /// Writes what has been written ahead.
    pub(crate) fn fragment(&mut self, fragment: &Fragment) -> Result<(), Refused> {
        self.take(fragment.bytes)?;
        self.quoted.extend_from_slice(&fragment.quoted);
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<(), Refused> {
        self.left = self.left.checked_sub(bytes).ok_or(Refused::TooLong)?;
        Ok(())
    }

    /// Writes what needs no escape.
    pub(crate) fn plain(&mut self, text: &str) -> Result<(), Refused> {
        self.take(text.len())?;
        self.quoted.extend_from_slice(text.as_bytes());
        Ok(())
    }

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

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Refused> {
        self.take(2)?;
        self.quoted.extend_from_slice(b"\\\"");
        self.inside_quotes(text)?;
        self.quoted.extend_from_slice(b"\\\"");
        Ok(())
    }

    fn inside_quotes(&mut self, text: &str) -> Result<(), Refused> {
        if has_escapes(text) {
            return self.escaped(text);
        }
        self.plain(text)
    }

    /// Writes a text with escapes, each of whose own characters is escaped once more.
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

/// The digits of the numbers below a hundred, tens and units: most numbers are small.
const DIGITS: [(u8, u8); 100] = {
    let mut digits = [(b'0', b'0'); 100];
    let mut number: u8 = 0;
    while number < 100 {
        digits[number as usize] = (b'0' + number / 10, b'0' + number % 10);
        number += 1;
    }
    digits
};

/// Tells whether a text has a character that JSON escapes; looks at eight bytes at once.
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

/// Tells the same of eight bytes: of each of them, whether it is below a space, a quote or a backslash, as its top bit.
fn word_has_escapes(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let below = |word: u64, limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word;
    let equal = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    (below(word, b' ') | equal(b'"') | equal(b'\\')) & (EACH << 7) != 0
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

#[cfg(test)]
mod tests;
