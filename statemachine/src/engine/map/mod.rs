//! What a Map state has beyond its iterations: items, limits, batches, objects in S3, and Map Runs.

pub(crate) mod child_executions;
pub(crate) mod csv_rows;
pub(crate) mod item_batcher;
pub(crate) mod item_reader;
pub(crate) mod map_items;
pub(crate) mod map_limits;
pub(crate) mod object_body;
pub(crate) mod object_call;
pub(crate) mod result_writer;
