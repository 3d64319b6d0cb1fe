//! JSONata in a field, with what it may read of `$states`.

use serde_json::Value;

use crate::jsonata::JsonataTemplate;

/// A JSONata template, and what must be at hand for it.
#[derive(Debug)]
pub(crate) struct JsonataField {
    pub(crate) template: JsonataTemplate,
    pub(crate) reads: StatesReads,
}

/// The parts of `$states` that expressions may read.
///
/// Whatever they cannot read is not copied for them: a Map of many items would otherwise copy the whole input for each.
/// The text decides, and where it leaves a doubt, everything is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StatesReads {
    pub(crate) input: bool,
    pub(crate) context: bool,
    /// `$states.context.Execution`, which holds the execution's input.
    pub(crate) execution: bool,
}

const EVERYTHING: StatesReads = StatesReads {
    input: true,
    context: true,
    execution: true,
};

impl StatesReads {
    /// Looks through all strings of a template.
    pub(crate) fn of(template: &Value) -> Self {
        match template {
            Value::String(text) => Self::of_text(text),
            Value::Array(items) => items.iter().map(Self::of).fold(Self::default(), Self::and),
            Value::Object(fields) => fields
                .values()
                .map(Self::of)
                .fold(Self::default(), Self::and),
            _ => Self::default(),
        }
    }

    fn of_text(text: &str) -> Self {
        const VARIABLE: &str = "$states";
        text.match_indices(VARIABLE)
            .map(|(at, _)| Self::of_path(&text[at + VARIABLE.len()..]))
            .fold(Self::default(), Self::and)
    }

    /// Reads what stands behind `$states`.
    fn of_path(rest: &str) -> Self {
        if rest.starts_with(is_name) {
            // Another variable, whose name begins with this one's.
            return Self::default();
        }
        let none = Self::default();
        match step(rest) {
            Some(("input", _)) => Self {
                input: true,
                ..none
            },
            // Both are made once for a state, and are there anyway.
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

    fn and(self, other: Self) -> Self {
        Self {
            input: self.input || other.input,
            context: self.context || other.context,
            execution: self.execution || other.execution,
        }
    }
}

/// Splits `.name..` into the name and what follows it.
fn step(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('.')?;
    let end = path
        .find(|character| !is_name(character))
        .unwrap_or(path.len());
    Some(path.split_at(end))
}

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
