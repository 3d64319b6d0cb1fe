//! Intrinsic functions for Base64 and hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::digest::digest;
use crate::intrinsics::argument_refusal::Refusal;
use crate::intrinsics::text_functions::text;

/// The most characters that Base64 and hash functions accept.
const MAX_CHARACTERS: usize = 10_000;

/// Evaluates `States.Base64Encode`, over the text's UTF-8.
pub(super) fn base64_encode(value: &Value) -> Result<Value, Refusal> {
    Ok(Value::String(STANDARD.encode(short_text(value)?)))
}

/// Evaluates `States.Base64Decode`; bytes that are not UTF-8 become replacement characters.
pub(super) fn base64_decode(value: &Value) -> Result<Value, Refusal> {
    let bytes = STANDARD
        .decode(short_text(value)?)
        .map_err(|_no_base64| Refusal::Arguments)?;
    Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Evaluates `States.Hash`; a value that is not a text is hashed as its JSON text.
pub(super) fn hash(data: &Value, algorithm: &Value) -> Result<Value, Refusal> {
    let written;
    let data = match data {
        Value::String(_) => short_text(data)?,
        other => {
            written = Value::String(other.to_string());
            short_text(&written)?
        }
    };
    let algorithm = text(algorithm)?;
    digest(algorithm, data.as_bytes())
        .map(Value::String)
        .ok_or(Refusal::Arguments)
}

/// Returns an argument that must be a text of at most [`MAX_CHARACTERS`].
fn short_text(value: &Value) -> Result<&str, Refusal> {
    let text = text(value)?;
    if text.len() > MAX_CHARACTERS && text.chars().nth(MAX_CHARACTERS).is_some() {
        return Err(Refusal::Arguments);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::intrinsics::call::tests::evaluate;

    #[test]
    fn base64_encodes_and_decodes() {
        assert_eq!(
            evaluate("States.Base64Encode('Hello World')", &json!(null)),
            Ok(json!("SGVsbG8gV29ybGQ="))
        );
        assert_eq!(
            evaluate("States.Base64Decode('SGVsbG8gV29ybGQ=')", &json!(null)),
            Ok(json!("Hello World"))
        );
        assert!(evaluate("States.Base64Decode('?')", &json!(null)).is_err());
    }

    #[test]
    fn texts_are_limited_to_ten_thousand_characters() {
        assert!(evaluate("States.Hash($, 'MD5')", &json!("ä".repeat(10_000))).is_ok());
        assert!(evaluate("States.Hash($, 'MD5')", &json!("a".repeat(10_001))).is_err());
        assert!(evaluate("States.Hash('a', 'MD4')", &json!(null)).is_err());
    }
}
