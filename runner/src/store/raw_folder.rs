//! Names in the folder of raw data: the generator of samples writes it, and runs read it.

use object_store::path::Path;

/// The folder of the raw datasets below an input root.
pub const RAW: &str = "raw";

/// Returns the key of the object that the generator puts after all files of a sample: its existence makes the sample
/// complete.
#[must_use]
pub fn sample_manifest_key() -> Path {
    Path::from_iter([RAW, "_generated.json"])
}

/// Returns the key of the object that lists the files of a sample while they become visible one by one. It has the
/// content of the manifest. If the generator is interrupted, the object stays.
#[must_use]
pub fn sample_announcement_key() -> Path {
    Path::from_iter([RAW, "_generating.json"])
}
