//! JSON literals in filters. Strings inside a literal may have single quotes, double quotes or no quotes.

use serde_json::{Map, Number, Value};

use crate::error::Error;
use crate::jsonpath::character_cursor::{CharacterCursor, unescape};
use crate::jsonpath::syntax_tree::MAX_NESTING;

/// Parses an array or object literal.
pub(super) fn parse(characters: &[char]) -> Result<Value, Error> {
    let mut parser = LiteralParser {
        cursor: CharacterCursor::new(characters),
    };
    let value = parser.read(0)?;
    parser.skip_blanks();
    if parser.cursor.in_bounds() {
        return Err(parser.unexpected("no text after the closing bracket"));
    }
    Ok(value)
}

/// Parses a number as Java's `BigDecimal` does; `None` if the text is not a number or JSON cannot hold the number.
pub(super) fn number(text: &str) -> Option<Number> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !body.starts_with(|character: char| character.is_ascii_digit() || character == '.') {
        return None;
    }
    if body.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(integer) = text.parse::<i64>()
    {
        return Some(integer.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

/// A parser of an array or object literal in a filter.
struct LiteralParser<'a> {
    /// The position in the literal's characters.
    cursor: CharacterCursor<'a>,
}

impl LiteralParser<'_> {
    /// Moves past white space of any kind, unlike the cursor's own skip.
    fn skip_blanks(&mut self) {
        while self.cursor.current().is_some_and(char::is_whitespace) {
            self.cursor.position += 1;
        }
    }

    /// Builds the error for an unexpected character, or for the end of the literal, at the position.
    fn unexpected(&self, expected: &str) -> Error {
        match self.cursor.current() {
            Some(got) => Error::invalid_expression(format!(
                "expected {expected} in an array or object of a filter, got `{got}`"
            )),
            None => Error::invalid_expression(format!(
                "expected {expected} in an array or object of a filter, got its end"
            )),
        }
    }

    /// Reads a value of any type; `depth` is the number of arrays and objects around it.
    fn read(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MAX_NESTING {
            return Err(Error::invalid_expression(format!(
                "an array or object of a filter nests deeper than {MAX_NESTING} levels"
            )));
        }
        self.skip_blanks();
        match self.cursor.current() {
            Some('[') => self.read_array(depth),
            Some('{') => self.read_object(depth),
            Some('\'' | '"') => self.read_text().map(Value::String),
            Some(_) => self.read_bare(),
            None => Err(self.unexpected("a value")),
        }
    }

    /// Reads an array; repeated and trailing commas are ignored.
    fn read_array(&mut self, depth: usize) -> Result<Value, Error> {
        self.cursor.position += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            match self.cursor.current() {
                Some(']') => {
                    self.cursor.position += 1;
                    return Ok(Value::Array(items));
                }
                Some(',') => self.cursor.position += 1,
                Some(_) => items.push(self.read(depth + 1)?),
                None => return Err(self.unexpected("`]`")),
            }
        }
    }

    /// Reads an object; repeated and trailing commas are ignored.
    fn read_object(&mut self, depth: usize) -> Result<Value, Error> {
        self.cursor.position += 1;
        let mut fields = Map::new();
        loop {
            self.skip_blanks();
            match self.cursor.current() {
                Some('}') => {
                    self.cursor.position += 1;
                    return Ok(Value::Object(fields));
                }
                Some(',') => self.cursor.position += 1,
                Some(_) => {
                    let name = match self.read(depth + 1)? {
                        Value::String(name) => name,
                        other => other.to_string(),
                    };
                    self.skip_blanks();
                    if !self.cursor.is_at(':') {
                        return Err(self.unexpected("`:`"));
                    }
                    self.cursor.position += 1;
                    fields.insert(name, self.read(depth + 1)?);
                }
                None => return Err(self.unexpected("`}`")),
            }
        }
    }

    /// Reads a text in the quotes at the position.
    fn read_text(&mut self) -> Result<String, Error> {
        let start = self.cursor.position;
        let quote = self.cursor.current().unwrap_or('"');
        let end = self.cursor.find_unescaped(start, quote).ok_or_else(|| {
            Error::invalid_expression(format!(
                "the text `{}` has no closing `{quote}`",
                self.cursor.text(start, self.cursor.len())
            ))
        })?;
        self.cursor.position = end + 1;
        unescape(self.cursor.slice(start + 1, end))
    }

    /// Reads a keyword, a number or an unquoted text up to the next separator.
    fn read_bare(&mut self) -> Result<Value, Error> {
        let start = self.cursor.position;
        while self
            .cursor
            .current()
            .is_some_and(|character| !matches!(character, ',' | ':' | '[' | ']' | '{' | '}'))
        {
            self.cursor.position += 1;
        }
        if start == self.cursor.position {
            return Err(self.unexpected("a value"));
        }
        let text = self.cursor.text(start, self.cursor.position);
        Ok(match text.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            word => number(word).map_or_else(|| Value::String(word.to_owned()), Value::Number),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Value {
        parse(&text.chars().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn quotes_of_either_kind_or_none_are_read() {
        assert_eq!(
            parsed("['a', \"b\", c, 1, 2.5, null, true]"),
            json!(["a", "b", "c", 1, 2.5, null, true])
        );
        assert_eq!(parsed("{'a': [1], b: {}}"), json!({"a": [1], "b": {}}));
    }

    #[test]
    fn numbers_are_what_java_reads() {
        assert_eq!(number("010"), Some(10.into()));
        assert_eq!(number(".5"), Number::from_f64(0.5));
        for text in ["", "-", "inf", "nan", "1e", "--1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
