//! The port through which all work outside goes, and the tokens that answer it.

pub(crate) mod task_handler;
pub(crate) mod task_router;
pub(crate) mod task_tokens;
