//! What a long work reports while it runs, and the request to stop that it listens for.
pub(crate) mod progress;
pub(crate) mod stop;
