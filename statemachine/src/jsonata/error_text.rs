//! The texts of errors, in the words of JSONata's reference implementation, which AWS shows to the user.

use jsonata_core::evaluator::EvaluatorError;
use jsonata_core::parser::ParserError;

use crate::error::{Error, ErrorKind};

/// The parser's name of each token, with the token as written in an expression.
const TOKENS: &[(&str, &str)] = &[
    ("True", "true"),
    ("False", "false"),
    ("Null", "null"),
    ("Undefined", "undefined"),
    ("Plus", "+"),
    ("Minus", "-"),
    ("Star", "*"),
    ("StarStar", "**"),
    ("Slash", "/"),
    ("Percent", "%"),
    ("Equal", "="),
    ("NotEqual", "!="),
    ("LessThan", "<"),
    ("LessThanOrEqual", "<="),
    ("GreaterThan", ">"),
    ("GreaterThanOrEqual", ">="),
    ("And", "and"),
    ("Or", "or"),
    ("In", "in"),
    ("Ampersand", "&"),
    ("Dot", "."),
    ("DotDot", ".."),
    ("Question", "?"),
    ("QuestionQuestion", "??"),
    ("QuestionColon", "?:"),
    ("Colon", ":"),
    ("ColonEqual", ":="),
    ("TildeArrow", "~>"),
    ("LeftParen", "("),
    ("RightParen", ")"),
    ("LeftBracket", "["),
    ("RightBracket", "]"),
    ("LeftBrace", "{"),
    ("RightBrace", "}"),
    ("Comma", ","),
    ("Semicolon", ";"),
    ("Caret", "^"),
    ("Pipe", "|"),
    ("Hash", "#"),
    ("At", "@"),
];

/// Returns the text of a parser's error, without its code and with tokens as written.
pub(super) fn parser_message(error: &ParserError, text: &str) -> String {
    if matches!(error, ParserError::UnclosedString) && closes_its_quotes(text) {
        // The parser has the same error for unclosed texts and patterns.
        return "No terminating / in regular expression".to_owned();
    }
    let message = error.to_string();
    let message = message.strip_prefix("Invalid syntax: ").unwrap_or(&message);
    let message = jsonata_core::evaluator::error_code_prefix(message)
        .and_then(|code| message.strip_prefix(code))
        .map_or(message, |rest| rest.trim_start_matches([':', ' ']));
    with_tokens_as_written(message)
}

/// Returns `true` if every quoted text in the expression has a closing quote.
fn closes_its_quotes(text: &str) -> bool {
    let (mut open, mut escaped) = (None, false);
    for character in text.chars() {
        match (open, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(quote), _) if quote == character => open = None,
            (None, '"' | '\'') => open = Some(character),
            _ => {}
        }
    }
    open.is_none()
}

/// Replaces the parser's names of tokens by the tokens themselves, quoted.
fn with_tokens_as_written(message: &str) -> String {
    let mut words: Vec<String> = message.split(' ').map(str::to_owned).collect();
    // `Identifier("a b")` is one token of several words.
    if let Some(start) = message
        .find("Identifier(\"")
        .or_else(|| message.find("Variable(\""))
    {
        let head = &message[..start];
        let (_, token) = message[start..].split_once('(').unwrap_or(("", ""));
        if let Some(token) = token.strip_suffix(')') {
            return format!("{}{token}", with_tokens_as_written(head));
        }
    }
    for word in &mut words {
        let (name, rest) = match word.strip_suffix(',') {
            Some(name) => (name, ","),
            None => (word.as_str(), ""),
        };
        if let Some((_, written)) = TOKENS.iter().find(|(known, _)| *known == name) {
            *word = format!("\"{written}\"{rest}");
        }
    }
    words.join(" ")
}

/// Returns the text of an evaluator's error with its code, in the reference implementation's words.
pub(super) fn evaluator_message(error: &EvaluatorError) -> String {
    let message = error.message();
    let Some(code) = error.code() else {
        return message.to_owned();
    };
    match code {
        "T1006" => "T1006: Attempted to invoke a non-function".to_owned(),
        "T2003" => {
            "T2003: The left side of the range operator (..) must evaluate to an integer".to_owned()
        }
        "T2004" => "T2004: The right side of the range operator (..) must evaluate to an integer"
            .to_owned(),
        "T2001" | "T2002" => quote_between(message, " of the ", " operator"),
        "T0410" | "T0411" => quote_between(message, " of function ", " does not match"),
        "D3030" => match message.split('\'').nth(1) {
            Some(value) => format!("D3030: Unable to cast value to a number: \"{value}\""),
            None => "D3030: Unable to cast value to a number".to_owned(),
        },
        _ => message.to_owned(),
    }
}

/// Puts quotes around the word between two parts of a message, unless it has quotes.
fn quote_between(message: &str, before: &str, after: &str) -> String {
    match message
        .split_once(before)
        .and_then(|(head, rest)| Some((head, rest.split_once(after)?)))
    {
        Some((head, (word, tail))) if !word.starts_with('"') => {
            format!(
                "{head}{before}\"{}\"{after}{tail}",
                word.trim_start_matches('$')
            )
        }
        _ => message.to_owned(),
    }
}

/// Returns `true` if a message begins with a code such as `T1006: `.
fn has_code(message: &str) -> bool {
    message.split_once(": ").is_some_and(|(code, _)| {
        code.len() == 5
            && code.starts_with(|letter: char| letter.is_ascii_uppercase())
            && code[1..].bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// Returns the error as AWS words it in a state's cause, with the expression and its field.
pub(super) fn in_field(error: &Error, field: &str, expression: &str) -> Error {
    let prefix = format!("The JSONata expression '{expression}' specified for the field '{field}'");
    let message = match error.kind() {
        ErrorKind::MissingValue => format!("{prefix} returned nothing (undefined)."),
        ErrorKind::UnsupportedResult => format!("{prefix} returned an unsupported result type."),
        ErrorKind::InvalidExpression | ErrorKind::UnsupportedExpression => error.to_string(),
        _ => {
            let message = error.to_string();
            // Measured: a message with a code is a separate sentence.
            let separator = if has_code(&message) { ". " } else { ": " };
            format!("{prefix} threw an error during evaluation{separator}{message}")
        }
    };
    Error::new(error.kind(), message).in_field(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_and_functions_are_quoted() {
        let of = |message: &str| evaluator_message(&EvaluatorError::TypeError(message.to_owned()));
        assert_eq!(
            of("T2001: The left side of the + operator must evaluate to a number"),
            "T2001: The left side of the \"+\" operator must evaluate to a number"
        );
        assert_eq!(
            of("T0410: Argument 1 of function length does not match function signature"),
            "T0410: Argument 1 of function \"length\" does not match function signature"
        );
        assert_eq!(of("D3137: own words"), "D3137: own words");
    }

    #[test]
    fn tokens_are_quoted_as_they_are_written() {
        assert_eq!(
            with_tokens_as_written("Expected RightBracket, got Colon"),
            "Expected \"]\", got \":\""
        );
        assert_eq!(
            with_tokens_as_written("Syntax error: Identifier(\"a b\")"),
            "Syntax error: \"a b\""
        );
    }
}
