//! `count_unique(text)`: how many different texts there are, NULL apart, in each of many groups.

mod groups;
#[cfg(test)]
mod tests;
mod texts;

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use self::groups::UniqueTexts;

/// The function: what `count(distinct text)` gives.
///
/// DataFusion holds a set of texts for each group, and grouping twice holds a row for each pair; both take several times
/// as long and as much memory. Here a text becomes a number once, and a pair of group and number is eight bytes in a list
/// that is sorted now and then. Numbers and dates have no need of it: `count(distinct ..)` is fast for them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CountUnique {
    signature: Signature,
}

impl CountUnique {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for CountUnique {
    fn name(&self) -> &'static str {
        "count_unique"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null] => {
                Ok(vec![DataType::Utf8View])
            }
            [other] => {
                plan_err!("`count_unique` takes a text, not {other}: write `count(distinct ..)`")
            }
            _ => plan_err!("`count_unique` takes one text"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "unique texts");
        Ok(vec![Arc::new(Field::new(
            name,
            groups::state_type(),
            false,
        ))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(UniqueTexts::default()))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::default()))
    }
}

/// The count over all rows: that of one group.
#[derive(Debug, Default)]
struct OneGroup {
    texts: UniqueTexts,
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values[0].len();
        self.texts
            .update_batch(values, &vec![0; rows], None::<&BooleanArray>, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        // A count of nothing has seen no group.
        let counts = self.texts.evaluate(EmitTo::All)?;
        let counts = counts.as_primitive::<Int64Type>();
        Ok(ScalarValue::Int64(Some(
            counts.values().first().copied().unwrap_or(0),
        )))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.texts.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.texts.see_groups(1);
        let state = self.texts.state(EmitTo::All)?;
        Ok(vec![ScalarValue::List(Arc::new(
            state[0].as_list::<i32>().clone(),
        ))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states[0].len();
        self.texts.merge_batch(states, &vec![0; rows], 1)
    }
}
