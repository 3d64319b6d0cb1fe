//! The table of all intrinsic functions.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::intrinsics::argument_refusal::Refusal;
use crate::intrinsics::{
    array_functions, encoding_functions, json_functions, math_functions, text_functions,
};
use crate::json_text::written;
use crate::scope::Host;

/// The name, the number of arguments and a summary of an intrinsic function.
#[derive(Debug, PartialEq)]
pub struct Signature {
    /// The name with its prefix, such as `States.Format`.
    pub name: &'static str,
    /// The number of arguments that the function takes.
    pub arguments: RangeInclusive<usize>,
    /// The function's result, in one phrase.
    pub summary: &'static str,
    /// The function that evaluation calls.
    pub(super) function: Function,
}

/// An intrinsic function, as evaluation distinguishes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function {
    /// `States.Array`, which returns an array of its arguments.
    Array,
    /// `States.ArrayContains`, which searches an array for a value.
    ArrayContains,
    /// `States.ArrayGetItem`, which returns the item at an index.
    ArrayGetItem,
    /// `States.ArrayLength`, which counts the items of an array.
    ArrayLength,
    /// `States.ArrayPartition`, which cuts an array into arrays of a given size.
    ArrayPartition,
    /// `States.ArrayRange`, which returns numbers at equal steps.
    ArrayRange,
    /// `States.ArrayUnique`, which removes repeated items.
    ArrayUnique,
    /// `States.Base64Decode`, which decodes Base64 to text.
    Base64Decode,
    /// `States.Base64Encode`, which encodes a text as Base64.
    Base64Encode,
    /// `States.Format`, which fills values into a template.
    Format,
    /// `States.Hash`, which computes the hash of a text.
    Hash,
    /// `States.JsonMerge`, which merges two objects.
    JsonMerge,
    /// `States.JsonToString`, which writes a value as JSON text.
    JsonToString,
    /// `States.MathAdd`, which adds two numbers.
    MathAdd,
    /// `States.MathRandom`, which draws a random number, with an optional seed.
    MathRandom,
    /// `States.StringSplit`, which splits a text at delimiters.
    StringSplit,
    /// `States.StringToJson`, which parses a JSON text.
    StringToJson,
    /// `States.UUID`, which returns a random UUID.
    Uuid,
}

/// Every intrinsic function, sorted by name.
pub const FUNCTIONS: &[Signature] = &[
    signature(
        "States.Array",
        0..=usize::MAX,
        "an array of the arguments",
        Function::Array,
    ),
    signature(
        "States.ArrayContains",
        2..=2,
        "`true` if the array has an item equal to the value",
        Function::ArrayContains,
    ),
    signature(
        "States.ArrayGetItem",
        2..=2,
        "the array's item at the index",
        Function::ArrayGetItem,
    ),
    signature(
        "States.ArrayLength",
        1..=1,
        "the number of items in the array",
        Function::ArrayLength,
    ),
    signature(
        "States.ArrayPartition",
        2..=2,
        "the array cut into arrays of at most the given size",
        Function::ArrayPartition,
    ),
    signature(
        "States.ArrayRange",
        3..=3,
        "the whole numbers from the first argument to the second, in steps of the third",
        Function::ArrayRange,
    ),
    signature(
        "States.ArrayUnique",
        1..=1,
        "the array with only the first of equal items",
        Function::ArrayUnique,
    ),
    signature(
        "States.Base64Decode",
        1..=1,
        "the text decoded from Base64",
        Function::Base64Decode,
    ),
    signature(
        "States.Base64Encode",
        1..=1,
        "the text in Base64",
        Function::Base64Encode,
    ),
    signature(
        "States.Format",
        1..=usize::MAX,
        "the template with each `{}` replaced by the next argument",
        Function::Format,
    ),
    signature(
        "States.Hash",
        2..=2,
        "the text's hash: MD5, SHA-1, SHA-256, SHA-384 or SHA-512",
        Function::Hash,
    ),
    signature(
        "States.JsonMerge",
        3..=3,
        "the fields of both objects, the second taking precedence; the third argument must be `false`",
        Function::JsonMerge,
    ),
    signature(
        "States.JsonToString",
        1..=1,
        "the value as JSON text",
        Function::JsonToString,
    ),
    signature(
        "States.MathAdd",
        2..=2,
        "the sum of both numbers, each rounded to a whole number",
        Function::MathAdd,
    ),
    signature(
        "States.MathRandom",
        2..=3,
        "a random whole number from the first argument (included) to the second (excluded)",
        Function::MathRandom,
    ),
    signature(
        "States.StringSplit",
        2..=2,
        "the pieces of the text between the characters of the second argument",
        Function::StringSplit,
    ),
    signature(
        "States.StringToJson",
        1..=1,
        "the value of the JSON text",
        Function::StringToJson,
    ),
    signature(
        "States.UUID",
        0..=0,
        "a random version 4 UUID",
        Function::Uuid,
    ),
];

