//! Plans a job's queries, rules and checks with DataFusion, over tables that the caller registers.

mod parameters;
mod session;

mod output_plan;
mod quality_checks;
mod row_rule;
mod sql_to_plan;

mod clustering;
mod reread_outputs;

mod lossless_cast;
mod type_compatibility;

mod checked_arithmetic;
mod counted_filter;
mod extension_planner;
mod join_memory_error;
mod lookup_join;
mod row_lookup;

pub use self::clustering::clustering;
pub use self::counted_filter::FilteredRows;
pub use self::join_memory_error::JoinOutOfMemory;
pub use self::lossless_cast::OutputValueError;
pub use self::output_plan::{OutputPlan, output_plan, table_plan};
pub use self::parameters::{Bounds, Parameters};
pub use self::quality_checks::{CheckPlan, check_plan};
pub use self::reread_outputs::reread_outputs;
pub use self::row_rule::rule_condition;
pub use self::session::session_context;
pub use self::type_compatibility::contract_type_name;

pub(crate) use self::output_plan::plan_output;
pub(crate) use self::quality_checks::comparable;
pub(crate) use self::row_rule::plan_rule;
pub(crate) use self::sql_to_plan::{plan_condition, plan_query};
pub(crate) use self::type_compatibility::{cast_hint, is_compatible};

#[cfg(test)]
mod tests;
