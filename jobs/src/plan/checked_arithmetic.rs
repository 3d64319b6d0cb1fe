//! Integer arithmetic that fails on overflow instead of wrapping around.
//!
//! DataFusion's `+`, `-`, `*` and `sum` over integers continue at the lowest number once they pass the highest, so a
//! wrong total would be published silently. An analyzer rule replaces them with checked operators and sums in 128 bits.
//! The price is that the optimizer no longer knows the bounds of such expressions.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::Column as QueryColumn;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, Window, cast,
};
use datafusion::optimizer::AnalyzerRule;

/// Type to which integers are cast before they are summed. It holds every 64-bit integer. DataFusion gives the sum more
/// digits, enough for any number of rows that a table can have.
const WIDE: DataType = DataType::Decimal128(20, 0);

/// Analyzer rule that replaces integer arithmetic with checked operators, and widens sums.
#[derive(Debug)]
pub(super) struct CheckedArithmetic;

impl AnalyzerRule for CheckedArithmetic {
    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let checked = plan.transform_up_with_subqueries(|node| {
            let node = check_operators(node)?;
            node.transform_data(wide_sums)
        });
        checked.map(|plan| plan.data)
    }
}

/// Replaces the integer operators in all expressions of a node with checked functions.
fn check_operators(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&node.inputs());
    let names = NamePreserver::new(&node);
    let rewritten = node.map_expressions(|expression| {
        let name = names.save(&expression);
        let rewritten = expression.transform_up(|inner| checked(inner, &schema))?;
        Ok(rewritten.update_data(|expression| name.restore(expression)))
    })?;
    if rewritten.transformed {
        rewritten.map_data(LogicalPlan::recompute_schema)
    } else {
        Ok(rewritten)
    }
}

