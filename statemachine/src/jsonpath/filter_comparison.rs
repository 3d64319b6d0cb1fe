//! The comparisons of filters, `[?(..)]`.
//!
//! Text and numbers compare loosely (`"42" == 42`), as in Jayway; all other values must have the same type.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::jsonpath::filter_literal;
use crate::jsonpath::query_budget::QueryFailure;
use crate::jsonpath::syntax_tree::{FilterOperator, FilterPattern};

/// One side of a comparison, evaluated.
#[derive(Debug, Clone)]
pub(super) enum Side<'v> {
    /// The result of a path that finds nothing; equal to no other side.
    Undefined,
    /// JSON's null, equal only to null.
    Null,
    /// A boolean, equal only to the same boolean.
    Boolean(bool),
    /// A number, compared by value with numbers and numeric texts.
    Number(Number),
    /// A text, ordered by its UTF-16 units as in Java.
    Text(Cow<'v, str>),
    /// An array or object. As in Jayway, a literal on the left side equals nothing.
    Json {
        /// The array or object.
        value: Cow<'v, Value>,
        /// `true` if the value is a literal of the filter, `false` if a path found it in the document.
        literal: bool,
    },
    /// A regular expression, which only `=~` applies.
    Pattern(&'v FilterPattern),
}

impl<'v> Side<'v> {
    /// Creates a side from a value that a path found.
    pub(super) fn from_value(value: Cow<'v, Value>) -> Self {
        match value {
            Cow::Borrowed(value) => Self::from_borrowed(value),
            Cow::Owned(Value::String(text)) => Self::Text(Cow::Owned(text)),
            Cow::Owned(Value::Null) => Self::Null,
            Cow::Owned(Value::Bool(boolean)) => Self::Boolean(boolean),
            Cow::Owned(Value::Number(number)) => Self::Number(number),
            Cow::Owned(value) => Self::Json {
                value: Cow::Owned(value),
                literal: false,
            },
        }
    }

    /// Creates a side that borrows the text, array or object of a value.
    fn from_borrowed(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Json {
                value: Cow::Borrowed(value),
                literal: false,
            },
        }
    }

    /// Returns the items if the side is an array.
    fn items(&self) -> Option<&[Value]> {
        match self {
            Self::Json { value, .. } => value.as_array().map(Vec::as_slice),
            _ => None,
        }
    }

    /// Returns `true` if the side is an array or object.
    fn is_json(&self) -> bool {
        matches!(self, Self::Json { .. })
    }

    /// Returns `true` if both sides have equal values. A number and a text are equal if one converts to the other.
    fn equals(&self, other: &Side<'_>) -> bool {
        match (self, other) {
            (Self::Null, Side::Null) => true,
            (Self::Boolean(left), Side::Boolean(right)) => left == right,
            (Self::Number(left), Side::Number(right)) => {
                order(left, right) == Some(Ordering::Equal)
            }
            (Self::Number(left), Side::Text(right)) => filter_literal::number(right)
                .is_some_and(|right| order(left, &right) == Some(Ordering::Equal)),
            (Self::Text(left), Side::Text(right)) => left == right,
            (Self::Text(left), Side::Number(right)) => *left == right.to_string(),
            (
                Self::Json {
                    value: left,
                    literal,
                },
                Side::Json { value: right, .. },
            ) => !literal && left == right,
            _ => false,
        }
    }

    /// Returns `true` if any of the items equals the side.
    fn is_in(&self, items: &[Value]) -> bool {
        items
            .iter()
            .any(|item| self.equals(&Side::from_borrowed(item)))
    }

    /// Returns `true` if both sides have the same type; arrays and objects count as one type.
    fn same_type(&self, other: &Side<'_>) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(&other.clone())
    }
}

/// Returns the number of bytes that comparing all pairs of items reads; 0 if the operator does not compare pairs.
pub(super) fn pairs(left: &Side<'_>, operator: FilterOperator, right: &Side<'_>) -> u64 {
    match operator {
        FilterOperator::SubsetOf | FilterOperator::AnyOf | FilterOperator::NoneOf => {
            let items = |side: &Side<'_>| side.items().map_or(0, |items| items.len() as u64);
            items(left)
                .saturating_mul(items(right))
                .saturating_mul(size_of::<Value>() as u64)
        }
        _ => 0,
    }
}

/// Returns `true` if the comparison holds; fails if the operator does not apply to the sides.
pub(super) fn holds(
    left: &Side<'_>,
    operator: FilterOperator,
    right: &Side<'_>,
) -> Result<bool, QueryFailure> {
    Ok(match operator {
        FilterOperator::Equal => left.equals(right),
        FilterOperator::NotEqual => !left.equals(right),
        FilterOperator::SameTypeEqual => left.same_type(right) && left.equals(right),
        FilterOperator::NotSameTypeEqual => !(left.same_type(right) && left.equals(right)),
        FilterOperator::Less => ordered(left, right).is_some_and(Ordering::is_lt),
        FilterOperator::LessOrEqual => ordered(left, right).is_some_and(Ordering::is_le),
        FilterOperator::Greater => ordered(left, right).is_some_and(Ordering::is_gt),
        FilterOperator::GreaterOrEqual => ordered(left, right).is_some_and(Ordering::is_ge),
        FilterOperator::Matches => matches_pattern(left, right),
        FilterOperator::In => is_in(left, right)?,
        FilterOperator::NotIn => !is_in(left, right)?,
        FilterOperator::Contains => contains(left, right),
        FilterOperator::Size => has_size(left, right),
        FilterOperator::Exists => exists(left, right)?,
        FilterOperator::Empty => is_empty(left, right)?,
        FilterOperator::SubsetOf => match lists(left, right)? {
            Some((left, right)) => left
                .iter()
                .all(|item| Side::from_borrowed(item).is_in(right)),
            None => false,
        },
        FilterOperator::AnyOf => share_an_item(left, right)?.unwrap_or(false),
        FilterOperator::NoneOf => share_an_item(left, right)?.is_some_and(|shared| !shared),
        FilterOperator::Never => return Err(QueryFailure::Refused),
    })
}

