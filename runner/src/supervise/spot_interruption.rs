//! The notice that EC2 gives two minutes before it ends a spot instance.

use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use crate::error::ErrorKind;
use crate::store::aws_sdk;
use crate::watch::StopReason;

/// The path of the notice in the instance's metadata.
const NOTICE: &str = "/latest/meta-data/spot/instance-action";
/// The interval at which AWS recommends to ask for the notice.
const INTERVAL: Duration = Duration::from_secs(5);

/// A notice of EC2.
#[derive(Debug, Deserialize)]
struct Notice {
    /// What EC2 will do with the instance: `terminate`, `stop` or `hibernate`.
    action: String,
    /// The time at which EC2 will do it, in UTC.
    time: String,
}

/// The end of this instance, as EC2 has announced it.
#[derive(Debug)]
pub(super) struct Interruption {
    /// The notice as a reason to stop.
    pub reason: StopReason,
    /// The time of the end; `None` if the notice has no valid time.
    pub at: Option<DateTime<Utc>>,
}

/// Returns `true` if this machine is an instance of EC2. `root` is the folder with `sys`.
#[must_use]
pub fn is_ec2(root: &Path) -> bool {
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    read("sys/class/dmi/id/sys_vendor").trim() == "Amazon EC2"
        || read("sys/hypervisor/uuid").starts_with("ec2")
}

/// Waits for a notice that EC2 will end this instance, and returns it as a reason to stop. No answer of the metadata
/// service is no notice.
pub(super) async fn interruption() -> Interruption {
    let client = aws_sdk::metadata_client();
    let (mut next, mut has_warned) = (Instant::now(), false);
    loop {
        match client.get(NOTICE).await {
            Ok(text) => match serde_json::from_str::<Notice>(text.as_ref()) {
                Ok(notice) => return notice.into_interruption(),
                Err(error) if has_warned => debug!(cause = %error, "the notice is still not valid"),
                Err(error) => {
                    has_warned = true;
                    warn!(cause = %error, "EC2's notice of a spot interruption is not valid");
                }
            },
            Err(error) => debug!(cause = %error, "no notice of a spot interruption"),
        }
        // Requests that take long do not follow each other more closely.
        next = (next + INTERVAL).max(Instant::now());
        sleep_until(next).await;
    }
}

impl Notice {
    /// Returns the notice as a reason to stop.
    fn into_interruption(self) -> Interruption {
        let Self { action, time } = self;
        let at = DateTime::parse_from_rfc3339(&time);
        let message =
            format!("EC2 will {action} this spot instance at {time}; nothing was published");
        Interruption {
            reason: StopReason {
                kind: ErrorKind::NodeLost,
                message,
                hint: Some("run the task again, on another node".to_owned()),
            },
            at: at.ok().map(|at| at.to_utc()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_of_ec2_is_recognized() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(!is_ec2(root));
        for (file, text) in [
            ("sys/class/dmi/id/sys_vendor", "Amazon EC2\n"),
            (
                "sys/hypervisor/uuid",
                "ec2e1916-9099-7caf-fd21-012345abcdef\n",
            ),
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "QEMU\n").unwrap();
            assert!(!is_ec2(root));
            fs::write(&path, text).unwrap();
            assert!(is_ec2(root));
            fs::remove_file(&path).unwrap();
        }
    }
}
