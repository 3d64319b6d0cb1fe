//! JSON pointers, and a walk through JSON that tracks the pointer of its position.

use std::fmt::Write;

use serde_json::Value;

/// The maximum number of problems that are recorded for one definition or template.
///
/// A user would not read more, and a hostile definition could otherwise exhaust the memory.
pub(crate) const MOST_PROBLEMS: usize = 1_000;
/// The total length of the recorded messages and pointers, in bytes, after which further problems are dropped.
pub(crate) const LONGEST_PROBLEMS_BYTES: usize = 4 << 20;

/// A walk through JSON: its position, and the problems it has found.
#[derive(Debug)]
pub(crate) struct PointerWalk<P> {
    /// The JSON pointer of the current position; empty at the root.
    pointer: String,
    /// The problems so far, in the order of the walk.
    problems: Vec<P>,
    /// The total length of the problems' pointers, which bounds the memory.
    bytes: usize,
}

impl<P> PointerWalk<P> {
    /// Creates a walk that starts at the root of the JSON value.
    pub(crate) fn new() -> Self {
        Self {
            pointer: String::new(),
            problems: Vec::new(),
            bytes: 0,
        }
    }

    /// Calls `visit` with the position moved into a field, then moves back.
    pub(crate) fn in_field<T>(&mut self, name: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        let above = self.pointer.len();
        push(&mut self.pointer, name);
        let visited = visit(self);
        self.pointer.truncate(above);
        visited
    }

    /// Calls `visit` with the position moved into an item, then moves back.
    pub(crate) fn in_item<T>(&mut self, index: usize, visit: impl FnOnce(&mut Self) -> T) -> T {
        let above = self.pointer.len();
        write!(self.pointer, "/{index}").expect("writing to a String never fails");
        let visited = visit(self);
        self.pointer.truncate(above);
        visited
    }

    /// Records the problem that `make` builds from the current JSON pointer; records nothing once [`MOST_PROBLEMS`] or
    /// [`LONGEST_PROBLEMS_BYTES`] is reached.
    pub(crate) fn note(&mut self, make: impl FnOnce(&str) -> P) {
        if self.problems.len() < MOST_PROBLEMS && self.bytes < LONGEST_PROBLEMS_BYTES {
            self.bytes += self.pointer.len();
            self.problems.push(make(&self.pointer));
        }
    }

    /// Returns the recorded problems, in the order of the walk.
    pub(crate) fn into_problems(self) -> Vec<P> {
        self.problems
    }
}

/// Returns the pointer of the field or item `name` inside the value at `pointer`.
pub(crate) fn child_pointer(pointer: &str, name: &str) -> String {
    let mut child_pointer = pointer.to_owned();
    push(&mut child_pointer, name);
    child_pointer
}

/// Converts a JSON pointer to AWS's notation, in which indices are in brackets: `/States/A/Choices[0]/Next`. The whole
/// document is `/`.
pub(crate) fn aws_notation(pointer: &str, document: &Value) -> String {
    if pointer.is_empty() {
        return "/".to_owned();
    }
    let mut written = String::with_capacity(pointer.len());
    let mut place = Some(document);
    for segment in pointer.split('/').skip(1) {
        place = if let Some(Value::Array(items)) = place {
            write!(written, "[{segment}]").expect("writing to a String never fails");
            segment
                .parse()
                .ok()
                .and_then(|index: usize| items.get(index))
        } else {
            written.push('/');
            written.push_str(segment);
            place.and_then(|fields| fields.get(segment.replace("~1", "/").replace("~0", "~")))
        };
    }
    written
}

/// Appends a segment to a pointer, with `~` and `/` escaped.
fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_have_the_pointer_of_the_walk() {
        let mut walk = PointerWalk::new();
        walk.in_field("a/b", |walk| {
            walk.in_item(3, |walk| {
                walk.in_field("~", |walk| walk.note(str::to_owned));
            });
            walk.note(str::to_owned);
        });
        walk.note(str::to_owned);
        assert_eq!(walk.into_problems(), ["/a~1b/3/~0", "/a~1b", ""]);
    }

    #[test]
    fn items_are_written_in_brackets() {
        let document = serde_json::json!({"a/b": [{"c": [1, 2]}], "0": {"1": 2}});
        for (pointer, written) in [
            ("/a~1b/0/c/1", "/a~1b[0]/c[1]"),
            ("/0/1", "/0/1"),
            ("/a~1b/7/x/0", "/a~1b[7]/x/0"),
            ("/", "/"),
            ("", "/"),
        ] {
            assert_eq!(aws_notation(pointer, &document), written);
        }
    }

    #[test]
    fn problems_are_bounded_in_number_and_length() {
        let mut walk = PointerWalk::new();
        (0..2 * MOST_PROBLEMS).for_each(|_| walk.note(str::len));
        assert_eq!(walk.into_problems().len(), MOST_PROBLEMS);
        let mut walk = PointerWalk::new();
        walk.in_field(&"x".repeat(1 << 20), |walk| {
            (0..100).for_each(|_| walk.note(str::len));
        });
        assert_eq!(walk.into_problems().len(), 4);
    }
}
