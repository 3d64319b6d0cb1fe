//! Intrinsic functions on text.

use std::borrow::Cow;

use serde_json::Value;

use crate::intrinsics::argument_refusal::Refusal;
use crate::java::print_value::write_value;

/// The texts before, between and after the `{}` of a template, or the reason why the text is not a template.
pub(super) type Pieces = Result<Vec<String>, Refusal>;

/// Cuts a raw text at each `{}` and resolves its escapes; a single brace must be escaped.
pub(super) fn pieces(raw: &str) -> Pieces {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => piece.push(characters.next().unwrap_or(character)),
            '{' if characters.next_if_eq(&'}').is_some() => {
                pieces.push(std::mem::take(&mut piece));
            }
            '{' => return Err(Refusal::Template("matching '}' not found for '{'.")),
            '}' => return Err(Refusal::Template("matching '{' not found for '}'.")),
            other => piece.push(other),
        }
    }
    pieces.push(piece);
    Ok(pieces)
}

/// Resolves the escapes of a quoted text.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' {
            characters.next().unwrap_or(character)
        } else {
            character
        });
    }
    text
}

/// Evaluates `States.Format`; the number of arguments must equal the number of `{}`.
pub(super) fn format(
    template: &Value,
    pieces: Option<&Pieces>,
    arguments: &[Cow<'_, Value>],
) -> Result<Value, Refusal> {
    let template = text(template)?;
    let pieces: Cow<'_, [String]> = match pieces {
        Some(Ok(pieces)) => Cow::Borrowed(pieces),
        Some(Err(refusal)) => return Err(*refusal),
        None => Cow::Owned(self::pieces(template)?),
    };
    if pieces.len() != arguments.len() + 1 {
        return Err(Refusal::Places);
    }
    let mut result = String::with_capacity(pieces.iter().map(|piece| piece.len() + 16).sum());
    for (index, piece) in pieces.iter().enumerate() {
        result.push_str(piece);
        if let Some(argument) = arguments.get(index) {
            write_value(argument, &mut result);
        }
    }
    Ok(Value::String(result))
}

/// Evaluates `States.StringSplit`: splits at every character of the delimiter, and drops empty texts.
pub(super) fn split(subject: &Value, delimiter: &Value) -> Result<Value, Refusal> {
    let (subject, delimiter) = (text(subject)?, text(delimiter)?);
    Ok(subject
        .split(|character| delimiter.contains(character))
        .filter(|part| !part.is_empty())
        .map(|part| Value::String(part.to_owned()))
        .collect())
}

/// Returns an argument that must be a string.
pub(super) fn text(value: &Value) -> Result<&str, Refusal> {
    value.as_str().ok_or(Refusal::Arguments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::intrinsics::call::tests::evaluate;

    #[test]
    fn format_prints_as_java_does() {
        let input = json!({"o": {"a": 1, "b": [], "c": "x"}, "n": null, "f": 1.0, "big": 12_345_678.9, "small": 0.000_12});
        let format = |call: &str| evaluate(call, &input).unwrap();
        assert_eq!(
            format("States.Format('{} {}', $.o, $.n)"),
            json!("{a=1, b=[], c=x} null")
        );
        assert_eq!(
            format("States.Format('{} {} {}', $.f, $.big, $.small)"),
            json!("1.0 1.23456789E7 1.2E-4")
        );
        assert_eq!(
            format("States.Format('\\{\\} {} \\\\ \\'', 7)"),
            json!("{} 7 \\ '")
        );
        assert_eq!(
            format("States.Format('\\{\"a\": {}\\}', true)"),
            json!("{\"a\": true}")
        );
        for call in ["States.Format('{\"a\": {}}', true)", "States.Format('}')"] {
            assert!(evaluate(call, &input).is_err(), "{call}");
        }
    }

    #[test]
    fn format_needs_one_value_per_placeholder() {
        assert!(evaluate("States.Format('{}')", &json!(null)).is_err());
        assert!(evaluate("States.Format('x', 1)", &json!(null)).is_err());
        assert!(evaluate("States.Format($, 1)", &json!(1)).is_err());
        assert_eq!(
            evaluate("States.Format($, 1)", &json!("a{}")),
            Ok(json!("a1"))
        );
    }

    #[test]
    fn split_takes_each_character_and_drops_empty_parts() {
        assert_eq!(
            evaluate("States.StringSplit('a.b+c--d', '.+-')", &json!(null)),
            Ok(json!(["a", "b", "c", "d"]))
        );
        assert_eq!(
            evaluate("States.StringSplit(',', ',')", &json!(null)),
            Ok(json!([]))
        );
    }
}
