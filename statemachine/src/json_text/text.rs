//! A JSON text that events share.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::json_text::writer::{DEEPEST, Refused, TextWriter};

/// A JSON text, such as a state's input; clones share its memory.
///
/// AWS shows data as text inside the JSON of an event. The engine writes a value directly in that quoted and escaped
/// form, and a history copies the form. The plain text is only computed when a caller reads it.
#[derive(Clone)]
pub struct JsonText(Arc<Forms>);

/// The quoted and the plain form of a text.
struct Forms {
    /// The text as a JSON string, with its quotes; always UTF-8.
    quoted: Vec<u8>,
    /// The length of the plain text, in bytes.
    bytes: usize,
    /// The plain text, unescaped when it is first read.
    text: OnceLock<String>,
}

impl JsonText {
    /// Creates the text of a value, which may have any length and depth.
    pub(crate) fn of(value: &Value) -> Self {
        Self::written(usize::MAX, None, |writer| writer.value(value, DEEPEST))
            .unwrap_or_else(|_| written(value).into())
    }

    /// Creates a text from what `write` writes; fails if a written value nests too deeply or the text becomes longer
    /// than `limit_bytes`.
    ///
    /// `given_up` is a text that the caller no longer needs. Its memory is reused unless the text has clones, because a
    /// state's output is usually about as long as its input.
    pub(crate) fn written(
        limit_bytes: usize,
        given_up: Option<Self>,
        write: impl FnOnce(&mut TextWriter<'_>) -> Result<(), Refused>,
    ) -> Result<Self, Refused> {
        let mut text = given_up.unwrap_or_else(Self::empty);
        if Arc::get_mut(&mut text.0).is_none() {
            text = Self::empty();
        }
        let forms = Arc::get_mut(&mut text.0).expect("no clone holds it, or it was just made");
        forms.text.take();
        forms.quoted.clear();
        let mut writer = TextWriter {
            quoted: &mut forms.quoted,
            left: limit_bytes,
        };
        writer.quoted.push(b'"');
        write(&mut writer)?;
        writer.quoted.push(b'"');
        forms.bytes = limit_bytes - writer.left;
        Ok(text)
    }

    /// Appends a field to the text of an object; fails if the field nests too deeply or the text becomes longer than
    /// `limit_bytes`.
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
        let forms = Arc::get_mut(&mut self.0).expect("no clone holds it, or it was just made");
        forms.text.take();
        let end = forms.quoted.strip_suffix(b"}\"").map(<[u8]>::len);
        forms
            .quoted
            .truncate(end.expect("it is the text of an object"));
        let is_first = forms.quoted.last() == Some(&b'{');
        let mut writer = TextWriter {
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

    /// Creates an empty text with some capacity, into which the caller writes.
    fn empty() -> Self {
        Self(Arc::new(Forms {
            quoted: Vec::with_capacity(128),
            bytes: 0,
            text: OnceLock::new(),
        }))
    }

    /// Returns the plain JSON text; unescapes it on the first call.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.text.get_or_init(|| unquoted(&self.0.quoted))
    }

    /// Returns the text as a JSON string, quoted and escaped.
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

/// Writes a value as compact JSON text, several times faster than the `Display` of [`Value`].
pub(crate) fn written(value: &Value) -> String {
    serde_json::to_string(value).expect("a value has only text as keys")
}

/// Returns the plain text of quoted JSON text, in which only `"` and `\` are escaped.
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
