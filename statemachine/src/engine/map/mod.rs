//! The parts of a Map state around its iterations: items, limits, batches, and objects in S3.

pub(crate) mod child_executions;
pub(crate) mod csv_rows;
pub(crate) mod item_batcher;
pub(crate) mod item_reader;
pub(crate) mod map_items;
pub(crate) mod map_limits;
pub(crate) mod object_body;
pub(crate) mod object_call;
pub(crate) mod result_writer;
