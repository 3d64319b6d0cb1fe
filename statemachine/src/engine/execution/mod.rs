//! Everything that the states of one execution share, and the handle for the execution's caller.

pub(crate) mod context_object;
pub(crate) mod environment;
pub(crate) mod execution_handle;
pub(crate) mod execution_run;
pub(crate) mod map_item;
