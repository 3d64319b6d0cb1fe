//! Step 2: the id of a run, a hash of everything that its output depends on.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::commit::record::RunId;
use crate::store::FrozenObject;

/// The values that a run's id is computed from: everything that its output depends on.
#[derive(Clone, Copy, Debug)]
pub struct RunInputs<'a> {
    /// The name of the job, so that two jobs with equal files and inputs have runs with different ids.
    pub job: &'a str,
    /// Name and text of every file of the job folder, sorted by name.
    pub files: &'a [(String, String)],
    /// Parameters and settings that change the output, as text by name.
    pub parameters: &'a BTreeMap<String, String>,
    /// Text of the contracts, including those that the job takes from other folders.
    pub contracts: &'a str,
    /// The frozen objects that the run reads, by the name of the input.
    pub inputs: &'a BTreeMap<String, Vec<FrozenObject>>,
    /// The version of the binary, because another version may compute another result.
    pub version: &'a str,
}

impl RunId {
    /// Returns the id of the run with these inputs: 128 bits of their SHA-256, so that a retry has the same id.
    #[must_use]
    pub fn of(inputs: &RunInputs<'_>) -> Self {
        let mut hash = Fields(Sha256::new());
        hash.text("drivetrain run 1");
        hash.text(inputs.version);
        hash.text(inputs.job);
        hash.count(inputs.files.len());
        for (name, text) in inputs.files {
            hash.text(name);
            hash.text(text);
        }
        hash.count(inputs.parameters.len());
        for (name, value) in inputs.parameters {
            hash.text(name);
            hash.text(value);
        }
        hash.text(inputs.contracts);
        hash.count(inputs.inputs.len());
        for (dataset, objects) in inputs.inputs {
            hash.text(dataset);
            hash.count(objects.len());
            for object in objects {
                hash.text(&object.url);
                hash.text(object.etag.as_deref().unwrap_or_default());
                hash.0.update(object.size_bytes.to_le_bytes());
                // Without an ETag, size and time of change identify the version of the object.
                if object.etag.is_none() {
                    hash.0
                        .update(object.modified.timestamp_micros().to_le_bytes());
                }
            }
        }
        Self(hex(&hash.0.finalize()[..16]))
    }
}

/// Formats bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// A hash of several fields. The length of each text is hashed before it, so that different fields never give the same
/// bytes.
struct Fields(Sha256);

impl Fields {
    /// Adds a text to the hash, preceded by its length.
    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text);
    }

    /// Adds a number to the hash, always as eight bytes.
    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_le_bytes());
    }
}
