//! Quotes arguments of commands that a user is told to run.

use std::borrow::Cow;

/// Returns text as one word of a POSIX shell: unchanged if no character has a meaning to the shell, otherwise in single
/// quotes.
#[must_use]
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain =
        |character: char| character.is_alphanumeric() || "-_./:=@%+,".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_a_shell_would_change_are_quoted() {
        assert_eq!(shell_word("./sales-output"), "./sales-output");
        assert_eq!(shell_word("../my jobs/sales"), "'../my jobs/sales'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
