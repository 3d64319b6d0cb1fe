//! What a run with a task token does for and about its node: it asks EC2 for the notice of a spot interruption, and
//! tells EMR that it works.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::warn;

use crate::callback::WaitingTask;
use crate::supervise::busy_file::{BUSY_FILE, BusyFile};
use crate::supervise::spot_interruption::interruption;

/// The time that a run has after the notice of a spot interruption to send the put of its record. EC2 ends the instance
/// two minutes after the notice; the rest is for the clean-up and the answer.
const PUT_AFTER_NOTICE: Duration = Duration::from_mins(1);
/// The interval at which the busy file is touched.
const BUSY: Duration = Duration::from_mins(1);

/// Watches the node until the returned value is dropped. With `asks_ec2`, a notice of a spot interruption stops a run
/// that has not announced its put a minute later.
#[must_use]
pub fn watch_node(task: &Arc<WaitingTask>, asks_ec2: bool) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    if asks_ec2 {
        let task = Arc::clone(task);
        watches.spawn(async move {
            let reason = interruption().await;
            warn!(
                notice = reason.message,
                "a run that does not commit within a minute is stopped"
            );
            sleep(PUT_AFTER_NOTICE).await;
            task.stop_before_put(reason);
        });
    }
    if let Some(mut busy) = BusyFile::find(Path::new(BUSY_FILE), "sudo") {
        watches.spawn(async move {
            loop {
                busy.touch().await;
                sleep(BUSY).await;
            }
        });
    }
    watches
}
