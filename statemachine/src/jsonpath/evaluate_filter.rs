//! Filters, `[?(..)]`: whether an item passes.

use std::borrow::Cow;

use serde_json::Value;

use crate::evaluation_budget;
use crate::jsonpath::document_walk::Walk;
use crate::jsonpath::filter_comparison::{self, Side};
use crate::jsonpath::query_budget::Failure;
use crate::jsonpath::syntax_tree::{Condition, FilterPath, Operand};

impl<'v> Walk<'v, '_> {
    /// Tells whether an item passes; a condition that cannot be applied to it does not hold.
    pub(super) fn accepts(
        &mut self,
        condition: &'v Condition,
        item: &'v Value,
    ) -> Result<bool, Failure> {
        match self.meets(condition, item) {
            Err(Failure::Refused) => Ok(false),
            other => other,
        }
    }

    fn meets(&mut self, condition: &'v Condition, item: &'v Value) -> Result<bool, Failure> {
        self.budget.visit()?;
        match condition {
            Condition::Or(conditions) => {
                for condition in conditions {
                    if self.meets(condition, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::And(conditions) => {
                for condition in conditions {
                    if !self.meets(condition, item)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Not(condition) => Ok(!self.meets(condition, item)?),
            Condition::Exists { path, expected } => match self.filter_path(path, item, true) {
                Ok(_) => Ok(*expected),
                Err(Failure::Missing(_)) => Ok(!*expected),
                Err(failure) => Err(failure),
            },
            Condition::Compare {
                left,
                operator,
                right,
            } => {
                let left = self.side(left, item)?;
                let right = self.side(right, item)?;
                self.budget
                    .visit_bytes(filter_comparison::pairs(&left, *operator, &right))?;
                filter_comparison::holds(&left, *operator, &right)
            }
        }
    }

    fn filter_path(
        &mut self,
        path: &'v FilterPath,
        item: &'v Value,
        exists: bool,
    ) -> Result<Cow<'v, Value>, Failure> {
        let document = if path.from_root && !exists {
            self.root
        } else {
            item
        };
        Walk::evaluate(&path.steps, document, self.root, self.budget, exists)
    }

    fn side(&mut self, operand: &'v Operand, item: &'v Value) -> Result<Side<'v>, Failure> {
        Ok(match operand {
            Operand::Path(path) => match self.filter_path(path, item, false) {
                Ok(value) => {
                    // What a test for existence only finds, a comparison walks.
                    if !value.is_number() {
                        self.budget.visit_bytes(evaluation_budget::weight(&value))?;
                    }
                    Side::from_value(value)
                }
                Err(Failure::Missing(_)) => Side::Undefined,
                Err(failure) => return Err(failure),
            },
            Operand::Text(text) => Side::Text(Cow::Borrowed(text)),
            Operand::Number(number) => Side::Number(number.clone()),
            Operand::Boolean(boolean) => Side::Boolean(*boolean),
            Operand::Null => Side::Null,
            Operand::Json(value) => Side::Json {
                value: Cow::Borrowed(value),
                literal: true,
            },
            Operand::Pattern(pattern) => Side::Pattern(pattern),
        })
    }
}