/// Creates a row of the table. Calls of this function keep the table shorter than struct literals would.
const fn signature(
    name: &'static str,
    arguments: RangeInclusive<usize>,
    summary: &'static str,
    function: Function,
) -> Signature {
    Signature {
        name,
        arguments,
        summary,
        function,
    }
}

impl Function {
    /// Returns `true` if the result may hold copies of the arguments. The budget then pays for the arguments before the
    /// call.
    pub(super) fn keeps_arguments(self) -> bool {
        matches!(
            self,
            Self::Array
                | Self::ArrayPartition
                | Self::ArrayUnique
                | Self::Format
                | Self::JsonMerge
                | Self::StringSplit
        )
    }

    /// Returns `true` if the result may nest deeper than the arguments.
    pub(super) fn nests(self) -> bool {
        matches!(self, Self::Array | Self::ArrayPartition)
    }

    /// Returns `true` if the result depends only on the arguments.
    pub(super) fn is_pure(self) -> bool {
        !matches!(self, Self::MathRandom | Self::Uuid)
    }

    /// Applies the function to its arguments. Arguments may be taken out of the list, so that the value of an inner
    /// call is moved, not copied.
    ///
    /// `pieces` is the first argument cut at its `{}`, if it is a quoted text.
    pub(super) fn apply<'v>(
        self,
        arguments: &mut [Cow<'v, Value>],
        pieces: Option<&text_functions::Pieces>,
        host: &mut Host,
    ) -> Result<Cow<'v, Value>, Refusal> {
        let made = match (self, arguments) {
            (Self::Array, items) => Ok(items.iter_mut().map(take).collect()),
            (Self::ArrayContains, [array, wanted]) => array_functions::contains(array, wanted),
            (Self::ArrayGetItem, [array, index]) => return array_functions::item(array, index),
            (Self::ArrayLength, [array]) => array_functions::length(array),
            (Self::ArrayPartition, [array, size]) => array_functions::partition(take(array), size),
            (Self::ArrayRange, [first, last, step]) => array_functions::range(first, last, step),
            (Self::ArrayUnique, [array]) => array_functions::unique(array),
            (Self::Base64Decode, [encoded]) => encoding_functions::base64_decode(encoded),
            (Self::Base64Encode, [plain]) => encoding_functions::base64_encode(plain),
            (Self::Format, [template, values @ ..]) => {
                text_functions::format(template, pieces, values)
            }
            (Self::Hash, [data, algorithm]) => encoding_functions::hash(data, algorithm),
            (Self::JsonMerge, [first, second, deep]) => {
                json_functions::merge(take(first), take(second), deep)
            }
            (Self::JsonToString, [value]) => Ok(Value::String(written(value))),
            (Self::MathAdd, [left, right]) => math_functions::add(left, right),
            (Self::MathRandom, [start, end]) => math_functions::random(start, end, None, host),
            (Self::MathRandom, [start, end, seed]) => {
                math_functions::random(start, end, Some(seed), host)
            }
            (Self::StringSplit, [subject, delimiter]) => text_functions::split(subject, delimiter),
            (Self::StringToJson, [text]) => json_functions::from_text(text),
            (Self::Uuid, []) => Ok(Value::String(host.random.uuid())),
            (_, _) => unreachable!("a call has as many arguments as its function takes"),
        };
        made.map(Cow::Owned)
    }
}

/// Takes an argument out of the list; copies it only if it is borrowed.
fn take(argument: &mut Cow<'_, Value>) -> Value {
    std::mem::replace(argument, Cow::Owned(Value::Null)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_function_once() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(FUNCTIONS.len(), 18);
    }
}
