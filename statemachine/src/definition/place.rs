//! From a JSON pointer to a line and a column.

/// Says where in a text something stands; both counts start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// Finds the value that a JSON pointer names, or the nearest thing around it that exists.
    ///
    /// The text must be valid JSON; in any other text the place is the last one understood.
    #[must_use]
    pub fn of(text: &str, pointer: &str) -> Self {
        let mut cursor = Cursor { text, offset: 0 };
        cursor.skip_blanks();
        for segment in pointer
            .split('/')
            .skip(1)
            .filter(|segment| !segment.is_empty())
        {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let start = cursor.offset;
            let found = match cursor.peek() {
                Some(b'{') => cursor.enter_field(&segment),
                Some(b'[') => segment.parse().is_ok_and(|index| cursor.enter_item(index)),
                _ => false,
            };
            if !found {
                cursor.offset = start;
                break;
            }
        }
        Self::at(text, cursor.offset)
    }

    /// Converts a byte offset.
    fn at(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        Self {
            line: before.matches('\n').count() + 1,
            column: before
                .rsplit('\n')
                .next()
                .map_or(0, |line| line.chars().count())
                + 1,
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.offset += 1;
        }
    }

    /// Moves past the next byte if it is the one expected, blanks around it included.
    fn accept(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let accepted = self.peek() == Some(byte);
        if accepted {
            self.offset += 1;
            self.skip_blanks();
        }
        accepted
    }

    fn enter_field(&mut self, name: &str) -> bool {
        if !self.accept(b'{') {
            return false;
        }
        while self.peek() == Some(b'"') {
            let start = self.offset;
            self.skip_value();
            let key = serde_json::from_str::<String>(&self.text[start..self.offset]);
            if !self.accept(b':') {
                return false;
            }
            if key.is_ok_and(|key| key == name) {
                return true;
            }
            self.skip_value();
            if !self.accept(b',') {
                return false;
            }
        }
        false
    }

    fn enter_item(&mut self, index: usize) -> bool {
        if !self.accept(b'[') {
            return false;
        }
        for _ in 0..index {
            self.skip_value();
            if !self.accept(b',') {
                return false;
            }
        }
        self.peek() != Some(b']')
    }

    /// Moves past one value: a string, a bracketed group, or a bare word.
    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.offset += 1;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.offset += 1;
                }
                _ => self.offset += 1,
            }
            if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
                return;
            }
        }
    }

    fn skip_string(&mut self) {
        self.offset += 1;
        while let Some(byte) = self.peek() {
            self.offset += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
        self.offset = self.offset.min(self.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"a\": [1, {\"b/c\": true}],\n  \"d\": \"x\"\n}";

    #[test]
    fn a_pointer_leads_to_its_value() {
        assert_eq!(Place::of(TEXT, "/d"), Place { line: 3, column: 8 });
        assert_eq!(
            Place::of(TEXT, "/a/1/b~1c"),
            Place {
                line: 2,
                column: 20
            }
        );
        assert_eq!(Place::of(TEXT, ""), Place { line: 1, column: 1 });
    }

    #[test]
    fn a_pointer_to_nothing_leads_to_what_is_around_it() {
        assert_eq!(Place::of(TEXT, "/a/7"), Place { line: 2, column: 8 });
        assert_eq!(Place::of("", "/a"), Place { line: 1, column: 1 });
        assert_eq!(Place::of("{\"a", "/b/c"), Place { line: 1, column: 1 });
    }
}
