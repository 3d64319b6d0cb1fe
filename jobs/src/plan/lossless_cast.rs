//! The cast from a query's column to its contract's type that loses nothing: what does not fit is an error.

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

/// A value that a query gives and that its output's column cannot hold: the data's fault, or the job's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{output}.{column}` {what}")]
pub struct OutputValueError {
    /// The output.
    pub output: String,
    /// Its column.
    pub column: String,
    /// What it cannot do, in the words that follow the column's name.
    pub what: String,
    /// What can be done about it.
    pub way_out: &'static str,
}

/// Casts values to a column's type: overflow, lost digits, and NULL in a `not null` column fail the query.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LosslessCast {
    output: String,
    column: String,
    target: DataType,
    nullable: bool,
    signature: Signature,
}

impl LosslessCast {
    pub(super) fn new(output: &str, column: &Column) -> Self {
        Self {
            output: output.to_owned(),
            column: column.name.clone(),
            target: column.kind.arrow(),
            nullable: column.nullable,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    fn error(&self, what: String, way_out: &'static str) -> DataFusionError {
        DataFusionError::External(Box::new(OutputValueError {
            output: self.output.clone(),
            column: self.column.clone(),
            what,
            way_out,
        }))
    }

    fn convert(&self, values: &ArrayRef) -> Result<ArrayRef> {
        if !self.nullable && values.logical_null_count() > 0 {
            return Err(self.error(
                "is `not null`, and the query gives NULL".to_owned(),
                "give it a value in the query (`coalesce(.., 0)`), leave such rows out by `where`, or drop `not null`",
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
                    "cannot hold every value as {}: {error}",
                    contract_type_name(&self.target)
                ),
                "make the column's type wider in `job.toml`, or correct the data",
            )
        })?;
        if loses_digits(values.data_type(), &self.target) {
            // What was rounded up may not go back: then it is NULL, which also differs.
            let back = cast_with_options(&converted, values.data_type(), &CastOptions::default())?;
            if let Some(row) = distinct(values, &back)?.values().set_indices().next() {
                let value = ArrayFormatter::try_new(values, &FormatOptions::default())?
                    .value(row)
                    .to_string();
                return Err(self.error(
                    format!(
                        "cannot hold {value} as {} without losing digits",
                        contract_type_name(&self.target)
                    ),
                    "round it in the query (`round(.., 2)`, `date_trunc`), or give the column's type more digits",
                ));
            }
        }
        Ok(converted)
    }
}

/// Whether a strict cast may still round or cut; overflow it refuses by itself.
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
