//! The sources of a field's value: literals, paths, templates and expressions.

use serde_json::Value;

use crate::definition::jsonata_field::JsonataField;
use crate::intrinsics::Call;
use crate::jsonpath::Query;
use crate::template::Template;

/// A path, or a call of an intrinsic function in its place.
#[derive(Debug)]
pub(crate) struct Selector {
    pub(crate) text: String,
    pub(crate) source: SelectorSource,
}

/// The parsed form of a [`Selector`].
#[derive(Debug)]
pub(crate) enum SelectorSource {
    Query(Query),
    Call(Call),
}

/// A value that a state computes as a whole: parameters, arguments, output, assignments.
#[derive(Debug)]
pub(crate) enum Payload {
    JsonPath(Template),
    Jsonata(JsonataField),
}

/// The source of a single value, such as a number of seconds.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The field's name as written, `TimeoutSecondsPath` for a path.
    pub(crate) field: &'static str,
    pub(crate) source: SettingSource,
}

/// The source of a [`Setting`].
#[derive(Debug)]
pub(crate) enum SettingSource {
    Literal(Value),
    Path(Selector),
    Jsonata {
        /// The expression without `{%` and `%}`, for the causes that quote it.
        text: String,
        template: JsonataField,
    },
}
