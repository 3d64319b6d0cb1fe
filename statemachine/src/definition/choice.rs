//! The Choice state: rules, conditions and the table of comparison operators.

use serde_json::Value;

use crate::definition::field_values::{Payload, Selector};
use crate::definition::jsonata_field::JsonataField;
use crate::definition::wildcard_pattern::WildcardPattern;

/// The rules of a Choice state and its default.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The entries of `Choices` in order; the first whose condition holds is taken.
    pub(crate) rules: Vec<Rule>,
    /// The index of the `Default` state; if it is `None`, an input that no rule matches fails the execution.
    pub(crate) default: Option<usize>,
}

/// A rule: a condition and the state that follows if it holds.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The condition that must hold for the rule to apply.
    pub(crate) condition: Condition,
    /// The index of the state that follows.
    pub(crate) next: usize,
    /// The rule's `Assign`, evaluated only if the rule is taken.
    pub(crate) assign: Option<Payload>,
    /// The rule's `Output`, which only JSONata rules have.
    pub(crate) output: Option<Payload>,
}

/// The condition of a rule.
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
    /// `And`: holds if every condition holds.
    All(Vec<Condition>),
    /// `Or`: holds if at least one condition holds.
    Any(Vec<Condition>),
    /// `Not`: holds if the condition does not.
    Not(Box<Condition>),
    /// A comparison of a variable with an operand.
    Test {
        /// The path in `Variable`.
        variable: Selector,
        /// The comparison that the field's name selects.
        operator: Operator,
        /// The value of the operator's field.
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
    /// The path of a `..Path` operator, read at each evaluation.
    Path(Selector),
}

/// The operator of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// A comparison of two values of one type.
    Compare(Domain, Relation),
    /// `StringMatches`, a comparison with a wildcard pattern.
    Matches,
    /// An `Is..` operator: a test whether the variable has a property, compared with `true` or `false`.
    Is(Property),
}

/// The type that both sides of a comparison must have, by the first part of the operator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    /// `String..`.
    Text,
    /// `Numeric..`.
    Number,
    /// `Boolean..`, which only `BooleanEquals` combines with a relation.
    Boolean,
    /// `Timestamp..`, for RFC 3339 texts.
    Timestamp,
}

/// The relation that a comparison tests, by the last part of the operator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `..Equals`.
    Equal,
    /// `..LessThan`.
    Less,
    /// `..GreaterThan`.
    Greater,
    /// `..LessThanEquals`.
    LessOrEqual,
    /// `..GreaterThanEquals`.
    GreaterOrEqual,
}

/// The property of a variable that `Is..` tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    /// `IsNull`.
    Null,
    /// `IsPresent`, the only test for which a missing variable is not an error.
    Present,
    /// `IsNumeric`.
    Numeric,
    /// `IsString`.
    Text,
    /// `IsBoolean`.
    Boolean,
    /// `IsTimestamp`.
    Timestamp,
}

/// The types by their prefix in an operator's name.
const DOMAINS: [(&str, Domain); 4] = [
    ("String", Domain::Text),
    ("Numeric", Domain::Number),
    ("Boolean", Domain::Boolean),
    ("Timestamp", Domain::Timestamp),
];

/// The relations by their suffix in an operator's name.
const RELATIONS: [(&str, Relation); 5] = [
    ("Equals", Relation::Equal),
    ("LessThan", Relation::Less),
    ("GreaterThan", Relation::Greater),
    ("LessThanEquals", Relation::LessOrEqual),
    ("GreaterThanEquals", Relation::GreaterOrEqual),
];

/// The properties by their operator's name.
const PROPERTIES: [(&str, Property); 6] = [
    ("IsNull", Property::Null),
    ("IsPresent", Property::Present),
    ("IsNumeric", Property::Numeric),
    ("IsString", Property::Text),
    ("IsBoolean", Property::Boolean),
    ("IsTimestamp", Property::Timestamp),
];

impl Operator {
    /// Returns the field names of all operators.
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

    /// Parses an operator's field name; the flag is `true` if its operand is a path (`..Path`).
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
