//! Queries, rules and checks of a job as DataFusion plans, over tables that the caller registers.

mod check;
mod checked;
mod clustering;
mod counted;
mod exact;
mod fit;
mod lookup;
mod lookup_join;
mod output;
mod parameters;
mod planner;
mod reads;
mod rule;
mod session;
mod sql;

pub use self::check::{CheckPlan, check_plan};
pub use self::clustering::clustering;
pub use self::counted::Filtered;
pub use self::exact::Misfit;
pub use self::fit::spoken;
pub use self::output::{OutputPlan, output_plan, table_plan};
pub use self::parameters::{Bounds, Parameters};
pub use self::reads::outputs_read;
pub use self::rule::rule_condition;
pub use self::session::session_context;

pub(crate) use self::check::comparable;
pub(crate) use self::fit::{fits, fix};
pub(crate) use self::output::planned;
pub(crate) use self::rule::condition;
pub(crate) use self::sql::{condition as row_condition, query};

#[cfg(test)]
mod tests;
