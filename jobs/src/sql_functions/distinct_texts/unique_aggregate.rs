//! The aggregate functions `count_unique` and `unique_set`, as DataFusion calls them.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::encoded_set;
use super::groups_accumulator::{UniqueResult, UniqueTextsAccumulator};
use super::text_dictionary::TextDictionary;

/// The aggregate functions `count_unique`, which returns what `count(distinct text)` returns, and `unique_set`, which
/// returns the set of the distinct texts.
///
/// Both take only texts and sets of texts, because `count(distinct ..)` is fast for numbers and dates.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct UniqueAggregate {
    /// Whether the function returns counts or sets.
    result: UniqueResult,
    /// Dictionary of the session, which maps texts to ids.
    dictionary: TextDictionary,
    /// Signature that makes DataFusion call `coerce_types`.
    signature: Signature,
}

impl UniqueAggregate {
    /// Builds the aggregate function `count_unique`.
    pub(crate) fn counts(dictionary: TextDictionary) -> Self {
        Self::new(UniqueResult::Counts, dictionary)
    }

    /// Builds the aggregate function `unique_set`.
    pub(crate) fn sets(dictionary: TextDictionary) -> Self {
        Self::new(UniqueResult::Sets, dictionary)
    }

    /// Builds the aggregate function that returns counts or sets.
    fn new(result: UniqueResult, dictionary: TextDictionary) -> Self {
        Self {
            result,
            dictionary,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// Builds an accumulator that has no groups yet.
    fn groups(&self) -> UniqueTextsAccumulator {
        UniqueTextsAccumulator::new(self.dictionary.clone(), self.result)
    }
}

impl AggregateUDFImpl for UniqueAggregate {
    fn name(&self) -> &'static str {
        match self.result {
            UniqueResult::Counts => "count_unique",
            UniqueResult::Sets => "unique_set",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null] => {
                Ok(vec![DataType::Utf8View])
            }
            [DataType::LargeBinary] => Ok(vec![DataType::LargeBinary]),
            [other] => plan_err!(
                "`{}` takes a string or a set, got {other}: use `count(distinct ..)` for other types",
                self.name()
            ),
            _ => plan_err!("`{}` takes one argument, a string or a set", self.name()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.result {
            UniqueResult::Counts => DataType::Int64,
            UniqueResult::Sets => DataType::LargeBinary,
        })
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(match self.result {
            UniqueResult::Counts => ScalarValue::Int64(Some(0)),
            UniqueResult::Sets => ScalarValue::LargeBinary(Some(encoded_set::EMPTY.to_vec())),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "unique texts");
        Ok(vec![Arc::new(Field::new(
            name,
            DataType::LargeBinary,
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
        Ok(Box::new(self.groups()))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let mut one = self.groups();
        one.add_groups(1);
        Ok(Box::new(SingleGroupAccumulator(one)))
    }
}

/// Accumulator for a query without `group by`: an accumulator of groups that has a single group.
#[derive(Debug)]
struct SingleGroupAccumulator(UniqueTextsAccumulator);

impl Accumulator for SingleGroupAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values[0].len();
        self.0
            .update_batch(values, &vec![0; rows], None::<&BooleanArray>, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.0.evaluate(EmitTo::All)?;
        ScalarValue::try_from_array(&value, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = self.0.state(EmitTo::All)?;
        Ok(vec![ScalarValue::try_from_array(&state[0], 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states[0].len();
        self.0.merge_batch(states, &vec![0; rows], 1)
    }
}
