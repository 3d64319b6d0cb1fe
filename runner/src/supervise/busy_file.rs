//! The file by which a process tells EMR that its cluster is not idle.
//!
//! EMR finds a cluster idle if YARN runs nothing, and ends it by its auto-termination policy. A process outside YARN
//! touches a file, and counts as work for as long as the file is new.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::stat::futimens;
use nix::sys::time::TimeSpec;
use tokio::process::Command;
use tokio::time::timeout;
use tracing::{debug, warn};

/// The file, as EMR's documentation names it.
pub(super) const BUSY_FILE: &str = "/emr/metricscollector/isbusy";
/// The longest wait for `sudo`.
const SUDO_TIMEOUT: Duration = Duration::from_secs(10);

/// The file by which a process tells EMR that it works.
#[derive(Debug)]
pub(super) struct BusyFile {
    /// The file.
    path: PathBuf,
    /// The program that acts as root where this user may not write the file.
    sudo: OsString,
    /// `true` once it is known that the file cannot be touched.
    has_failed: bool,
}

impl BusyFile {
    /// Returns the file at a path. `sudo` is the program that acts as root.
    pub fn new(path: &Path, sudo: impl Into<OsString>) -> Self {
        Self {
            path: path.to_owned(),
            sudo: sudo.into(),
            has_failed: false,
        }
    }

    /// Touches the file. Warns once if that is not possible.
    pub async fn touch(&mut self) {
        let Err(error) = touch(&self.path) else {
            return;
        };
        let touched = match error.kind() {
            io::ErrorKind::PermissionDenied => self.touch_as_root().await,
            _ => Err(error),
        };
        match touched {
            Ok(()) => {}
            Err(error) if self.has_failed => {
                debug!(cause = %error, "the file is still not touched");
            }
            Err(error) => {
                self.has_failed = true;
                warn!(
                    file = %self.path.display(),
                    cause = %error,
                    "cannot tell EMR that this step works: after the idle time of its auto-termination policy (an hour \
                     unless the policy says otherwise), EMR may end the cluster; let this user write the file, or \
                     raise the policy's idle time above the time that a run takes"
                );
            }
        }
    }

    /// Touches the file as root, if `sudo` needs no password.
    async fn touch_as_root(&self) -> io::Result<()> {
        let touching = Command::new(&self.sudo)
            .args(["-n", "touch"])
            .arg(&self.path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        let status = timeout(SUDO_TIMEOUT, touching).await??;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "`sudo -n touch` failed ({status})"
            )))
        }
    }
}

/// Sets the times of a file to now, and creates the file if it does not exist. `UTIME_NOW` for both times needs only the
/// permission to write; any other time needs the file's owner, and EMR's file is one of another user.
fn touch(path: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    futimens(&file, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    fn is_new(path: &Path) -> bool {
        let modified = path.metadata().unwrap().modified().unwrap();
        modified.elapsed().unwrap() < Duration::from_mins(1)
    }

    #[tokio::test]
    async fn the_file_is_created_and_then_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("isbusy");
        let mut busy = BusyFile::new(&path, "sudo");
        busy.touch().await;
        assert!(is_new(&path));
        let old = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_times(old)
            .unwrap();
        assert!(!is_new(&path));
        busy.touch().await;
        assert!(is_new(&path) && !busy.has_failed);
    }

    #[tokio::test]
    async fn a_file_of_root_is_touched_by_sudo_and_else_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("isbusy");
        let sudo = folder.path().join("sudo");
        for (text, has_failed) in [
            ("test \"$1 $2\" = '-n touch' && touch \"$3.by-root\"", false),
            ("exit 1", true),
        ] {
            std::fs::write(&sudo, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).unwrap();
            let busy = BusyFile::new(&path, &sudo);
            let touched = busy.touch_as_root().await;
            assert_eq!(touched.is_err(), has_failed, "{touched:?}");
        }
        assert!(is_new(&folder.path().join("isbusy.by-root")));
        // A folder in place of the file fails for every user, without `sudo`.
        std::fs::create_dir(&path).unwrap();
        let mut busy = BusyFile::new(&path, &sudo);
        busy.touch().await;
        assert!(busy.has_failed);
    }
}
