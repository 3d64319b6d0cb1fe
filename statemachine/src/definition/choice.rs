//! The Choice state: rules, conditions and the table of comparison operators.

use serde_json::Value;

use crate::definition::field_values::{Payload, Selector};
use crate::definition::jsonata_field::JsonataField;
use crate::definition::wildcard_pattern::WildcardPattern;

/// The rules of a Choice state and its default.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The entries of `Choices` in order; the first one whose condition is true applies.
    pub(crate) rules: Vec<Rule>,
    /// The index of the `Default` state; if it is `None`, an input that no rule matches fails the execution.
    pub(crate) default: Option<usize>,
}

/// A rule: a condition, and the state that follows if the condition is true.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The condition that must be true for the rule to apply.
    pub(crate) condition: Condition,
    /// The index, in the rule's flow, of the state that follows.
    pub(crate) next: usize,
    /// The rule's `Assign`, evaluated only if the rule applies.
    pub(crate) assign: Option<Payload>,
    /// The rule's `Output`, which becomes the next state's input; only JSONata rules have one.
    pub(crate) output: Option<Payload>,
}

/// The condition of a rule, or a part of a combined condition.
#[derive(Debug)]
pub(crate) enum Condition {
    /// A JSONata expression, which must return a boolean.
    Jsonata {
        /// The expression without `{%` and `%}`, for the error causes that quote it.
        text: String,
        /// The parsed expression.
        template: JsonataField,
    },
    /// A literal `true` or `false`, which is allowed in JSONata states.
    Literal(bool),
    /// `And`: true if every inner condition is true.
    All(Vec<Condition>),
    /// `Or`: true if at least one inner condition is true.
    Any(Vec<Condition>),
    /// `Not`: true if the inner condition is false.
    Not(Box<Condition>),
    /// A comparison of a variable with an operand.
    Test {
        /// The path in `Variable`.
        variable: Selector,
        /// The operator, whose name is also the name of the operand's field.
        operator: Operator,
        /// The value of the field that is named after the operator.
        operand: Operand,
    },
}

/// The value that a variable is compared with.
#[derive(Debug)]
pub(crate) enum Operand {
    /// A value written in the definition, already checked against the operator's type.
    Literal(Value),
    /// The pattern of `StringMatches`.
    Pattern(WildcardPattern),
    /// The path in a field such as `StringEqualsPath`, resolved at each evaluation.
    Path(Selector),
}

/// The operator of a comparison; its name is the key of the operand's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// A comparison of two values of one type.
    Compare(Domain, Relation),
    /// `StringMatches`, a comparison with a wildcard pattern.
    Matches,
    /// An operator such as `IsNull`: a test for a property, whose result is compared with the operand `true` or
    /// `false`.
    Is(Property),
}

/// The type that both sides of a comparison must have, by the first part of the operator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    /// Strings, as in `StringEquals`.
    Text,
    /// Numbers, as in `NumericEquals`.
    Number,
    /// Booleans, which have the single relation `BooleanEquals`.
    Boolean,
    /// RFC 3339 texts, as in `TimestampEquals`.
    Timestamp,
}

/// The relation that a comparison tests, by the last part of the operator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Equality, as in `NumericEquals`.
    Equal,
    /// `<`, as in `NumericLessThan`.
    Less,
    /// `>`, as in `NumericGreaterThan`.
    Greater,
    /// `<=`, as in `NumericLessThanEquals`.
    LessOrEqual,
    /// `>=`, as in `NumericGreaterThanEquals`.
    GreaterOrEqual,
}

/// The property of a variable that an operator such as `IsNull` tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    /// `IsNull`: the value is null.
    Null,
    /// `IsPresent`: the path in `Variable` finds a value. If it finds none, every other operator fails the state.
    Present,
    /// `IsNumeric`: the value is a number.
    Numeric,
    /// `IsString`: the value is a string.
    Text,
    /// `IsBoolean`: the value is a boolean.
    Boolean,
    /// `IsTimestamp`: the value is a timestamp in RFC 3339.
    Timestamp,
}

/// Each prefix of an operator's name, with the type that both sides of the comparison must have.
const DOMAINS: [(&str, Domain); 4] = [
    ("String", Domain::Text),
    ("Numeric", Domain::Number),
    ("Boolean", Domain::Boolean),
    ("Timestamp", Domain::Timestamp),
];

/// Each suffix of an operator's name, with the relation that it means.
const RELATIONS: [(&str, Relation); 5] = [
    ("Equals", Relation::Equal),
    ("LessThan", Relation::Less),
    ("GreaterThan", Relation::Greater),
    ("LessThanEquals", Relation::LessOrEqual),
    ("GreaterThanEquals", Relation::GreaterOrEqual),
];

/// Each operator that tests a property, by its full name.
const PROPERTIES: [(&str, Property); 6] = [
    ("IsNull", Property::Null),
    ("IsPresent", Property::Present),
    ("IsNumeric", Property::Numeric),
    ("IsString", Property::Text),
    ("IsBoolean", Property::Boolean),
    ("IsTimestamp", Property::Timestamp),
];

impl Operator {
    /// Returns the field names of all operators, which hints suggest for a misspelled one.
    pub(crate) fn names() -> Vec<String> {
        let compared = DOMAINS.iter().flat_map(|(domain, _)| {
            let relations = RELATIONS.iter();
            relations.flat_map(move |(relation, _)| {
                let name = format!("{domain}{relation}");
                [format!("{name}Path"), name]
            })
        });
        let properties = PROPERTIES.iter().map(|(name, _)| (*name).to_owned());
        compared
            .chain(properties)
            .chain(["StringMatches".to_owned()])
            .filter(|name| Self::parse(name).is_some())
            .collect()
    }

    /// Parses an operator's field name; the flag is `true` if the operand is a path, as in `StringEqualsPath`.
    pub(crate) fn parse(field: &str) -> Option<(Self, bool)> {
        if field == "StringMatches" {
            return Some((Self::Matches, false));
        }
        if let Some((_, property)) = PROPERTIES.iter().find(|(name, _)| *name == field) {
            return Some((Self::Is(*property), false));
        }
        let (domain, rest) = DOMAINS
            .iter()
            .find_map(|(name, domain)| field.strip_prefix(name).map(|rest| (*domain, rest)))?;
        let (relation, is_path) = match rest.strip_suffix("Path") {
            Some(relation) => (relation, true),
            None => (rest, false),
        };
        let (_, relation) = RELATIONS.iter().find(|(name, _)| *name == relation)?;
        (domain != Domain::Boolean || *relation == Relation::Equal)
            .then_some((Self::Compare(domain, *relation), is_path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_of_the_specification_is_known() {
        let all = Operator::names();
        assert_eq!(all.len(), 39);
        for name in [
            "StringMatches",
            "StringLessThanEqualsPath",
            "NumericGreaterThan",
            "TimestampEquals",
            "BooleanEqualsPath",
            "IsTimestamp",
        ] {
            assert!(all.iter().any(|known| known == name), "{name}");
        }
    }

    #[test]
    fn operators_outside_the_specification_are_rejected() {
        for name in [
            "BooleanLessThan",
            "StringMatchesPath",
            "NumericEqual",
            "IsNullPath",
            "Equals",
        ] {
            assert!(Operator::parse(name).is_none(), "{name}");
        }
    }
}
