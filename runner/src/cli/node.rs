//! What the command line knows of the machine: whether it is a node of EMR, or an instance of EC2.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tracing::warn;

use crate::report::EmrStep;
use crate::sql::memory::OtherProcesses;
use crate::supervise;

/// The root folder of the machine.
const ROOT: &str = "/";

/// Returns the EMR step of this process; `None` elsewhere. It is looked up once, because several settings need it, and a
/// file that cannot be read is warned of at each look.
pub fn emr_step() -> Option<EmrStep> {
    static STEP: OnceLock<Option<EmrStep>> = OnceLock::new();
    let look_up = || {
        let folder = std::env::current_dir().unwrap_or_default();
        supervise::emr_step(Path::new(ROOT), &folder)
    };
    STEP.get_or_init(look_up).clone()
}

/// Returns `true` if the metadata service of EC2 is worth asking: on an instance, or if a variable names the service;
/// `false` if a variable turns it off.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub fn asks_ec2() -> bool {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let is_off = variable("AWS_EC2_METADATA_DISABLED").eq_ignore_ascii_case("true");
    let is_named = !variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").is_empty();
    !is_off && (is_named || supervise::is_ec2(Path::new(ROOT)))
}

/// Returns the folder for spilled data if no flag names one: on a node of EMR on the largest disk for data, elsewhere
/// the system's folder for temporary files.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(super) fn spill_folder() -> PathBuf {
    let temporary = std::env::temp_dir();
    if emr_step().is_none() {
        return temporary;
    }
    supervise::spill_folder(Path::new(ROOT)).unwrap_or_else(|| {
        warn!(
            folder = %temporary.display(),
            "no disk for data of this EMR node is writable, so data is spilled to the system's folder for temporary \
             files; name another with `--spill-dir`"
        );
        temporary
    })
}

/// Returns how shares of the memory treat other processes: on a node of EMR, its daemons keep what they hold.
pub(super) fn other_processes() -> OtherProcesses {
    match emr_step() {
        Some(_) => OtherProcesses::Subtracted,
        None => OtherProcesses::Ignored,
    }
}
