//! The port to the outside: task handlers, and the tokens by which waiting tasks are answered.

pub(crate) mod task_handler;
pub(crate) mod task_router;
pub(crate) mod task_tokens;
