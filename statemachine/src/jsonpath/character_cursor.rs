//! A cursor on the characters of a path, with the look-ahead that its syntax needs.

use crate::error::Error;

/// A cursor: the characters of a path, and a position among them.
///
/// Blanks are spaces only: tabs and line ends are ordinary characters to Jayway's parser.
#[derive(Debug, Clone, Copy)]
pub(super) struct CharacterCursor<'a> {
    /// The characters of the whole path; Jayway counts positions in characters.
    characters: &'a [char],
    /// The index of the current character; it may be past the end.
    pub(super) position: usize,
}

impl<'a> CharacterCursor<'a> {
    /// Creates a cursor at the first character.
    pub(super) fn new(characters: &'a [char]) -> Self {
        Self {
            characters,
            position: 0,
        }
    }

    /// Returns the number of all characters, including those before the position.
    pub(super) fn len(&self) -> usize {
        self.characters.len()
    }

    /// Returns the character at an index; `None` past the end.
    pub(super) fn at(&self, index: usize) -> Option<char> {
        self.characters.get(index).copied()
    }

    /// Returns the character at the position; `None` at the end.
    pub(super) fn current(&self) -> Option<char> {
        self.at(self.position)
    }

    /// Returns `true` if the character at the position is `character`.
    pub(super) fn is_at(&self, character: char) -> bool {
        self.current() == Some(character)
    }

    /// Returns `true` if a character is left.
    pub(super) fn in_bounds(&self) -> bool {
        self.position < self.characters.len()
    }

    /// Returns `true` if at most one character is left, which Jayway ignores.
    pub(super) fn is_tail(&self) -> bool {
        self.position + 1 >= self.characters.len()
    }

    /// Returns the characters from the index `from` up to `to` (excluded), cut at the end of the path.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a [char] {
        let to = to.min(self.characters.len());
        &self.characters[from.min(to)..to]
    }

    /// Returns the characters from the index `from` up to `to` (excluded) as text.
    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.slice(from, to).iter().collect()
    }

    /// Returns the text from the index `from` to the end, in backticks for a message. If nothing is left, names the end
    /// of the `whole`, which is the path or a part of it.
    pub(super) fn rest_or_end(&self, from: usize, whole: &str) -> String {
        match self.text(from, self.len()) {
            rest if rest.is_empty() => format!("the end of the {whole}"),
            rest => format!("`{rest}`"),
        }
    }

    /// Moves past spaces, but never past the last character.
    pub(super) fn skip_blanks(&mut self) -> &mut Self {
        while self.is_at(' ') && self.position + 1 < self.characters.len() {
            self.position += 1;
        }
        self
    }

    /// Returns the first character after `index` that is not a blank, with its index.
    pub(super) fn significant_after(&self, index: usize) -> Option<(usize, char)> {
        (index + 1..self.characters.len())
            .map(|place| (place, self.characters[place]))
            .find(|(_, character)| *character != ' ')
    }

    /// Returns the last character before the position that is not a blank, with its index.
    pub(super) fn significant_before(&self) -> Option<(usize, char)> {
        (0..self.position.min(self.characters.len()))
            .rev()
            .map(|place| (place, self.characters[place]))
            .find(|(_, character)| *character != ' ')
    }

    /// Returns the index of the first `character` at or after the index `from`.
    pub(super) fn find(&self, from: usize, character: char) -> Option<usize> {
        (from..self.characters.len()).find(|place| self.characters[*place] == character)
    }

    /// Returns the index of the first unescaped `character` after `index`.
    pub(super) fn find_unescaped(&self, index: usize, character: char) -> Option<usize> {
        let mut escaped = false;
        for place in index + 1..self.characters.len() {
            let current = self.characters[place];
            if escaped {
                escaped = false;
            } else if current == '\\' {
                escaped = true;
            } else if current == character {
                return Some(place);
            }
        }
        None
    }

    /// Returns the index of the bracket that closes the one at `index`; skips quoted text and, if `patterns` is set,
    /// `/patterns/`.
    pub(super) fn find_closing(
        &self,
        index: usize,
        open: char,
        close: char,
        patterns: bool,
    ) -> Result<usize, Error> {
        let mut opened = 1_usize;
        let mut place = index + 1;
        while let Some(mut character) = self.at(place) {
            if matches!(character, '\'' | '"') {
                place = self.find_unescaped(place, character).ok_or_else(|| {
                    Error::invalid_expression(format!(
                        "the text `{}` has no closing `{character}`",
                        self.text(place, self.len())
                    ))
                })? + 1;
                let Some(next) = self.at(place) else { break };
                character = next;
            }
            if patterns && character == '/' {
                place = self.find_unescaped(place, '/').ok_or_else(|| {
                    Error::invalid_expression(format!(
                        "the pattern `{}` has no closing `/`",
                        self.text(place, self.len())
                    ))
                })? + 1;
                let Some(next) = self.at(place) else { break };
                character = next;
            }
            if character == open {
                opened += 1;
            }
            if character == close {
                opened -= 1;
                if opened == 0 {
                    return Ok(place);
                }
            }
            place += 1;
        }
        Err(Error::invalid_expression(format!(
            "`{}` has no closing `{close}`",
            self.text(index, self.len())
        )))
    }
}

/// Resolves backslash escapes as Jayway does: an unknown escape becomes the character after the backslash.
pub(super) fn unescape(characters: &[char]) -> Result<String, Error> {
    let mut text = String::with_capacity(characters.len());
    let mut rest = characters.iter().copied();
    let mut pending_surrogate: Option<u16> = None;
    while let Some(character) = rest.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match rest.next() {
            None => text.push('\\'),
            Some('r') => text.push('\r'),
            Some('f') => text.push('\u{c}'),
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('b') => text.push('\u{8}'),
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                let unit = u16::from_str_radix(&digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 4)
                    .ok_or_else(|| {
                        Error::invalid_expression(format!(
                            "`\\u{digits}` is not a valid escape, expected four hexadecimal digits"
                        ))
                    })?;
                match (pending_surrogate.take(), unit) {
                    (None, 0xD800..=0xDBFF) => pending_surrogate = Some(unit),
                    (high, _) => text.extend(
                        char::decode_utf16(high.into_iter().chain([unit]))
                            .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER)),
                    ),
                }
            }
            Some(other) => text.push(other),
        }
    }
    Ok(text)
}
