//! Reads Choice states.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::choice::{Choice, Condition, Domain, Operand, Operator, Rule};
use crate::definition::model::StateKind;
use crate::definition::read::object_fields::Fields;
use crate::definition::read::targets::{NO_STATE, StateIndices, target};
use crate::definition::timestamp::is_timestamp;
use crate::definition::wildcard_pattern::WildcardPattern;
use crate::jsonata::expression_text;

/// The fields that every rule may have besides its condition.
const RULE: &[&str] = &["Next", "Assign", "Comment"];
/// The operators that combine conditions.
const GROUPS: [&str; 3] = ["And", "Or", "Not"];

impl Fields<'_> {
    /// Reads the `Choices` and the `Default` of a Choice state.
    pub(crate) fn choice(&self, language: QueryLanguage, names: &StateIndices<'_>) -> StateKind {
        self.require(&["Choices"]);
        let mut rules = Vec::new();
        self.objects("Choices", |fields| {
            fields.require(&["Next"]);
            let next = target(&fields, "Next", names).unwrap_or(NO_STATE);
            let assign = fields.object_payload("Assign", language);
            let (condition, output) = match language {
                QueryLanguage::JsonPath => (fields.test(&[RULE]), None),
                QueryLanguage::Jsonata => (fields.expression(), fields.payload("Output", language)),
            };
            rules.push(Rule {
                condition: condition.unwrap_or(Condition::Literal(false)),
                next,
                assign,
                output,
            });
        });
        if self.has("Choices") && rules.is_empty() {
            self.refuse("Choices", "At least one choice is required");
        }
        StateKind::Choice(Choice {
            rules,
            default: target(self, "Default", names),
        })
    }

    /// Reads the `Condition` of a JSONata rule: an expression, `true` or `false`.
    fn expression(&self) -> Option<Condition> {
        const NAME: &str = "Condition";
        self.only(&[RULE, &[NAME, "Output"]]);
        if !self.require(&[NAME]) {
            return None;
        }
        let value = self.get(NAME)?;
        match value {
            Value::Bool(flag) => Some(Condition::Literal(*flag)),
            Value::String(text) if let Some(expression) = expression_text(text) => self
                .jsonata(NAME, value)
                .map(|template| Condition::Jsonata {
                    text: expression.trim().to_owned(),
                    template,
                }),
            _ => {
                self.refuse(NAME, "Expected a JSONata expression");
                None
            }
        }
    }

    /// Reads a JSONPath condition: one comparison, or a group of conditions. `surrounding` lists the other fields that
    /// the object may have.
    fn test(&self, surrounding: &[&[&str]]) -> Option<Condition> {
        let operators: Vec<&str> = self
            .values
            .keys()
            .map(String::as_str)
            .filter(|name| GROUPS.contains(name) || Operator::parse(name).is_some())
            .collect();
        let mut known = surrounding.to_vec();
        known.extend([&["Variable", "Comment"][..], &operators]);
        let names = Operator::names();
        let others = GROUPS
            .iter()
            .copied()
            .chain(names.iter().map(String::as_str));
        self.only_or(&known, &others.collect::<Vec<_>>());
        let [operator] = operators.as_slice() else {
            self.refuse("", "Exactly one comparison operator is required");
            return None;
        };
        match *operator {
            "Not" => {
                let pointer = self.at("Not");
                let inner = Fields::of(self.get("Not")?, &pointer, self.problems)?.test(&[])?;
                Some(Condition::Not(Box::new(inner)))
            }
            "And" | "Or" => {
                let mut conditions = Vec::new();
                self.objects(operator, |fields| conditions.extend(fields.test(&[])));
                if conditions.is_empty() {
                    self.refuse(operator, "At least one condition is required");
                }
                Some(if *operator == "And" {
                    Condition::All(conditions)
                } else {
                    Condition::Any(conditions)
                })
            }
            name => self.comparison(name),
        }
    }

    /// Reads a comparison of `Variable`. The field `name` contains the operand; `name` itself is the operator.
    fn comparison(&self, name: &str) -> Option<Condition> {
        if !self.require(&["Variable"]) {
            return None;
        }
        let variable = self.path("Variable")?;
        let (operator, is_path) = Operator::parse(name)?;
        let operand = match operator {
            _ if is_path => Operand::Path(self.path(name)?),
            Operator::Matches => Operand::Pattern(WildcardPattern::parse(self.text(name)?)),
            Operator::Is(_) => self.literal(name, self.flag(name).is_some())?,
            Operator::Compare(domain, _) => {
                let fits = match domain {
                    Domain::Text => self.text(name).is_some(),
                    Domain::Number => self.number(name, f64::MIN, f64::MAX).is_some(),
                    Domain::Boolean => self.flag(name).is_some(),
                    Domain::Timestamp => self.timestamp(name),
                };
                self.literal(name, fits)?
            }
        };
        Some(Condition::Test {
            variable,
            operator,
            operand,
        })
    }

    /// Returns the field's value as an operand; `None` if `fits` is `false`, in which case the caller has reported the
    /// value.
    fn literal(&self, name: &str, fits: bool) -> Option<Operand> {
        fits.then(|| self.get(name).cloned().map(Operand::Literal))?
    }

    /// Checks that a field is a timestamp; otherwise reports it and returns `false`.
    pub(crate) fn timestamp(&self, name: &str) -> bool {
        let valid = self.text(name).map(is_timestamp);
        if valid == Some(false) {
            self.refuse(name, "String does not match RFC3339 timestamp");
        }
        valid == Some(true)
    }
}
