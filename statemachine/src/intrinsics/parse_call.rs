//! The parser of intrinsic function calls.

use serde_json::{Number, Value};

use crate::error::Error;
use crate::intrinsics::call::{Call, CallArgument};
use crate::intrinsics::function_table::FUNCTIONS;
use crate::intrinsics::text_functions;
use crate::jsonpath::Query;

/// The longest text of a call, in bytes. AWS allows 10,000 characters per argument, and a call may have several.
const MAX_TEXT_BYTES: usize = 256 << 10;

/// The depth to which calls may nest, by AWS's documentation.
const MAX_NESTING: usize = 10;

impl Call {
    /// Parses a call such as `States.Format('{}', $.name)`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`](crate::ErrorKind::InvalidExpression) if the text is not a call of a known
    /// function with the right number of arguments.
    pub fn parse(source: &str) -> Result<Self, Error> {
        if source.len() > MAX_TEXT_BYTES {
            return Err(Error::invalid_expression(format!(
                "the call of an intrinsic function has {} bytes, expected at most {MAX_TEXT_BYTES}",
                source.len()
            )));
        }
        let mut parser = CallParser {
            source,
            position: 0,
        };
        parser.skip_blanks();
        let call = parser.read_call(1)?;
        parser.skip_blanks();
        match parser.rest().chars().next() {
            None => Ok(call),
            Some(got) => Err(Error::invalid_expression(format!(
                "expected no text after the call, got `{got}` at position {}",
                parser.position + 1
            ))),
        }
    }
}

/// A parser of a call's text.
struct CallParser<'a> {
    /// The whole text of the outermost call.
    source: &'a str,
    /// The byte offset of the next character.
    position: usize,
}

