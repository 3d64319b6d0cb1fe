//! Progress of long work (counters and stages), and the request to stop it.

mod progress;
mod stages;
mod stop;

pub use progress::Progress;
pub use stages::{Stage, StageObserver};
pub use stop::{GRACE, StopReason, StopSignal, Stopper};
