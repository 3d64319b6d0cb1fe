//! The shutdown of the system, which ends processes by SIGTERM as a user does.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::error::ErrorKind;
use crate::watch::StopReason;

/// The program that knows the state of the system.
const SYSTEMCTL: &str = "systemctl";
/// The longest wait for its answer, because a system that shuts down soon kills this process.
const SYSTEMCTL_TIMEOUT: Duration = Duration::from_millis(500);

/// Returns the reason to stop if the system shuts down; `None` if it does not, or does not say so.
pub async fn shutdown() -> Option<StopReason> {
    let is_shutdown = is_shutting_down(SYSTEMCTL.as_ref()).await;
    is_shutdown.then(|| StopReason {
        kind: ErrorKind::NodeLost,
        message: "the system shuts down; nothing was published".to_owned(),
        hint: Some("run the task again, on another node".to_owned()),
    })
}

/// Returns `true` if `systemctl`, the program at this path, says that the system is stopping.
async fn is_shutting_down(systemctl: &OsStr) -> bool {
    let asked = Command::new(systemctl)
        .arg("is-system-running")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    // The exit code is not 0 in this state.
    match timeout(SYSTEMCTL_TIMEOUT, asked).await {
        Ok(Ok(output)) => output.stdout.trim_ascii() == b"stopping",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn only_a_system_that_says_so_shuts_down() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text, expected) in [
            ("stopping", "echo stopping; exit 1", true),
            ("running", "echo running", false),
            ("offline", "echo offline >&2; exit 1", false),
            ("slow", "sleep 30; echo stopping", false),
        ] {
            let program = folder.path().join(name);
            std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&program, mode).unwrap();
            assert_eq!(
                is_shutting_down(program.as_os_str()).await,
                expected,
                "{name}"
            );
        }
        assert!(!is_shutting_down(folder.path().join("none").as_os_str()).await);
    }
}
