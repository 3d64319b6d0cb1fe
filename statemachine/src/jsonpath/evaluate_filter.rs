//! The evaluation of filters, `[?(..)]`, on an item.

use std::borrow::Cow;

use serde_json::Value;

use crate::evaluation_budget;
use crate::jsonpath::document_walk::DocumentWalk;
use crate::jsonpath::filter_comparison::{self, Side};
use crate::jsonpath::query_budget::QueryFailure;
use crate::jsonpath::syntax_tree::{FilterCondition, FilterOperand, FilterPath};

impl<'v> DocumentWalk<'v, '_> {
    /// Returns `true` if an item passes the filter. A condition that does not apply to the item counts as not met.
    pub(super) fn accepts(
        &mut self,
        condition: &'v FilterCondition,
        item: &'v Value,
    ) -> Result<bool, QueryFailure> {
        match self.meets(condition, item) {
            Err(QueryFailure::Refused) => Ok(false),
            other => other,
        }
    }

    /// Returns `true` if a condition holds; fails with [`QueryFailure::Refused`] if the condition does not apply to the
    /// item.
    fn meets(
        &mut self,
        condition: &'v FilterCondition,
        item: &'v Value,
    ) -> Result<bool, QueryFailure> {
        self.budget.visit()?;
        match condition {
            FilterCondition::Or(conditions) => {
                for condition in conditions {
                    if self.meets(condition, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            FilterCondition::And(conditions) => {
                for condition in conditions {
                    if !self.meets(condition, item)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            FilterCondition::Not(condition) => Ok(!self.meets(condition, item)?),
            FilterCondition::Exists { path, expected } => {
                match self.filter_path(path, item, true) {
                    Ok(_) => Ok(*expected),
                    Err(QueryFailure::Missing { .. }) => Ok(!*expected),
                    Err(failure) => Err(failure),
                }
            }
            FilterCondition::Compare {
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

    /// Evaluates a path in a filter; tests for existence start from the item even after `$`, as in Jayway.
    fn filter_path(
        &mut self,
        path: &'v FilterPath,
        item: &'v Value,
        exists: bool,
    ) -> Result<Cow<'v, Value>, QueryFailure> {
        let document = if path.from_root && !exists {
            self.root
        } else {
            item
        };
        DocumentWalk::evaluate(&path.steps, document, self.root, self.budget, exists)
    }

    /// Evaluates one side of a comparison; a missing value is [`Side::Undefined`], not a failure.
    fn side(
        &mut self,
        operand: &'v FilterOperand,
        item: &'v Value,
    ) -> Result<Side<'v>, QueryFailure> {
        Ok(match operand {
            FilterOperand::Path(path) => match self.filter_path(path, item, false) {
                Ok(value) => {
                    // A comparison reads the whole value, while a test for existence only finds it.
                    if !value.is_number() {
                        self.budget.visit_bytes(evaluation_budget::weight(&value))?;
                    }
                    Side::from_value(value)
                }
                Err(QueryFailure::Missing { .. }) => Side::Undefined,
                Err(failure) => return Err(failure),
            },
            FilterOperand::Text(text) => Side::Text(Cow::Borrowed(text)),
            FilterOperand::Number(number) => Side::Number(number.clone()),
            FilterOperand::Boolean(boolean) => Side::Boolean(*boolean),
            FilterOperand::Null => Side::Null,
            FilterOperand::Json(value) => Side::Json {
                value: Cow::Borrowed(value),
                literal: true,
            },
            FilterOperand::Pattern(pattern) => Side::Pattern(pattern),
        })
    }
}
