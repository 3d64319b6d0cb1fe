//! `set_union(a, b)` and `set_size(set)`, the scalar SQL functions over sets of texts.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, LargeBinaryBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::encoded_set::EncodedSet;

/// The SQL function `set_union`: the union of two sets. NULL counts as the empty set; the result is NULL only if both
/// arguments are NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SetUnion(Signature);

/// The SQL function `set_size`: the number of texts in a set.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SetSize(Signature);

impl SetUnion {
    /// Builds the function; its argument types are checked by `coerce_types`.
    pub(crate) fn new() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl SetSize {
    /// Builds the function; its argument types are checked by `coerce_types`.
    pub(crate) fn new() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

/// Checks that a function gets `count` sets, and returns the types to which they are coerced.
fn sets(name: &str, types: &[DataType], count: usize) -> Result<Vec<DataType>> {
    let fit = |kind: &DataType| matches!(kind, DataType::LargeBinary | DataType::Null);
    if types.len() == count && types.iter().all(fit) {
        return Ok(vec![DataType::LargeBinary; count]);
    }
    let wanted = if count == 1 { "one set" } else { "two sets" };
    plan_err!("`{name}` takes {wanted} made by `unique_set`")
}

impl ScalarUDFImpl for SetUnion {
    fn name(&self) -> &'static str {
        "set_union"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        sets(self.name(), types, 2)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeBinary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let (left, right) = (arrays[0].as_binary::<i64>(), arrays[1].as_binary::<i64>());
            let mut unions = LargeBinaryBuilder::with_capacity(left.len(), 0);
            let mut union = Vec::new();
            for (left, right) in left.iter().zip(right) {
                match (left, right) {
                    (Some(left), Some(right)) => {
                        union.clear();
                        EncodedSet::read(left)?.union(EncodedSet::read(right)?, &mut union);
                        unions.append_value(&union);
                    }
                    (one, other) => unions.append_option(one.or(other)),
                }
            }
            Ok(Arc::new(unions.finish()))
        })
    }
}

impl ScalarUDFImpl for SetSize {
    fn name(&self) -> &'static str {
        "set_size"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        sets(self.name(), types, 1)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let sizes = arrays[0].as_binary::<i64>().iter().map(|set| {
                let Some(set) = set else { return Ok(None) };
                let size = EncodedSet::read(set)?.len();
                Ok(Some(
                    i64::try_from(size).expect("the number of texts in memory fits 63 bits"),
                ))
            });
            Ok(Arc::new(sizes.collect::<Result<Int64Array>>()?))
        })
    }
}

/// Evaluates a function over its arguments as columns. If all arguments are constant, each column has a single row, and
/// the result is a constant.
fn on_arrays(
    args: &ScalarFunctionArgs,
    compute: impl FnOnce(&[ArrayRef]) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let constant = args
        .args
        .iter()
        .all(|value| matches!(value, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { args.number_rows };
    let arrays = args
        .args
        .iter()
        .map(|value| value.to_array(rows))
        .collect::<Result<Vec<_>>>()?;
    let result = compute(&arrays)?;
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
            &result, 0,
        )?));
    }
    Ok(ColumnarValue::Array(result))
}
