//! The count of processes that the kernel killed for lack of memory: the proof that signal 9 came from the kernel.

use std::fs;
use std::path::{Path, PathBuf};

/// The file in which a process says how gladly the kernel should kill it; 0 is the default, 1,000 the most.
const OWN_SCORE: &str = "/proc/self/oom_score_adj";
/// The score of a child process: the kernel kills it before its parent, and before the daemons of the node.
const CHILD_SCORE: &str = "500";

/// The count of OOM kills in the control group of one process.
#[derive(Debug)]
pub(super) struct OomKills {
    /// The file with the count.
    file: PathBuf,
    /// The count when the process had just started.
    before: u64,
}

impl OomKills {
    /// Reads the count for a process that runs; `None` if the system has no such count. `root` is the folder with
    /// `proc` and `sys`.
    pub fn of(root: &Path, process: u32) -> Option<Self> {
        let groups = fs::read_to_string(root.join(format!("proc/{process}/cgroup"))).ok()?;
        let file = event_files(root, &groups).find(|file| count(file).is_some())?;
        let before = count(&file)?;
        Some(Self { file, before })
    }

    /// Returns `true` if the kernel has killed a process of the control group since the count was read.
    pub fn have_increased(&self) -> bool {
        count(&self.file).is_some_and(|now| now > self.before)
    }
}

/// Returns the files that may contain the count, best first. `groups` has one line per hierarchy, such as
/// `4:memory:/a/b` for version 1 of control groups and `0::/a/b` for version 2. In a container, the path can be one of
/// the host, so that the files of the folders above it are tried too.
fn event_files(root: &Path, groups: &str) -> impl Iterator<Item = PathBuf> {
    let group = |controller: &str| {
        groups.lines().find_map(|line| {
            let mut columns = line.splitn(3, ':').skip(1);
            let (controllers, path) = (columns.next()?, columns.next()?);
            let is_it = controllers.split(',').any(|name| name == controller);
            is_it.then(|| PathBuf::from(path.trim_start_matches('/')))
        })
    };
    let system = root.join("sys/fs/cgroup");
    let of = |folder: PathBuf, group: Option<PathBuf>, file: &'static str| {
        let groups = group.into_iter().flat_map(|group| {
            let above: Vec<PathBuf> = group.ancestors().map(Path::to_path_buf).collect();
            above
        });
        groups.map(move |group| folder.join(group).join(file))
    };
    let first = of(system.join("memory"), group("memory"), "memory.oom_control");
    first.chain(of(system, group(""), "memory.events"))
}

/// Returns the number in the line `oom_kill` of a file.
fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    number?.trim().parse().ok()
}

/// Makes this process the first that the kernel kills if memory runs out.
pub fn prefer_for_oom_kill() {
    // Systems without this file choose by themselves.
    fs::write(OWN_SCORE, CHILD_SCORE).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_kill_in_the_group_of_the_process_is_seen() {
        for (groups, file) in [
            (
                "0::/steps.slice/step\n",
                "sys/fs/cgroup/steps.slice/step/memory.events",
            ),
            // In a container, the path is one of the host.
            ("0::/../../host\n", "sys/fs/cgroup/memory.events"),
            (
                "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n",
                "sys/fs/cgroup/memory/a/b/memory.oom_control",
            ),
            (
                "4:hugetlb,memory:/docker/1\n0::/\n",
                "sys/fs/cgroup/memory/memory.oom_control",
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            let root = root.path();
            write(root, "proc/7/cgroup", groups);
            write(root, file, "low 0\noom 2\noom_kill 1\noom_group_kill 0\n");
            let kills = OomKills::of(root, 7).expect(groups);
            assert!(!kills.have_increased());
            write(root, file, "oom_kill_disable 0\noom_kill 2\n");
            assert!(kills.have_increased(), "{groups}");
        }
    }

    #[test]
    fn a_system_without_a_count_proves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(OomKills::of(root, 7).is_none());
        write(root, "proc/7/cgroup", "0::/\n");
        assert!(OomKills::of(root, 7).is_none());
        write(root, "sys/fs/cgroup/memory.events", "oom_kill many\n");
        assert!(OomKills::of(root, 7).is_none());
    }
}
