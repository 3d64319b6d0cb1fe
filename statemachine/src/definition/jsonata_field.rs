//! JSONata fields, and the parts of `$states` that they may read.

use serde_json::Value;

use crate::jsonata::JsonataTemplate;

/// A JSONata template, and the parts of `$states` that it needs.
#[derive(Debug)]
pub(crate) struct JsonataField {
    /// The parsed value with its expressions.
    pub(crate) template: JsonataTemplate,
    /// The parts of `$states` to copy before the template is evaluated.
    pub(crate) reads: StatesReads,
}

/// The parts of `$states` that expressions may read.
///
/// Only these parts are copied for an evaluation; otherwise a Map would copy its whole input for each item. They are
/// found by searching the expression's text; in doubt, all parts count as read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StatesReads {
    /// `true` if `$states.input` may be read.
    pub(crate) input: bool,
    /// `true` if `$states.context` may be read.
    pub(crate) context: bool,
    /// `true` if `$states.context.Execution`, which holds the execution's input, may be read.
    pub(crate) execution: bool,
}

/// All parts, for an expression whose text does not show which parts it reads.
const EVERYTHING: StatesReads = StatesReads {
    input: true,
    context: true,
    execution: true,
};

impl StatesReads {
    /// Returns the parts that the strings of a template may read.
    pub(crate) fn of(template: &Value) -> Self {
        match template {
            Value::String(text) => Self::of_text(text),
            Value::Array(items) => items
                .iter()
                .map(Self::of)
                .fold(Self::default(), Self::union),
            Value::Object(fields) => fields
                .values()
                .map(Self::of)
                .fold(Self::default(), Self::union),
            _ => Self::default(),
        }
    }

    /// Returns the parts that one string may read, according to the text after each `$states` in the string.
    fn of_text(text: &str) -> Self {
        const VARIABLE: &str = "$states";
        text.match_indices(VARIABLE)
            .map(|(at, _)| Self::of_path(&text[at + VARIABLE.len()..]))
            .fold(Self::default(), Self::union)
    }

    /// Returns the parts that one path reads; `rest` is the path's text after `$states`.
    fn of_path(rest: &str) -> Self {
        if rest.starts_with(is_name) {
            // This is another variable, whose name only begins with `$states`.
            return Self::default();
        }
        let none = Self::default();
        match step(rest) {
            Some(("input", _)) => Self {
                input: true,
                ..none
            },
            // `result` and `errorOutput` are built once per state, even if no expression reads them.
            Some(("result" | "errorOutput", _)) => none,
            Some(("context", rest)) => Self {
                context: true,
                execution: !matches!(
                    step(rest),
                    Some(("Map" | "State" | "StateMachine" | "Task", _))
                ),
                ..none
            },
            _ => EVERYTHING,
        }
    }

    /// Returns the parts that `self` or `other` contains.
    fn union(self, other: Self) -> Self {
        Self {
            input: self.input || other.input,
            context: self.context || other.context,
            execution: self.execution || other.execution,
        }
    }
}

/// Splits a text that begins with `.name` into the name and the rest; `None` if it does not begin with a dot.
fn step(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('.')?;
    let end = path
        .find(|character| !is_name(character))
        .unwrap_or(path.len());
    Some(path.split_at(end))
}

/// Returns `true` if the character can be part of a variable's or field's name.
fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> [bool; 3] {
        let reads = StatesReads::of_text(text);
        [reads.input, reads.context, reads.execution]
    }

    #[test]
    fn plain_paths_read_what_they_name() {
        assert_eq!(
            reads("$states.input.a + $states.result"),
            [true, false, false]
        );
        assert_eq!(
            reads("$states.context.Map.Item.Value"),
            [false, true, false]
        );
        assert_eq!(reads("$states.context.Execution.Id"), [false, true, true]);
        assert_eq!(reads("$states.errorOutput.Error"), [false; 3]);
        assert_eq!(reads("$statesman.input"), [false; 3]);
    }

    #[test]
    fn anything_else_reads_everything() {
        for text in [
            "$states",
            "$lookup($states, 'input')",
            "$states .input",
            "$states.`input`",
            "$states.*",
            "$states.**",
        ] {
            assert_eq!(reads(text), [true; 3], "{text}");
        }
        assert_eq!(reads("$states.context"), [false, true, true]);
        assert_eq!(reads("$states.context.*"), [false, true, true]);
    }
}
