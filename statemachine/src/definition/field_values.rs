//! The sources of a field's value: literals, paths, templates and expressions.

use serde_json::Value;

use crate::definition::jsonata_field::JsonataField;
use crate::intrinsics::Call;
use crate::jsonpath::Query;
use crate::template::Template;

/// A path, or an intrinsic function call in place of a path.
#[derive(Debug)]
pub(crate) struct Selector {
    /// The path or call as written, for messages.
    pub(crate) text: String,
    /// The path or call in parsed form, which the engine evaluates.
    pub(crate) source: SelectorSource,
}

/// The parsed form of a [`Selector`], which is either a path or a call.
#[derive(Debug)]
pub(crate) enum SelectorSource {
    /// A path into the input, the context object or a variable.
    Query(Query),
    /// An intrinsic function, such as `States.Format(..)`.
    Call(Call),
}

/// A value that a state computes as a whole: parameters, arguments, output, assignments.
#[derive(Debug)]
pub(crate) enum Payload {
    /// A payload template, whose fields that end in `.$` are computed.
    JsonPath(Template),
    /// A value whose strings between `{%` and `%}` are expressions.
    Jsonata(JsonataField),
}

/// A field with a single value, such as a number of seconds, which may be computed when the state runs.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The field's name as written, `TimeoutSecondsPath` for a path.
    pub(crate) field: &'static str,
    /// The literal, path or expression that yields the value.
    pub(crate) source: SettingSource,
}

/// The source from which the value of a [`Setting`] is computed.
#[derive(Debug)]
pub(crate) enum SettingSource {
    /// A value in the definition, already checked against the field's type and range.
    Literal(Value),
    /// A path, from the field whose name ends in `Path`, such as `TimeoutSecondsPath`.
    Path(Selector),
    /// A JSONata expression as the field's value.
    Jsonata {
        /// The expression without `{%` and `%}`, for the error causes that quote it.
        text: String,
        /// The parsed expression.
        template: JsonataField,
    },
}
