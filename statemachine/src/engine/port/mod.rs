//! The port to the outside: task handlers, and the tokens with which workers answer waiting tasks.

pub(crate) mod task_handler;
pub(crate) mod task_router;
pub(crate) mod task_tokens;
