//! What a run with a task token does for and about its node: it asks EC2 for the notice of a spot interruption, and
//! tells EMR that it works.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::warn;

use crate::callback::WaitingTask;
use crate::supervise::busy_file::{BUSY_FILE, BusyFile};
use crate::supervise::spot_interruption::{Interruption, interruption};

/// The time that a run has after the notice of a spot interruption to send the put of its record, and the time that it
/// has before the end of the instance for the clean-up and the answer. EC2 gives the notice two minutes before that end.
const PUT_AFTER_NOTICE: Duration = Duration::from_mins(1);
/// The interval at which the busy file is touched.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// Watches the node until the returned value is dropped. With `asks_ec2`, a notice of a spot interruption stops a run
/// that has not announced its put a minute later. With `is_emr`, EMR is told that this process works.
#[must_use]
pub fn watch_node(task: &Arc<WaitingTask>, asks_ec2: bool, is_emr: bool) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    if asks_ec2 {
        let task = Arc::clone(task);
        watches.spawn(async move {
            let Interruption { reason, at } = interruption().await;
            warn!(
                notice = reason.message,
                "a run that does not commit within a minute is stopped"
            );
            sleep(time_to_put(at, Utc::now())).await;
            task.stop_before_put(reason);
        });
    }
    if is_emr {
        let mut busy = BusyFile::new(Path::new(BUSY_FILE), "sudo");
        watches.spawn(async move {
            loop {
                busy.touch().await;
                sleep(TOUCH_INTERVAL).await;
            }
        });
    }
    watches
}

/// Returns the time that a run has to send its put if the instance ends at `end`; the full time if the end is not known.
fn time_to_put(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let left = end.map_or(PUT_AFTER_NOTICE * 2, |end| {
        // An end in the past leaves no time.
        (end - now).to_std().unwrap_or_default()
    });
    left.saturating_sub(PUT_AFTER_NOTICE).min(PUT_AFTER_NOTICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_minute_to_put_and_leaves_one_for_the_clean_up() {
        let now = Utc::now();
        for (left, expected) in [(600, 60), (120, 60), (90, 30), (60, 0), (10, 0), (-5, 0)] {
            let end = now + chrono::TimeDelta::seconds(left);
            assert_eq!(time_to_put(Some(end), now).as_secs(), expected, "{left}");
        }
        assert_eq!(time_to_put(None, now).as_secs(), 60);
    }
}
