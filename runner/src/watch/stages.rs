//! Stages of long work, and the port to a display of them.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::watch::Progress;

/// Reader of the number of requests to a run's stores so far.
pub type RequestCount = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Port to a display of stages; the `terminal` folder implements it.
pub trait StageObserver: Send + Sync {
    /// Called when a stage starts. The returned value is dropped when the stage ends, even if the stage fails.
    fn started(&self, name: &'static str, progress: &Progress) -> Box<dyn Any + Send>;

    /// Called when a stage has succeeded.
    fn finished(&self, name: &'static str, progress: &Progress, took: Duration);

    /// Called once the stores are open, with the reader of their request counters.
    fn counts_requests(&self, count: RequestCount) {
        drop(count);
    }
}

impl dyn StageObserver + '_ {
    /// Starts a stage, which ends when the returned value is finished or dropped.
    #[must_use]
    pub fn stage(&self, name: &'static str) -> Stage<'_> {
        let progress = Progress::default();
        let shown = self.started(name, &progress);
        Stage {
            observer: self,
            name,
            began: Instant::now(),
            progress,
            shown,
        }
    }
}

/// A stage in progress.
pub struct Stage<'a> {
    /// The display that is notified when the stage succeeds.
    observer: &'a dyn StageObserver,
    /// Name shown in the progress display and in the report.
    pub name: &'static str,
    /// The time at which the stage started.
    began: Instant,
    /// Counters of the stage.
    pub progress: Progress,
    /// The value that the observer returned at the start; dropping it removes the stage from the display.
    shown: Box<dyn Any + Send>,
}

impl Stage<'_> {
    /// Ends the stage as a success, and returns its duration.
    #[expect(clippy::must_use_candidate, reason = "most callers only end the stage")]
    pub fn finish(self) -> Duration {
        let took = self.began.elapsed();
        drop(self.shown);
        self.observer.finished(self.name, &self.progress, took);
        took
    }
}
