//! The activity of a run: the counters of its stages and of its requests. A run whose counters do not change has stalled.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::error::ErrorKind;
use crate::watch::{Progress, RequestCount, StageObserver, StopReason};

/// The counters of a run at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Activity {
    /// Number of requests to the stores.
    pub requests: u64,
    /// The stages that have begun, in order.
    pub stages: Vec<StageActivity>,
}

/// The counters of one stage at one time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StageActivity {
    /// Name of the stage.
    pub name: String,
    /// Number of rows processed so far.
    pub rows: u64,
    /// Number of bytes processed so far.
    pub bytes: u64,
    /// `true` once the stage has ended.
    pub has_ended: bool,
}

/// Lists the stages and the requests, such as `read: 20080 rows, 2048 bytes, ended; compute: 0 rows, 0 bytes; 12
/// requests`.
impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stage in &self.stages {
            let ended = if stage.has_ended { ", ended" } else { "" };
            let StageActivity {
                name, rows, bytes, ..
            } = stage;
            write!(f, "{name}: {rows} rows, {bytes} bytes{ended}; ")?;
        }
        write!(f, "{} requests", self.requests)
    }
}

/// Recorder of the activity of a run; clones record to the same activity.
#[derive(Clone, Default)]
pub struct ActivityRecorder(Arc<Mutex<Recorded>>);

/// The counters that a recorder reads.
#[derive(Default)]
struct Recorded {
    /// Reader of the number of requests; `None` before the stores are open.
    requests: Option<RequestCount>,
    /// The stages that have begun, in order.
    stages: Vec<RecordedStage>,
}

/// A stage that has begun.
struct RecordedStage {
    /// Name of the stage.
    name: &'static str,
    /// Counters of the stage.
    progress: Progress,
    /// `true` once the stage has ended.
    has_ended: bool,
}

impl ActivityRecorder {
    /// Returns the counters as they are now.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let recorded = self.recorded();
        let stages = recorded.stages.iter().map(|stage| StageActivity {
            name: stage.name.to_owned(),
            rows: stage.progress.rows(),
            bytes: stage.progress.bytes(),
            has_ended: stage.has_ended,
        });
        Activity {
            requests: recorded.requests.as_ref().map_or(0, |read| read()),
            stages: stages.collect(),
        }
    }

    /// Returns an observer that records the stages and passes them on to `inner`.
    pub fn observer<'a>(&self, inner: &'a dyn StageObserver) -> impl StageObserver + 'a {
        Recording {
            recorder: self.clone(),
            inner,
        }
    }

    /// Locks the recorded counters; a panic elsewhere cannot leave them inconsistent.
    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Observer of stages that records them and passes them on.
struct Recording<'a> {
    /// The recorder of the stages.
    recorder: ActivityRecorder,
    /// The observer to which the stages are passed on.
    inner: &'a dyn StageObserver,
}

impl StageObserver for Recording<'_> {
    fn started(&self, name: &'static str, progress: &Progress) -> Box<dyn Any + Send> {
        self.recorder.recorded().stages.push(RecordedStage {
            name,
            progress: progress.clone(),
            has_ended: false,
        });
        self.inner.started(name, progress)
    }

    fn finished(&self, name: &'static str, progress: &Progress, took: Duration) {
        let mut recorded = self.recorder.recorded();
        let stage = recorded
            .stages
            .iter_mut()
            .rfind(|stage| stage.name == name && !stage.has_ended);
        if let Some(stage) = stage {
            stage.has_ended = true;
        }
        drop(recorded);
        self.inner.finished(name, progress, took);
    }

    fn counts_requests(&self, count: RequestCount) {
        self.recorder.recorded().requests = Some(Arc::clone(&count));
        self.inner.counts_requests(count);
    }
}

/// The interval at which counters are compared; a stall is noticed this much later at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Waits until no counter has changed for `timeout`, and returns that as a reason to stop the run. While `read` returns
/// `None`, the run waits for others, which is no stall.
pub async fn stalled(read: impl Fn() -> Option<Activity>, timeout: Duration) -> StopReason {
    let (mut last, mut changed_at) = (Activity::default(), Instant::now());
    loop {
        sleep(INTERVAL).await;
        let now = read();
        if now.as_ref() != Some(&last) {
            (last, changed_at) = (now.unwrap_or(last), Instant::now());
        } else if changed_at.elapsed() >= timeout {
            return StopReason {
                kind: ErrorKind::TryAgain,
                message: format!(
                    "the run has stalled: no row, byte or request was counted for {} s ({last})",
                    timeout.as_secs()
                ),
                hint: Some(
                    "check the store and this node, and run the task again; if a stage needs more time, raise `--stall-timeout`"
                        .to_owned(),
                ),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An observer that ignores all stages.
    struct Ignored;

    impl StageObserver for Ignored {
        fn started(&self, _: &'static str, _: &Progress) -> Box<dyn Any + Send> {
            Box::new(())
        }

        fn finished(&self, _: &'static str, _: &Progress, _: Duration) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_stalls_once_no_counter_changes() {
        let recorder = ActivityRecorder::default();
        let observer = recorder.observer(&Ignored);
        let observer: &dyn StageObserver = &observer;
        observer.counts_requests(Arc::new(|| 7));
        observer.stage("read").finish();
        let computing = observer.stage("compute");
        let counted = computing.progress.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                sleep(Duration::from_secs(9)).await;
                counted.add_rows(1);
            }
        });
        let began = Instant::now();
        let read = || Some(recorder.activity());
        let reason = stalled(read, Duration::from_secs(10)).await;
        let waits = || None;
        let waiting = stalled(waits, Duration::from_secs(10));
        let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        assert!(waited.is_err(), "a run that waits for others stalls");
        let took = began.elapsed().as_secs() - 60;
        assert!((460..463).contains(&took), "{took}");
        let expected =
            "for 10 s (read: 0 rows, 0 bytes, ended; compute: 50 rows, 0 bytes; 7 requests)";
        assert!(reason.message.ends_with(expected), "{}", reason.message);
    }
}
