//! Progress and stop: the counters and stages that a long work reports, and the request to stop that it listens for.

mod progress;
mod stages;
mod stop;

pub use progress::Progress;
pub use stages::{Stage, StageObserver};
pub use stop::{GRACE, StopSignal, Stopper, cancelled};