/// Compares two numbers, exactly if both are whole.
fn order(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Compares two numbers or two texts; `None` for all other sides, which have no order.
fn ordered(left: &Side<'_>, right: &Side<'_>) -> Option<Ordering> {
    match (left, right) {
        (Side::Number(left), Side::Number(right)) => order(left, right),
        (Side::Text(left), Side::Text(right)) => {
            Some(left.encode_utf16().cmp(right.encode_utf16()))
        }
        _ => None,
    }
}

/// Evaluates `IN`. The right side must be an array or an object; no value is in an object.
fn is_in(left: &Side<'_>, right: &Side<'_>) -> Result<bool, QueryFailure> {
    match right.items() {
        Some(items) => Ok(left.is_in(items)),
        None if right.is_json() => Ok(false),
        None => Err(QueryFailure::Refused),
    }
}

/// Evaluates `CONTAINS`, on a text or an array.
fn contains(left: &Side<'_>, right: &Side<'_>) -> bool {
    match (left, right) {
        (Side::Text(left), Side::Text(right)) => left.contains(right.as_ref()),
        // Jayway compares each item with the right side, not the right side with each item.
        (Side::Json { .. }, _) => left.items().is_some_and(|items| right.is_in(items)),
        _ => false,
    }
}

/// Evaluates `SIZE`, by UTF-16 units of a text or items of an array.
fn has_size(left: &Side<'_>, right: &Side<'_>) -> bool {
    let Side::Number(size) = right else {
        return false;
    };
    let actual = match left {
        Side::Text(text) => Some(text.encode_utf16().count()),
        Side::Json { .. } => left.items().map(<[Value]>::len),
        _ => None,
    };
    actual.and_then(|actual| i64::try_from(actual).ok()) == size.as_i64()
}

/// Evaluates `EXISTS`, which applies only to two booleans.
fn exists(left: &Side<'_>, right: &Side<'_>) -> Result<bool, QueryFailure> {
    match (left, right) {
        (Side::Boolean(left), Side::Boolean(right)) => Ok(left == right),
        _ => Err(QueryFailure::Refused),
    }
}

/// Evaluates `EMPTY`; a number, boolean, null or missing value never passes, not even `EMPTY false`.
fn is_empty(left: &Side<'_>, right: &Side<'_>) -> Result<bool, QueryFailure> {
    let empty = match left {
        Side::Text(text) => text.is_empty(),
        Side::Json { value, .. } => match value.as_ref() {
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => true,
        },
        _ => return Ok(false),
    };
    match right {
        Side::Boolean(expected) => Ok(empty == *expected),
        _ => Err(QueryFailure::Refused),
    }
}

/// The items of the left side and the items of the right side.
type Lists<'a> = (&'a [Value], &'a [Value]);

/// Returns the items of both sides; `None` if a side is an object.
fn lists<'a>(left: &'a Side<'_>, right: &'a Side<'_>) -> Result<Option<Lists<'a>>, QueryFailure> {
    if !left.is_json() || !right.is_json() {
        return Err(QueryFailure::Refused);
    }
    Ok(left.items().zip(right.items()))
}

/// Returns `true` if the arrays have an equal item; `None` if one side is an object.
fn share_an_item(left: &Side<'_>, right: &Side<'_>) -> Result<Option<bool>, QueryFailure> {
    Ok(lists(left, right)?.map(|(left, right)| {
        left.iter()
            .any(|item| Side::from_borrowed(item).is_in(right))
    }))
}

/// Evaluates `=~`, whose pattern may be on either side. An array matches if one of its items matches.
fn matches_pattern(left: &Side<'_>, right: &Side<'_>) -> bool {
    let (pattern, subject) = match (left, right) {
        (Side::Pattern(_), Side::Pattern(_)) => return false,
        (Side::Pattern(pattern), subject) | (subject, Side::Pattern(pattern)) => (pattern, subject),
        _ => return false,
    };
    match subject.items() {
        Some(items) => items.iter().any(|item| {
            pattern
                .regex
                .is_match(&subject_text(&Side::from_borrowed(item)))
        }),
        None => pattern.regex.is_match(&subject_text(subject)),
    }
}

/// Returns the text that a pattern is matched against; empty for null, arrays and objects.
fn subject_text(side: &Side<'_>) -> String {
    match side {
        Side::Text(text) => text.to_string(),
        Side::Number(number) => number.to_string(),
        Side::Boolean(boolean) => boolean.to_string(),
        _ => String::new(),
    }
}
