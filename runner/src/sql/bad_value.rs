//! Values that make a query fail: a fault of the data or of the job, never of the computer.

use std::collections::BTreeMap;

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::{OutputValueError, contract_type_name};

use crate::error::{Cause, Error, ErrorKind};

/// The number of expressions that a message lists if several may have failed.
const SHOWN_PLACES: usize = 4;

/// The way in which a value made a query fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadValue {
    /// Division by zero.
    Zero,
    /// A number beyond the range of its type.
    Overflow,
    /// A text or a number that cannot be cast to the requested type.
    Cast,
    /// A value that the output's column cannot hold.
    Misfit(OutputValueError),
    /// A value that a function rejects, or a subquery with more than one row.
    Refused,
}

impl BadValue {
    /// Returns the bad value behind a query's root error; `None` if the query failed for another reason.
    #[must_use]
    pub fn of(root: &DataFusionError) -> Option<Self> {
        match root {
            DataFusionError::External(external) => {
                external.downcast_ref().cloned().map(Self::Misfit)
            }
            DataFusionError::Execution(_) => Some(Self::Refused),
            DataFusionError::ArrowError(error, _) => Some(match error.as_ref() {
                ArrowError::DivideByZero => Self::Zero,
                ArrowError::ArithmeticOverflow(_) => Self::Overflow,
                // A number that a narrower numeric type cannot hold, such as a sum. Arrow has no type for this case, so
                // its text decides.
                ArrowError::CastError(text) if text.contains("out of range") => Self::Overflow,
                ArrowError::CastError(_) | ArrowError::ParseError(_) => Self::Cast,
                ArrowError::InvalidArgumentError(_) | ArrowError::ComputeError(_) => Self::Refused,
                _ => return None,
            }),
            _ => None,
        }
    }

    /// Builds the error of a query; [`placed`] adds the job, the table and the columns if the plan is known.
    #[must_use]
    pub fn error(&self, cause: DataFusionError) -> Error {
        Error::new(
            ErrorKind::QualityGate,
            format!("the query failed: {}", self.text()),
        )
        .hint(self.way_out())
        .caused_by(cause)
    }

    /// Describes the failure, as a phrase that follows a colon in a message.
    fn text(&self) -> String {
        match self {
            Self::Zero => "division by zero".to_owned(),
            Self::Overflow => "a number too large for its type".to_owned(),
            Self::Cast => "a value that cannot be cast to the requested type".to_owned(),
            Self::Misfit(misfit) => misfit.to_string(),
            Self::Refused => {
                "a value that a function rejects, or a subquery with several rows".to_owned()
            }
        }
    }

    /// Returns the hint: a change of the SQL, the contract or the output's column.
    fn way_out(&self) -> &'static str {
        match self {
            Self::Zero => {
                "divide by `nullif(<divisor>, 0)`, so that the result is NULL, or reject rows with a zero divisor by a row rule of the input"
            }
            Self::Overflow => {
                "cast an operand to a wider type, such as `decimal(38,0)`, or reject rows with too large numbers by a row rule of the input"
            }
            Self::Cast => {
                "use `try_cast`, which returns NULL for such a value, or reject rows with such values by the column's type or a row rule in the input's contract"
            }
            Self::Misfit(misfit) => misfit.hint,
            Self::Refused => {
                "change the query so that it avoids such values, or reject rows with such values by a row rule of the input"
            }
        }
    }

    /// Returns `true` if an expression could have failed in this way by its own operation, not by one of the
    /// expressions within it; `failure` is the engine's error text. The type of a failed cast is only in that text.
    fn may_come_from(&self, expression: &Expr, failure: &str) -> bool {
        let operator = match expression {
            Expr::BinaryExpr(binary) => Some(binary.op),
            _ => None,
        };
        match self {
            Self::Zero => matches!(operator, Some(Operator::Divide | Operator::Modulo)),
            Self::Overflow => match expression {
                Expr::AggregateFunction(call) => call.func.name() == "sum",
                Expr::WindowFunction(call) => call.fun.name() == "sum",
                Expr::Cast(cast) => failure.contains(&cast.field.data_type().to_string()),
                _ => matches!(
                    operator,
                    Some(Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide)
                ),
            },
            Self::Cast => match expression {
                Expr::Cast(cast) => failure.contains(&cast.field.data_type().to_string()),
                Expr::ScalarFunction(call) => call.name().starts_with("to_"),
                _ => false,
            },
            Self::Misfit(_) | Self::Refused => false,
        }
    }
}

/// Adds to the error of a bad value the job, the table or output (`what`), and the columns whose expressions may have
/// failed. Returns any other error unchanged.
///
/// The message cannot name the row, because the engine's errors do not.
#[must_use]
pub fn placed(error: Error, job: &Job, what: &str, plan: &LogicalPlan) -> Error {
    let Some(Cause::DataFusion(cause)) = error.cause() else {
        return error;
    };
    let root = cause.find_root();
    let Some(bad) = BadValue::of(root) else {
        return error;
    };
    let places = places(&bad, plan, &root.to_string());
    let place = match places.as_slice() {
        [] => String::new(),
        [place] => format!(" in {place}"),
        places => {
            let shown: Vec<_> = places.iter().take(SHOWN_PLACES).cloned().collect();
            let more = if places.len() > SHOWN_PLACES {
                " or another expression"
            } else {
                ""
            };
            format!(" in {}{more}", shown.join(" or "))
        }
    };
    let message = format!(
        "{what} of job `{}` cannot be computed: {}{place}",
        job.name,
        bad.text()
    );
    let hint = format!("{}; nothing was published", bad.way_out());
    error.reworded(message).hint(hint)
}

/// Lists the columns of the plan whose expressions may have failed in this way, each with its SQL text.
fn places(bad: &BadValue, plan: &LogicalPlan, failure: &str) -> Vec<String> {
    let (mut suspects, mut names) = (BTreeMap::new(), BTreeMap::new());
    let visited = plan.apply_with_subqueries(|node| {
        for expression in node.expressions() {
            let name = expression.schema_name().to_string();
            let mut suspect = None;
            expression.apply(|inner| {
                if bad.may_come_from(inner, failure) {
                    suspect = Some(text_of(inner));
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
            if let Some(suspect) = suspect {
                suspects.insert(name.clone(), suspect);
            }
            // The plan computes an aggregate under its SQL text; a later node renames it to the output's column.
            if let Expr::Alias(alias) = expression {
                names.insert(name.clone(), name);
                names.insert(alias.expr.schema_name().to_string(), alias.name);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if visited.is_err() {
        // The message is then only less precise: it does not name the column.
        return Vec::new();
    }
    let places = suspects
        .into_iter()
        .map(|(name, text)| match names.get(&name) {
            Some(column) => format!("column `{column}` (`{text}`)"),
            None => format!("`{text}`"),
        });
    places.collect()
}

/// Formats an expression close to the query's SQL; `human_display` would omit a cast.
fn text_of(expression: &Expr) -> String {
    match expression {
        Expr::Cast(cast) => format!(
            "cast({} as {})",
            cast.expr.human_display(),
            contract_type_name(cast.field.data_type())
        ),
        other => other.human_display().to_string(),
    }
}
