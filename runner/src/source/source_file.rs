//! One raw object of a dataset, with its name in messages.

use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore};

/// One raw object to read, with its position in the dataset.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// The object's index among the dataset's objects, which are ordered by name.
    pub(crate) index: u32,
    /// The store that holds the object.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The object as it was listed.
    pub(crate) meta: ObjectMeta,
    /// The object's name in messages and in the quarantine.
    pub(crate) name: Arc<str>,
    /// The names of the folders between the dataset's root and the object, outermost first.
    pub(crate) folders: Vec<String>,
}

impl SourceFile {
    /// Returns the rank of the object's block number `piece`. Ranks order all blocks of a dataset: by object, then by
    /// position.
    pub(crate) fn rank(&self, piece: u32) -> u64 {
        u64::from(self.index) << 32 | u64::from(piece)
    }

    /// Returns `folders` as string slices, for matching path columns.
    pub(crate) fn folders(&self) -> Vec<&str> {
        self.folders.iter().map(String::as_str).collect()
    }
}
