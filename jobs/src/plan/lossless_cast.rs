//! The cast from a query's column to the contract's type, which fails if a value would change.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use thiserror::Error;

use super::type_compatibility::contract_type_name;
use crate::contract::Column;

/// A value that the output's column cannot hold. Either the data or the job is wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{output}.{column}` {problem}")]
pub struct OutputValueError {
    /// Name of the output to which the column belongs.
    pub output: String,
    /// Name of the output's column that cannot hold the value.
    pub column: String,
    /// Rest of the message after the column's name, such as ``has the type `int`, which cannot hold 1.5 without losing
    /// digits``.
    pub problem: String,
    /// Advice for the user: how to change the query, the type or the data.
    pub hint: &'static str,
}

/// The SQL function that casts values to a column's type. Overflow, lost digits, and NULL in a `not null` column fail
/// the query.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LosslessCast {
    /// Name of the output, which errors state.
    output: String,
    /// Name of the column, which errors state and which the resulting field gets.
    column: String,
    /// Arrow type of the column, to which values are cast.
    target: DataType,
    /// `true` if the column accepts NULL.
    nullable: bool,
    /// Signature that DataFusion requires; types are checked when the output is planned.
    signature: Signature,
}

impl LosslessCast {
    /// Builds the cast to a column of an output.
    pub(super) fn new(output: &str, column: &Column) -> Self {
        Self {
            output: output.to_owned(),
            column: column.name.clone(),
            target: column.kind.arrow(),
            nullable: column.nullable,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    /// Builds the error about a value that the column cannot hold.
    fn error(&self, problem: String, hint: &'static str) -> DataFusionError {
        DataFusionError::External(Box::new(OutputValueError {
            output: self.output.clone(),
            column: self.column.clone(),
            problem,
            hint,
        }))
    }

    /// Casts values to the column's type, and fails if a value would change.
    fn convert(&self, values: &ArrayRef) -> Result<ArrayRef> {
        if !self.nullable && values.logical_null_count() > 0 {
            return Err(self.error(
                "is `not null`, but the query returns NULL".to_owned(),
                "return a value in the query (`coalesce(.., 0)`), leave such rows out with `where`, or remove `not null` from the column",
            ));
        }
        if *values.data_type() == self.target {
            return Ok(Arc::clone(values));
        }
        let strict = CastOptions {
            safe: false,
            format_options: FormatOptions::default(),
        };
        let converted = cast_with_options(values, &self.target, &strict).map_err(|error| {
            self.error(
                format!(
                    "has the type `{}`, which cannot hold every value: {error}",
                    contract_type_name(&self.target)
                ),
                "choose a wider type for the column in `job.toml`, or correct the data",
            )
        })?;
        if loses_digits(values.data_type(), &self.target) {
            // A number that was rounded up may overflow when it is cast back. It is then NULL, which also differs from
            // the original.
            let back = cast_with_options(&converted, values.data_type(), &CastOptions::default())?;
            if let Some(row) = distinct(values, &back)?.values().set_indices().next() {
                let value = ArrayFormatter::try_new(values, &FormatOptions::default())?
                    .value(row)
                    .to_string();
                return Err(self.error(
                    format!(
                        "has the type `{}`, which cannot hold {value} without losing digits",
                        contract_type_name(&self.target)
                    ),
                    "round the value in the query (`round(.., 2)`, `date_trunc`), or give the column's type more digits",
                ));
            }
        }
        Ok(converted)
    }
}

/// `true` if a strict cast between two types may round or truncate a value. Overflow does not count, because every
/// strict cast fails on it.
fn loses_digits(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (
            DataType::Decimal128(_, from) | DataType::Decimal256(_, from),
            DataType::Decimal128(_, to),
        ) => to < from,
        (
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale),
            DataType::Int32 | DataType::Int64,
        ) => *scale > 0,
        (DataType::Timestamp(..), DataType::Timestamp(..)) => true,
        _ => false,
    }
}

impl ScalarUDFImpl for LosslessCast {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(
            &self.column,
            self.target.clone(),
            self.nullable,
        )))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            ColumnarValue::Array(values) => self.convert(values).map(ColumnarValue::Array),
            ColumnarValue::Scalar(value) => {
                let converted = self.convert(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                    &converted, 0,
                )?))
            }
        }
    }
}
