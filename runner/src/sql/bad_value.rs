//! A value with which a query cannot go on: the data's fault, or the job's, and never the machine's.

use std::collections::BTreeMap;

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::{OutputValueError, contract_type_name};

use crate::error::{Cause, Error, ErrorKind};

/// How many places a message names when it cannot be told which of them it was.
const SHOWN_PLACES: usize = 4;

/// What a value did to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadValue {
    /// It was divided by, and is zero.
    Zero,
    /// A number grew beyond its type.
    Overflow,
    /// A text or a number is none of the type that it was cast to.
    Cast,
    /// The output's column cannot hold it.
    Misfit(OutputValueError),
    /// A function, or a subquery of more than one row, refused it.
    Refused,
}

impl BadValue {
    /// Finds out whether a query failed by a value.
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
                // A number that a narrower type of numbers cannot hold, as of a sum.
                ArrowError::CastError(text) if text.contains("out of range") => Self::Overflow,
                ArrowError::CastError(_) | ArrowError::ParseError(_) => Self::Cast,
                ArrowError::InvalidArgumentError(_) | ArrowError::ComputeError(_) => Self::Refused,
                _ => return None,
            }),
            _ => None,
        }
    }

    /// The failure of a query, where no more is known about it.
    #[must_use]
    pub fn error(&self, cause: DataFusionError) -> Error {
        Error::new(
            ErrorKind::QualityGate,
            format!("the query fails: {}", self.text()),
        )
        .hint(self.way_out())
        .caused_by(cause)
    }

    fn text(&self) -> String {
        match self {
            Self::Zero => "division by zero".to_owned(),
            Self::Overflow => "a number too large for its type".to_owned(),
            Self::Cast => "a value that is not of the type that it is cast to".to_owned(),
            Self::Misfit(misfit) => misfit.to_string(),
            Self::Refused => "a value that it cannot compute with".to_owned(),
        }
    }

    fn way_out(&self) -> &'static str {
        match self {
            Self::Zero => {
                "divide by `nullif(.., 0)`, which gives NULL, or let a rule of the input reject such rows"
            }
            Self::Overflow => {
                "compute in a wider type (`cast(.. as decimal(38,0))`), or let a rule of the input reject such rows"
            }
            Self::Cast => {
                "use `try_cast`, which gives NULL, or let the input's contract reject such rows by a type or a rule"
            }
            Self::Misfit(misfit) => misfit.hint,
            Self::Refused => "correct the query, or let a rule of the input reject such rows",
        }
    }

    /// Whether an expression could be what failed, itself and not what it holds.
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

/// Names the job, what it was computing, and the columns that can have failed; other failures stay as they are.
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
                ", .."
            } else {
                ""
            };
            format!(" in one of {}{more}", shown.join(", "))
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

/// The columns of the plan whose expressions can have failed so, each with its text.
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
            // A sum is computed under its own text, and named further up.
            if let Expr::Alias(alias) = expression {
                names.insert(name.clone(), name);
                names.insert(alias.expr.schema_name().to_string(), alias.name);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if visited.is_err() {
        // Only the message is poorer.
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

/// The text of an expression near to how it was written; a cast would not show.
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
