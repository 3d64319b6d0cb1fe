//! Queries, rules and checks of a job as DataFusion plans, over tables that the caller registers.

mod check;
mod exact;
mod fit;
mod kept;
mod output;
mod parameters;
mod query;
mod rule;
mod session;

pub use self::check::{CheckPlan, check_plan};
pub use self::kept::Filtered;
pub use self::output::{OutputPlan, output_plan, table_plan};
pub use self::parameters::{Bounds, Parameters};
pub use self::rule::rule_condition;
pub use self::session::session_context;
