//! The condition of an output's `where` and window, which counts the rows that it leaves out.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The number of rows that a query's filter has left out so far; right once the query has run to its end.
#[derive(Clone, Debug, Default)]
pub struct Filtered(Arc<AtomicU64>);

impl Filtered {
    /// The rows left out.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// True where its argument is true; counts the other rows.
///
/// It is volatile, so that DataFusion evaluates it exactly where it stands and once a row: the count is a count, never a
/// difference of two others.
pub(super) struct Kept {
    filtered: Filtered,
    signature: Signature,
}

impl Kept {
    pub(super) fn new(filtered: Filtered) -> Self {
        Self {
            filtered,
            signature: Signature::exact(vec![DataType::Boolean], Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let conditions = args.args[0].to_array(args.number_rows)?;
        let conditions = conditions.as_boolean();
        let kept = if conditions.null_count() > 0 {
            prep_null_mask_filter(conditions)
        } else {
            conditions.clone()
        };
        let left_out = kept.len() - kept.true_count();
        self.filtered.0.fetch_add(
            u64::try_from(left_out).expect("a batch's rows fit 64 bits"),
            Ordering::Relaxed,
        );
        Ok(ColumnarValue::Array(Arc::new(kept)))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// Two of them are one only if they count into one counter.
impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.filtered.0, &other.filtered.0)
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.filtered.0).hash(state);
    }
}
