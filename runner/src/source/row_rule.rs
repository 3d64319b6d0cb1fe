//! SQL conditions over one row, evaluated a batch at a time.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;
use drivetrain_jobs::contract::{Contract, Rule, Severity};
use drivetrain_jobs::plan::rule_condition;

use crate::{Error, Result};

/// A row rule of a contract, with its condition compiled.
#[derive(Debug)]
pub(crate) struct RowRule {
    /// The rule's name in the quarantine and in the report.
    pub(crate) name: Arc<str>,
    /// The condition as the contract writes it, for messages.
    pub(crate) sql: String,
    /// Whether to reject a row that breaks the rule, or to warn.
    pub(crate) severity: Severity,
    /// The compiled condition.
    expression: Arc<dyn PhysicalExpr>,
}

impl RowRule {
    /// Compiles a rule over a contract's columns.
    ///
    /// # Errors
    /// `Usage` if the SQL cannot be parsed, names an unknown column or function, or is not a condition.
    pub(crate) fn new(
        context: &SessionContext,
        dataset: &str,
        contract: &Contract,
        rule: &Rule,
    ) -> Result<Self> {
        let expression = rule_condition(context, contract, rule).map_err(|error| {
            let error = Error::from(error);
            let what = format!("row rule `{}` of input `{dataset}` is invalid", rule.name);
            Error::new(error.kind(), what).caused_by(error)
        })?;
        Ok(Self {
            name: rule.name.as_str().into(),
            sql: rule.sql.clone(),
            severity: rule.severity,
            expression,
        })
    }

    /// Returns the index of each row that breaks the rule. The second value is `None` if the condition is false or
    /// NULL, and the error if the condition cannot be evaluated for the row.
    pub(crate) fn broken(&self, batch: &RecordBatch) -> Vec<(usize, Option<String>)> {
        match self.evaluate(batch) {
            Ok(holds) => rows_not_true(&holds).map(|row| (row, None)).collect(),
            // The failure of one row (a division by zero, for example) hides the results of all other rows, so each row
            // is evaluated alone.
            Err(_) => (0..batch.num_rows())
                .filter_map(|row| match self.evaluate(&batch.slice(row, 1)) {
                    Ok(holds) => rows_not_true(&holds).next().map(|_| (row, None)),
                    Err(error) => Some((row, Some(error.to_string()))),
                })
                .collect(),
        }
    }

    /// Evaluates the condition for each row of a batch.
    fn evaluate(&self, batch: &RecordBatch) -> datafusion::error::Result<BooleanArray> {
        let value = self
            .expression
            .evaluate(batch)?
            .into_array(batch.num_rows())?;
        Ok(cast(&value, &DataType::Boolean)?.as_boolean().clone())
    }
}

/// Returns the indices of the rows for which a condition is false or NULL.
fn rows_not_true(holds: &BooleanArray) -> impl Iterator<Item = usize> + '_ {
    let all_true = holds.null_count() == 0 && holds.true_count() == holds.len();
    let rows = if all_true { 0 } else { holds.len() };
    (0..rows).filter(|row| holds.is_null(*row) || !holds.value(*row))
}
