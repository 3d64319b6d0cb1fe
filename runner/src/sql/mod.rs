//! The environment in which SQL runs: sessions with their memory, threads and spill files, the tables that queries
//! scan, and the errors of values that make a query fail.

pub(crate) mod bad_value;
pub(crate) mod column_types;
pub mod engine_settings;
pub(crate) mod held;
pub mod memory;
pub(crate) mod parts_table;
pub(crate) mod planned_table;
mod query_error;
pub(crate) mod scan_exec;
pub(crate) mod threads;
pub(crate) mod value_ids;
pub(crate) mod workspace;

pub use query_error::query_error;