/// Replaces `+`, `-` and `*` over two integers of one type with a call of the checked function. Returns any other
/// expression unchanged.
fn checked(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(binary) = expression else {
        return Ok(Transformed::no(expression));
    };
    let operation = match binary.op {
        Operator::Plus => Operation::Add,
        Operator::Minus => Operation::Subtract,
        Operator::Multiply => Operation::Multiply,
        _ => return Ok(Transformed::no(Expr::BinaryExpr(binary))),
    };
    let (left, right) = (
        binary.left.get_type(schema)?,
        binary.right.get_type(schema)?,
    );
    if left != right || !left.is_integer() {
        return Ok(Transformed::no(Expr::BinaryExpr(binary)));
    }
    let call = ScalarFunction::new_udf(
        Arc::new(ScalarUDF::new_from_impl(CheckedOperation::new(operation))),
        vec![*binary.left, *binary.right],
    );
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

/// Widens the integer sums of a node to [`WIDE`], and casts the totals back to their own types above the node. The cast
/// fails if a total does not fit.
fn wide_sums(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let (input, sums) = match &node {
        LogicalPlan::Aggregate(aggregate) => (&aggregate.input, &aggregate.aggr_expr),
        LogicalPlan::Window(window) => (&window.input, &window.window_expr),
        _ => return Ok(Transformed::no(node)),
    };
    let narrow = sums
        .iter()
        .map(|sum| narrow_type(sum, input.schema()))
        .collect::<Result<Vec<_>>>()?;
    if narrow.iter().all(Option::is_none) {
        return Ok(Transformed::no(node));
    }
    let schema = Arc::clone(node.schema());
    // In an aggregate node and in a window node, the last columns are those of `sums`.
    let first = schema.fields().len() - narrow.len();
    let widen = |sums: Vec<Expr>| -> Result<Vec<Expr>> {
        let both = sums.into_iter().zip(&narrow);
        both.map(|(sum, narrow)| match narrow {
            Some(_) => widened(sum),
            None => Ok(sum),
        })
        .collect()
    };
    let wide = match node {
        LogicalPlan::Aggregate(aggregate) => {
            let sums = widen(aggregate.aggr_expr)?;
            let wide = Aggregate::try_new(aggregate.input, aggregate.group_expr, sums)?;
            LogicalPlan::Aggregate(wide)
        }
        LogicalPlan::Window(window) => {
            let sums = widen(window.window_expr)?;
            LogicalPlan::Window(Window::try_new(sums, window.input)?)
        }
        other => other,
    };
    let columns = schema
        .iter()
        .enumerate()
        .map(|(index, (qualifier, field))| {
            let column = Expr::Column(QueryColumn::from((qualifier, field)));
            match index.checked_sub(first).and_then(|sum| narrow[sum].clone()) {
                Some(kind) => cast(column, kind).alias_qualified(qualifier.cloned(), field.name()),
                None => column,
            }
        });
    let columns: Vec<_> = columns.collect();
    let plan = LogicalPlanBuilder::from(wide).project(columns)?.build()?;
    Ok(Transformed::yes(plan))
}

/// Returns the original type of a sum over integers, `None` for any other expression.
fn narrow_type(expression: &Expr, input: &DFSchema) -> Result<Option<DataType>> {
    let argument = match expression {
        Expr::Alias(alias) => return narrow_type(&alias.expr, input),
        Expr::AggregateFunction(call) if call.func.name() == "sum" => call.params.args.first(),
        Expr::WindowFunction(call) if call.fun.name() == "sum" => call.params.args.first(),
        _ => None,
    };
    match argument {
        Some(argument) if argument.get_type(input)?.is_integer() => {
            expression.get_type(input).map(Some)
        }
        _ => Ok(None),
    }
}

/// Returns a sum whose argument is cast to [`WIDE`], under the name of the original sum.
fn widened(expression: Expr) -> Result<Expr> {
    let name = expression.schema_name().to_string();
    let wide = expression.transform_down(|inner| match inner {
        Expr::AggregateFunction(mut call) => {
            widen_first(&mut call.params.args);
            Ok(Transformed::complete(Expr::AggregateFunction(call)))
        }
        Expr::WindowFunction(mut call) => {
            widen_first(&mut call.params.args);
            Ok(Transformed::complete(Expr::WindowFunction(call)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(wide.data.unalias().alias(name))
}

/// Casts the first argument of a call to [`WIDE`].
fn widen_first(arguments: &mut [Expr]) {
    if let Some(first) = arguments.first_mut() {
        *first = cast(std::mem::take(first), WIDE);
    }
}

/// Arithmetic operator that a checked function replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Operation {
    /// Addition, which replaces `+`.
    Add,
    /// Subtraction, which replaces `-`.
    Subtract,
    /// Multiplication, which replaces `*`.
    Multiply,
}

/// `+`, `-` or `*` over integers of one type, as a function that fails on overflow.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedOperation {
    /// Operator that the function replaces.
    operation: Operation,
    /// Signature that DataFusion requires. It accepts any types, because [`checked`] has checked them.
    signature: Signature,
}

impl CheckedOperation {
    /// Builds the checked function for an operation.
    fn new(operation: Operation) -> Self {
        Self {
            operation,
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    /// Computes the operation over two operands, each a column or a single value.
    fn compute(&self, values: &[ColumnarValue]) -> std::result::Result<ArrayRef, ArrowError> {
        let [left, right] = values else {
            let message = format!("`{}` takes two arguments", self.name());
            return Err(ArrowError::InvalidArgumentError(message));
        };
        let datum = |value: &ColumnarValue| match value {
            ColumnarValue::Array(array) => {
                Ok(Box::new(Arc::clone(array)) as Box<dyn arrow::array::Datum>)
            }
            ColumnarValue::Scalar(scalar) => Ok(Box::new(scalar.to_scalar()?) as Box<_>),
        };
        let both: Result<_> = datum(left).and_then(|left| Ok((left, datum(right)?)));
        let (left, right) = both.map_err(ArrowError::from)?;
        match self.operation {
            Operation::Add => numeric::add(left.as_ref(), right.as_ref()),
            Operation::Subtract => numeric::sub(left.as_ref(), right.as_ref()),
            Operation::Multiply => numeric::mul(left.as_ref(), right.as_ref()),
        }
    }
}

impl ScalarUDFImpl for CheckedOperation {
    fn name(&self) -> &'static str {
        match self.operation {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [left, right] if left == right => Ok(left.clone()),
            _ => exec_err!("`{}` takes two integers of the same type", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = args
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let computed = self.compute(&args.args)?;
        if scalars {
            let value = datafusion::scalar::ScalarValue::try_from_array(&computed, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(computed))
    }
}
