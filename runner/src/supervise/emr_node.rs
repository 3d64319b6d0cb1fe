//! The primary node of an EMR cluster: the step that runs there, and the disk for spilled data.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use serde::Deserialize;
use tracing::warn;

use crate::report::EmrStep;

/// The file in which EMR describes the cluster, below the root folder.
const JOB_FLOW: &str = "mnt/var/lib/info/job-flow.json";

/// The part of the file that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobFlow {
    /// Id of the cluster, such as `j-2AXXXXXXGAPLF`.
    job_flow_id: String,
}

/// Returns the cluster of this node, and the step that has started this process; `None` if this is not a node of EMR.
/// The step is known by the working directory, which is the folder of its files.
#[must_use]
pub fn emr_step(root: &Path, working_directory: &Path) -> Option<EmrStep> {
    let file = root.join(JOB_FLOW);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            warn!(file = %file.display(), cause = %error, "cannot read the id of the EMR cluster");
            return None;
        }
    };
    match serde_json::from_str::<JobFlow>(&text) {
        Ok(flow) => Some(EmrStep {
            cluster_id: flow.job_flow_id,
            step_id: step_id(working_directory),
        }),
        Err(error) => {
            warn!(file = %file.display(), cause = %error, "cannot read the id of the EMR cluster");
            None
        }
    }
}

/// Returns the id of the step whose folder is the working directory, or is above it.
fn step_id(working_directory: &Path) -> Option<String> {
    let names: Vec<_> = working_directory.iter().collect();
    names.windows(2).find_map(|pair| {
        let id = pair[1].to_str()?;
        (pair[0] == "steps" && id.starts_with("s-")).then(|| id.to_owned())
    })
}

/// Returns the folder for spilled data on a node of EMR: on the largest disk that EMR has mounted for data (`/mnt`,
/// `/mnt1` and so on), never on the root volume unless there is no other.
#[must_use]
pub fn spill_folder(root: &Path) -> Option<PathBuf> {
    let root_device = fs::metadata(root).ok()?.dev();
    let mounts: Vec<PathBuf> = fs::read_dir(root)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_data_mount(path))
        .collect();
    let on_other_disks: Vec<&PathBuf> = mounts
        .iter()
        .filter(|path| fs::metadata(path).is_ok_and(|found| found.dev() != root_device))
        .collect();
    let mut candidates = if on_other_disks.is_empty() {
        mounts.iter().collect()
    } else {
        on_other_disks
    };
    candidates.sort_by_key(|path| std::cmp::Reverse(available_bytes(path)));
    let folders = candidates
        .into_iter()
        .flat_map(|mount| [mount.join("tmp"), mount.clone()]);
    folders.into_iter().find(|folder| is_writable(folder))
}

/// Returns `true` for the name of a disk for data: `mnt`, alone or with a number.
fn is_data_mount(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.strip_prefix("mnt"));
    number.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit()))
}

/// Returns the number of bytes that this user may still write to a disk.
#[cfg_attr(
    target_os = "linux",
    expect(
        clippy::useless_conversion,
        reason = "other systems count with 32 bits"
    )
)]
fn available_bytes(path: &Path) -> u64 {
    statvfs(path).map_or(0, |disk| {
        u64::from(disk.blocks_available()) * u64::from(disk.fragment_size())
    })
}

/// Returns `true` if this process can create a folder in a folder; it creates one and removes it.
fn is_writable(folder: &Path) -> bool {
    let tried = folder.join(format!(".drivetrain-{}", std::process::id()));
    fs::create_dir(&tried)
        .and_then(|()| fs::remove_dir(&tried))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_and_step_are_found_where_emr_puts_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let step = Path::new("/mnt/var/lib/hadoop/steps/s-1ABC");
        assert_eq!(emr_step(root, step), None);
        fs::create_dir_all(root.join("mnt/var/lib/info")).unwrap();
        fs::write(
            root.join(JOB_FLOW),
            "{\"jobFlowId\": \"j-2AXX\", \"masterInstanceId\": \"i-1\"}",
        )
        .unwrap();
        for (folder, id) in [
            (step, Some("s-1ABC")),
            (&step.join("data"), Some("s-1ABC")),
            (Path::new("/home/hadoop"), None),
            (Path::new("/steps/other"), None),
        ] {
            let found = emr_step(root, folder).unwrap();
            assert_eq!(found.cluster_id, "j-2AXX");
            assert_eq!(found.step_id.as_deref(), id);
        }
        fs::write(root.join(JOB_FLOW), "{}").unwrap();
        assert_eq!(emr_step(root, step), None);
    }

    #[test]
    fn data_is_spilled_to_a_disk_for_data() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for name in ["mntx", "home", "tmp"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        assert_eq!(spill_folder(root), None);
        fs::create_dir(root.join("mnt")).unwrap();
        assert_eq!(spill_folder(root), Some(root.join("mnt")));
        fs::create_dir(root.join("mnt/tmp")).unwrap();
        assert_eq!(spill_folder(root), Some(root.join("mnt/tmp")));
        let left = fs::read_dir(root.join("mnt/tmp")).unwrap().count();
        assert_eq!(left, 0);
    }
}
