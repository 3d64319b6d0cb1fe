//! The Choice state.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::DateTime;
use serde_json::Value;

use crate::definition::choice::{
    Choice, Condition, Domain, Operand, Operator, Property, Relation, Rule,
};
use crate::definition::field_values::Selector;
use crate::definition::is_timestamp;
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::Failure;
use crate::engine::states::work_result::WorkResult;

/// Chooses the first rule whose condition is true, or else the default; fails if there is no default.
pub(crate) fn perform<'a>(
    attempt: &Attempt<'a>,
    choice: &'a Choice,
    input: &Value,
) -> Result<WorkResult<'a>, Failure> {
    let state = attempt.state;
    for (index, rule) in choice.rules.iter().enumerate() {
        if holds(attempt, &rule.condition, index, input)? {
            let Rule {
                next,
                assign,
                output,
                ..
            } = rule;
            return Ok(WorkResult {
                result: None,
                has_result: false,
                next: Some(*next),
                assign: assign.as_ref(),
                output: output.as_ref(),
                rule: Some(index),
            });
        }
    }
    // AWS documents `States.NoChoiceMatched`; recorded executions end with `States.Runtime`.
    let Some(default) = choice.default else {
        return Err(attempt.runtime(
            "Failed to transition out of the state. The state does not point to a next state.",
        ));
    };
    Ok(WorkResult {
        result: None,
        has_result: false,
        next: Some(default),
        assign: state.assign.as_ref(),
        output: state.output.as_ref(),
        rule: None,
    })
}

/// Evaluates a condition; `index` is the number of its rule, which failures name.
fn holds(
    attempt: &Attempt<'_>,
    condition: &Condition,
    index: usize,
    input: &Value,
) -> Result<bool, Failure> {
    match condition {
        Condition::Literal(value) => Ok(*value),
        Condition::Jsonata { text, template } => {
            let field = format!("Choices[{index}]/Condition");
            match attempt.expression(template, &field, FieldData::of(input), attempt.item)? {
                Value::Bool(value) => Ok(value),
                other => Err(attempt.unexpected_type(text, &field, "boolean", &other)),
            }
        }
        Condition::All(conditions) => {
            for condition in conditions {
                if !holds(attempt, condition, index, input)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Condition::Any(conditions) => {
            for condition in conditions {
                if holds(attempt, condition, index, input)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Condition::Not(condition) => holds(attempt, condition, index, input).map(|value| !value),
        Condition::Test {
            variable,
            operator,
            operand,
        } => test(attempt, variable, *operator, operand, input),
    }
}

/// Evaluates a comparison; fails if a path finds no value, unless the comparison is `IsPresent`.
fn test(
    attempt: &Attempt<'_>,
    variable: &Selector,
    operator: Operator,
    operand: &Operand,
    input: &Value,
) -> Result<bool, Failure> {
    let found = attempt.look(variable, input)?.ok();
    if let (Operator::Is(Property::Present), Operand::Literal(expected)) = (operator, operand) {
        return Ok(Value::Bool(found.is_some()) == *expected);
    }
    let missing = |selector: &Selector| {
        attempt.runtime(&format!(
            "Invalid path '{}': The choice state's condition path references an invalid value.",
            selector.text
        ))
    };
    let value = found.ok_or_else(|| missing(variable))?;
    let other = match operand {
        Operand::Literal(literal) => Cow::Borrowed(literal),
        Operand::Pattern(pattern) => {
            return Ok(value.as_str().is_some_and(|text| pattern.matches(text)));
        }
        Operand::Path(selector) => attempt
            .look(selector, input)?
            .map_err(|_| missing(selector))?,
    };
    Ok(match operator {
        Operator::Is(property) => Value::Bool(has(&value, property)) == *other,
        Operator::Matches => unreachable!("`StringMatches` has a pattern"),
        Operator::Compare(domain, relation) => {
            compare(&value, &other, domain).is_some_and(|ordering| is_in(ordering, relation))
        }
    })
}

/// Returns `true` if a value has the property that an operator such as `IsNumeric` asks for.
fn has(value: &Value, property: Property) -> bool {
    match property {
        Property::Null => value.is_null(),
        Property::Present => true,
        Property::Numeric => value.is_number(),
        Property::Text => value.is_string(),
        Property::Boolean => value.is_boolean(),
        Property::Timestamp => value.as_str().is_some_and(is_timestamp),
    }
}

/// Compares two values of one type; `None` if either has another type.
fn compare(value: &Value, other: &Value, domain: Domain) -> Option<Ordering> {
    match domain {
        Domain::Text => Some(value.as_str()?.cmp(other.as_str()?)),
        Domain::Boolean => Some(value.as_bool()?.cmp(&other.as_bool()?)),
        Domain::Number => match (value.as_i64(), other.as_i64()) {
            (Some(value), Some(other)) => Some(value.cmp(&other)),
            _ => value.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        Domain::Timestamp => Some(instant(value)?.cmp(&instant(other)?)),
    }
}

/// Parses a timestamp in the form that the language accepts; `None` for any other value.
fn instant(value: &Value) -> Option<DateTime<chrono::FixedOffset>> {
    let text = value.as_str().filter(|text| is_timestamp(text))?;
    DateTime::parse_from_rfc3339(text).ok()
}

/// Returns `true` if an ordering satisfies a relation such as `LessOrEqual`.
fn is_in(ordering: Ordering, relation: Relation) -> bool {
    match relation {
        Relation::Equal => ordering.is_eq(),
        Relation::Less => ordering.is_lt(),
        Relation::Greater => ordering.is_gt(),
        Relation::LessOrEqual => ordering.is_le(),
        Relation::GreaterOrEqual => ordering.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_different_types_never_compare() {
        assert_eq!(compare(&"1".into(), &1.into(), Domain::Number), None);
        assert_eq!(
            compare(&1.0.into(), &1.into(), Domain::Number),
            Some(Ordering::Equal)
        );
        let (one, other) = (
            "2016-03-14T01:59:00Z".into(),
            "2016-03-14T02:59:00+01:00".into(),
        );
        assert_eq!(
            compare(&one, &other, Domain::Timestamp),
            Some(Ordering::Equal)
        );
    }
}
