//! Conditions in SQL over one row, evaluated a batch at a time.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;
use drivetrain_jobs::contract::{Contract, Rule, Severity};
use drivetrain_jobs::plan::rule_condition;

use crate::{Error, Result};

/// A compiled condition.
#[derive(Debug)]
pub(crate) struct RowRule {
    pub(crate) name: Arc<str>,
    pub(crate) sql: String,
    pub(crate) severity: Severity,
    expression: Arc<dyn PhysicalExpr>,
}

impl RowRule {
    /// Compiles a rule over a contract's columns.
    ///
    /// # Errors
    /// Usage: the SQL cannot be parsed, names what is not there, or is no condition.
    pub(crate) fn new(
        context: &SessionContext,
        dataset: &str,
        contract: &Contract,
        rule: &Rule,
    ) -> Result<Self> {
        let expression = rule_condition(context, contract, rule).map_err(|error| {
            let error = Error::from(error);
            let what = format!("rule `{}` of `{dataset}` cannot be used", rule.name);
            Error::new(error.kind(), what).caused_by(error)
        })?;
        Ok(Self {
            name: rule.name.as_str().into(),
            sql: rule.sql.clone(),
            severity: rule.severity,
            expression,
        })
    }

    /// Says for each row why it breaks the rule, if it does: because the condition is not true, or has no value.
    pub(crate) fn broken(&self, batch: &RecordBatch) -> Vec<(usize, Option<String>)> {
        match self.evaluate(batch) {
            Ok(holds) => rows_not_true(&holds).map(|row| (row, None)).collect(),
            // One row's failure (a division by zero, say) hides the answers of all others: ask for each alone.
            Err(_) => (0..batch.num_rows())
                .filter_map(|row| match self.evaluate(&batch.slice(row, 1)) {
                    Ok(holds) => rows_not_true(&holds).next().map(|_| (row, None)),
                    Err(error) => Some((row, Some(error.to_string()))),
                })
                .collect(),
        }
    }

    fn evaluate(&self, batch: &RecordBatch) -> datafusion::error::Result<BooleanArray> {
        let value = self
            .expression
            .evaluate(batch)?
            .into_array(batch.num_rows())?;
        Ok(cast(&value, &DataType::Boolean)?.as_boolean().clone())
    }
}

fn rows_not_true(holds: &BooleanArray) -> impl Iterator<Item = usize> + '_ {
    let all_true = holds.null_count() == 0 && holds.true_count() == holds.len();
    let rows = if all_true { 0 } else { holds.len() };
    (0..rows).filter(|row| holds.is_null(*row) || !holds.value(*row))
}
