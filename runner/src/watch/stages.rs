//! Stages of long work, and the port to a display of them.

use std::any::Any;
use std::time::{Duration, Instant};

use crate::watch::Progress;

/// The port to a display of stages.
pub trait StageObserver: Send + Sync {
    /// Called when a stage starts. The value returned is dropped when the stage ends, also when it fails.
    fn started(&self, name: &'static str, progress: &Progress) -> Box<dyn Any + Send>;

    /// Called when a stage has succeeded.
    fn finished(&self, name: &'static str, progress: &Progress, took: Duration);
}

impl dyn StageObserver + '_ {
    /// Starts a stage; it ends when the value is finished or dropped.
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
    /// The display that is notified of the stage's end.
    observer: &'a dyn StageObserver,
    /// Name shown in the progress display and in the report.
    pub name: &'static str,
    /// The time at which the stage started.
    began: Instant,
    /// Counters of the stage.
    pub progress: Progress,
    /// The observer's display of the stage, dropped at its end.
    shown: Box<dyn Any + Send>,
}

impl Stage<'_> {
    /// Ends the stage and returns how long it took.
    #[expect(clippy::must_use_candidate, reason = "most callers only end the stage")]
    pub fn finish(self) -> Duration {
        let took = self.began.elapsed();
        drop(self.shown);
        self.observer.finished(self.name, &self.progress, took);
        took
    }
}
