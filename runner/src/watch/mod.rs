//! What a long work reports while it runs, and the request to stop that it listens for.

mod progress;
mod stop;

pub use progress::Progress;
pub use stop::{GRACE, StopSignal, Stopper, cancelled};