impl<'a> CallParser<'a> {
    /// Returns the text that is not read yet.
    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }

    /// Moves past white space.
    fn skip_blanks(&mut self) {
        self.position = self.source.len() - self.rest().trim_start().len();
    }

    /// Moves past white space, then past `character` if that comes next. Returns `true` if `character` came next.
    fn eat(&mut self, character: char) -> bool {
        self.skip_blanks();
        let eaten = self.rest().starts_with(character);
        self.position += if eaten { character.len_utf8() } else { 0 };
        eaten
    }

    /// Builds the error for an unexpected character, or for the end of the text, at the position.
    fn unexpected(&self, expected: &str) -> Error {
        match self.rest().chars().next() {
            Some(got) => Error::invalid_expression(format!(
                "expected {expected}, got `{got}` at position {}",
                self.position + 1
            )),
            None => {
                Error::invalid_expression(format!("expected {expected}, got the end of the call"))
            }
        }
    }

    /// Reads a call with its arguments, checks their number and computes the value if it is constant.
    fn read_call(&mut self, nesting: usize) -> Result<Call, Error> {
        if nesting > MAX_NESTING {
            return Err(Error::invalid_expression(format!(
                "calls of intrinsic functions nest deeper than {MAX_NESTING} levels"
            )));
        }
        let start = self.position;
        let name = self.read_word();
        let signature = FUNCTIONS
            .iter()
            .find(|signature| signature.name == name)
            .ok_or_else(|| {
                Error::invalid_expression(format!(
                    "`{}` is not an intrinsic function",
                    name.chars().take(80).collect::<String>()
                ))
            })?;
        if !self.eat('(') {
            return Err(self.unexpected("`(`"));
        }
        let mut arguments = Vec::new();
        if !self.eat(')') {
            loop {
                arguments.push(self.read_argument(nesting)?);
                if self.eat(')') {
                    break;
                }
                if !self.eat(',') {
                    return Err(self.unexpected("`,` or `)`"));
                }
            }
        }
        if !signature.arguments.contains(&arguments.len()) {
            let (least, most) = (signature.arguments.start(), signature.arguments.end());
            let expected = match (*least, *most) {
                (least, most) if least == most => least.to_string(),
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) => format!("{least} to {most}"),
            };
            return Err(Error::invalid_expression(format!(
                "wrong number of arguments for `{name}`: expected {expected}, got {}",
                arguments.len()
            )));
        }
        let mut call = Call {
            text: self.source[start..self.position].to_owned(),
            signature,
            arguments,
            constant: None,
        };
        call.fold();
        Ok(call)
    }

    /// Reads letters, digits, `.` and `_`: a function's name or a keyword.
    fn read_word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|character: char| {
                !character.is_ascii_alphanumeric() && !matches!(character, '.' | '_')
            })
            .unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    /// Reads one argument: a text, a path, a number, a call or a keyword.
    fn read_argument(&mut self, nesting: usize) -> Result<CallArgument, Error> {
        self.skip_blanks();
        match self.rest().chars().next() {
            Some('\'') => self.read_text(),
            Some('$') => self.read_path(),
            Some('-' | '0'..='9') => self.read_number(),
            Some('S') => Ok(CallArgument::Call(self.read_call(nesting + 1)?)),
            _ => {
                let start = self.position;
                let value = match self.read_word() {
                    "null" => Value::Null,
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => {
                        self.position = start;
                        return Err(self.unexpected(
                            "a path, a call, a text in single quotes, a number, `true`, `false` or `null`",
                        ));
                    }
                };
                Ok(CallArgument::Literal(value))
            }
        }
    }

    /// Reads a text in single quotes. Only `'`, `\`, `{` and `}` may be escaped by a backslash.
    fn read_text(&mut self) -> Result<CallArgument, Error> {
        self.position += 1;
        let rest = self.rest();
        let mut raw = String::new();
        let mut characters = rest.char_indices();
        while let Some((place, character)) = characters.next() {
            match character {
                '\'' => {
                    self.position += place + 1;
                    let pieces = text_functions::pieces(&raw);
                    return Ok(CallArgument::Text {
                        value: Value::String(text_functions::unescape(&raw)),
                        pieces,
                    });
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('\'' | '\\' | '{' | '}'))) => raw.extend(['\\', escaped]),
                    Some((_, other)) => {
                        return Err(Error::invalid_expression(format!(
                            "`\\{other}` is not a valid escape, expected `\\'`, `\\\\`, `\\{{` or `\\}}`"
                        )));
                    }
                    None => break,
                },
                other => raw.push(other),
            }
        }
        Err(Error::invalid_expression(format!(
            "the text that starts at position {} has no closing `'`",
            self.position
        )))
    }

    /// Reads a number in the syntax of JSON.
    fn read_number(&mut self) -> Result<CallArgument, Error> {
        let rest = self.rest();
        let end = rest
            .find(|character: char| {
                !character.is_ascii_digit() && !matches!(character, '-' | '+' | '.' | 'e' | 'E')
            })
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let number: Number = serde_json::from_str(word).map_err(|_no_json| {
            Error::invalid_expression(format!("`{word}` is not a valid number"))
        })?;
        self.position += end;
        Ok(CallArgument::Literal(Value::Number(number)))
    }

    /// Reads a path up to the first `,` or `)` outside its brackets and quotes.
    fn read_path(&mut self) -> Result<CallArgument, Error> {
        let rest = self.rest();
        let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
        let mut end = rest.len();
        for (place, character) in rest.char_indices() {
            match (character, quote) {
                _ if escaped => escaped = false,
                ('\\', _) => escaped = true,
                (character, Some(open)) if character == open => quote = None,
                ('\'' | '"', None) if depth > 0 => quote = Some(character),
                ('[' | '(', None) => depth += 1,
                (',' | ')', None) if depth == 0 => {
                    end = place;
                    break;
                }
                (']' | ')', None) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let path = rest[..end].trim_end();
        self.position += end;
        Query::parse(path).map(CallArgument::Path).map_err(|error| {
            Error::invalid_expression(format!("`{path}` is not a valid path: {error:#}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn text_that_is_not_a_call_is_rejected() {
        let nested = "States.Array(".repeat(11) + &")".repeat(11);
        for source in [
            "",
            "States",
            "States.Nothing()",
            "States.UUID",
            "States.UUID(",
            "States.UUID() x",
            "States.UUID(1)",
            "States.Array(,)",
            "States.Array(1,)",
            "States.Array('a)",
            "States.Array('\\q')",
            "States.Array(\"a\")",
            "States.Array(01)",
            "States.Array($.a[)",
            "States.Format()",
            "States.JsonMerge($.a, $.b)",
            nested.as_str(),
        ] {
            assert_eq!(
                Call::parse(source).unwrap_err().kind(),
                ErrorKind::InvalidExpression,
                "{source}"
            );
        }
        assert!(Call::parse(&"States.Array(".repeat(10_000)).is_err());
    }

    #[test]
    fn a_path_may_hold_commas_and_brackets() {
        for source in [
            "States.Array($.items[?(@.a == 'x,)y')].b, 1)",
            "States.Format('{}_{}',$$.Execution.Name,$['test-batch']['batch_id'])",
            "States.ArrayContains($.results[*].previews[0].requiresAction, true)",
            "States.StringToJson('{\"a\": \"false\"}')",
            " States.MathAdd( $.a , -1 ) ",
        ] {
            Call::parse(source).unwrap();
        }
    }
}
