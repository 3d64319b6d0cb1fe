//! The patterns of `StringMatches`.

/// A pattern in which `*` matches any number of characters and `\*` matches a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WildcardPattern {
    /// The texts before, between and after the stars.
    pieces: Vec<String>,
}

impl WildcardPattern {
    /// Parses a pattern; every text is a valid pattern.
    pub(crate) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (character, characters.peek()) {
                ('\\', Some(&next @ ('*' | '\\'))) => {
                    characters.next();
                    piece.push(next);
                }
                ('*', _) => pieces.push(std::mem::take(&mut piece)),
                _ => piece.push(character),
            }
        }
        pieces.push(piece);
        Self { pieces }
    }

    /// Returns `true` if the pattern matches the whole text; reads each character at most twice.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else {
            return false;
        };
        let Some((last, between)) = rest.split_last() else {
            return text == first;
        };
        let inside = text
            .strip_prefix(first.as_str())
            .and_then(|text| text.strip_suffix(last.as_str()));
        // If the pieces occur in this order at all, they do so at their first occurrences.
        let left = between.iter().try_fold(inside, |left, piece| {
            let (_, behind) = left?.split_once(piece.as_str())?;
            Some(Some(behind))
        });
        left.flatten().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_characters_and_an_escaped_one_itself() {
        for (text, pattern, expected) in [
            ("log-2.txt", "log-*.txt", true),
            ("log-.txt", "log-*.txt", true),
            ("log-2.csv", "log-*.txt", false),
            ("a*b", "a\\*b", true),
            ("axb", "a\\*b", false),
            ("a\\b", "a\\\\b", true),
            ("a\\xb", "a\\xb", true),
            ("a\\", "a\\", true),
            ("aXbXc", "*b*c", true),
            ("aXbXc", "a*c*b", false),
            ("abab", "*ab", true),
            ("xyx", "xy*yx", false),
            ("xyyx", "xy*yx", true),
            ("aaa", "a*a*a*a", false),
            ("éèé", "é*é", true),
            ("", "*", true),
            ("", "**", true),
            ("", "", true),
            ("abc", "", false),
            ("abc", "abc", true),
            ("abcd", "abc", false),
        ] {
            assert_eq!(
                WildcardPattern::parse(pattern).matches(text),
                expected,
                "{text} {pattern}"
            );
        }
    }

    #[test]
    fn a_pattern_of_many_stars_does_not_explode() {
        let text = "a".repeat(200_000);
        let pattern = format!("{}b", "a*".repeat(50_000));
        assert!(!WildcardPattern::parse(&pattern).matches(&text));
        assert!(WildcardPattern::parse(&"a*".repeat(50_000)).matches(&text));
    }
}
