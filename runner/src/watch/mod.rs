//! Progress of long work (counters and stages), its stall, and the request to stop it.

mod activity;
mod progress;
mod stages;
mod stop;

pub use activity::{Activity, ActivityRecorder, StageActivity, stalled};
pub use progress::Progress;
pub use stages::{RequestCount, Stage, StageObserver};
pub use stop::{GRACE, StopReason, StopSignal, Stopper};
