//! Escapes control characters in text that messages and tables quote from files.

use std::borrow::Cow;

/// Escapes control characters, which a terminal would obey instead of showing; line ends and tabs stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_shown = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive(['\n', '\t']);
    let escaped = lines.map(|line| match line.strip_suffix(['\n', '\t']) {
        Some(inner) => in_line(inner) + &line[inner.len()..],
        None => in_line(line),
    });
    Cow::Owned(escaped.collect())
}

/// Escapes every control character, line ends included, for text that is quoted within a line.
#[must_use]
pub fn in_line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(character.escape_debug());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_instead_of_obeyed() {
        assert_eq!(printable("é\tx\ny"), "é\tx\ny");
        assert_eq!(
            printable("\u{1b}[2J\0\r\u{7f}\u{9b}1m"),
            "\\u{1b}[2J\\0\\r\\u{7f}\\u{9b}1m"
        );
    }
}
