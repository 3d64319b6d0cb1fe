//! The line and the column of the value that a JSON pointer names.

use std::collections::HashMap;

/// A place in a text, by line and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl Place {
    /// Returns the place of the value at a JSON pointer; if there is no such value, that of the nearest value around
    /// it.
    ///
    /// The text must be valid JSON; otherwise the place is the last one that could be parsed.
    #[must_use]
    pub fn of(text: &str, pointer: &str) -> Self {
        places(text, &[pointer])[0]
    }
}

/// Returns the place of each pointer's value, in the order of `pointers`, with one pass over the text.
pub(crate) fn places(text: &str, pointers: &[&str]) -> Vec<Place> {
    let segments: Vec<Vec<String>> = pointers.iter().map(|pointer| segments(pointer)).collect();
    let wanted = segments
        .iter()
        .enumerate()
        .map(|(index, segments)| (index, segments.as_slice()))
        .collect();
    let mut offsets = vec![0; pointers.len()];
    let mut cursor = JsonCursor { text, offset: 0 };
    cursor.skip_blanks();
    cursor.locate(wanted, &mut offsets);
    to_places(text, &offsets)
}

/// Splits a JSON pointer into its segments, unescaped.
fn segments(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Converts byte offsets to places in one pass over the text.
fn to_places(text: &str, offsets: &[usize]) -> Vec<Place> {
    let start = Place { line: 1, column: 1 };
    let mut order: Vec<usize> = (0..offsets.len()).collect();
    order.sort_by_key(|index| offsets[*index]);
    let mut places = vec![start; offsets.len()];
    let mut characters = text.char_indices().peekable();
    let mut here = start;
    for index in order {
        while let Some((_, character)) = characters.next_if(|(at, _)| *at < offsets[index]) {
            here = match character {
                '\n' => Place {
                    line: here.line + 1,
                    column: 1,
                },
                _ => Place {
                    column: here.column + 1,
                    ..here
                },
            };
        }
        places[index] = here;
    }
    places
}

/// A position in JSON text that moves forward value by value.
struct JsonCursor<'a> {
    /// The whole JSON text.
    text: &'a str,
    /// The byte offset of the next character.
    offset: usize,
}

impl JsonCursor<'_> {
    /// Returns the next byte; `None` at the end of the text.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    /// Moves past white space.
    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.offset += 1;
        }
    }

    /// Moves past `byte` and the blanks around it. Returns `false` if the next character is another one.
    fn accept(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let accepted = self.peek() == Some(byte);
        if accepted {
            self.offset += 1;
            self.skip_blanks();
        }
        accepted
    }

    /// Records the value's offset for every pointer to the value or into it, and moves past the value.
    fn locate(&mut self, wanted: Vec<(usize, &[String])>, offsets: &mut [usize]) {
        let mut inside: HashMap<&str, Vec<(usize, &[String])>> = HashMap::new();
        for (index, segments) in wanted {
            offsets[index] = self.offset;
            if let [first, rest @ ..] = segments {
                inside.entry(first).or_default().push((index, rest));
            }
        }
        match self.peek() {
            Some(b'{') if !inside.is_empty() => self.locate_fields(&mut inside, offsets),
            Some(b'[') if !inside.is_empty() => self.locate_items(&mut inside, offsets),
            _ => self.skip_value(),
        }
    }

    /// Locates the pointers that lead into the fields of the object at the cursor, and moves past the object.
    fn locate_fields(
        &mut self,
        inside: &mut HashMap<&str, Vec<(usize, &[String])>>,
        offsets: &mut [usize],
    ) {
        // Of duplicate keys, the last one counts.
        let mut last: HashMap<&str, usize> = HashMap::new();
        self.accept(b'{');
        while self.peek() == Some(b'"') {
            let start = self.offset;
            self.skip_value();
            let key = serde_json::from_str::<String>(&self.text[start..self.offset]);
            if !self.accept(b':') {
                return;
            }
            let wanted = key.ok().and_then(|key| {
                let (name, _) = inside.get_key_value(key.as_str())?;
                Some(*name)
            });
            if let Some(name) = wanted {
                last.insert(name, self.offset);
            }
            self.skip_value();
            if !self.accept(b',') {
                break;
            }
        }
        self.accept(b'}');
        let end = self.offset;
        for (name, offset) in last {
            self.offset = offset;
            self.locate(inside.remove(name).unwrap_or_default(), offsets);
        }
        self.offset = end;
    }

    /// Locates the pointers that lead into the items of the array at the cursor, and moves past the array.
    fn locate_items(
        &mut self,
        inside: &mut HashMap<&str, Vec<(usize, &[String])>>,
        offsets: &mut [usize],
    ) {
        self.accept(b'[');
        for index in 0_usize.. {
            if matches!(self.peek(), None | Some(b']')) {
                break;
            }
            match inside.remove(index.to_string().as_str()) {
                Some(wanted) => self.locate(wanted, offsets),
                None => self.skip_value(),
            }
            if !self.accept(b',') {
                break;
            }
        }
        self.accept(b']');
    }

    /// Moves past one value: a string, an object, an array, a number, or a literal such as `true`.
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

    /// Moves past a string, from its opening quote; stops at the end of the text if it is not closed.
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
        assert_eq!(
            Place::of("{\"\": [\n1]}", "//0"),
            Place { line: 2, column: 1 }
        );
    }

    #[test]
    fn of_duplicate_keys_the_last_one_counts() {
        let text = "{\"a\": {\"b\": 1},\n \"a\": {\"b\": 2}}";
        assert_eq!(
            Place::of(text, "/a/b"),
            Place {
                line: 2,
                column: 13
            }
        );
    }

    #[test]
    fn a_pointer_to_nothing_finds_the_value_around_it() {
        assert_eq!(Place::of(TEXT, "/a/7"), Place { line: 2, column: 8 });
        assert_eq!(Place::of("", "/a"), Place { line: 1, column: 1 });
        assert_eq!(Place::of("{\"a", "/b/c"), Place { line: 1, column: 1 });
    }

    #[test]
    fn many_pointers_are_found_in_one_pass() {
        let text = format!(
            "{{{}}}",
            (0..20_000)
                .map(|n| format!("\"{n}\": [{n},\n{n}]"))
                .collect::<Vec<_>>()
                .join(",")
        );
        let pointers: Vec<String> = (0..20_000).rev().map(|n| format!("/{n}/1")).collect();
        let places = places(
            &text,
            &pointers.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        assert_eq!(
            places[0],
            Place {
                line: 20_001,
                column: 1
            }
        );
        assert_eq!(places[19_999], Place { line: 2, column: 1 });
    }
}
