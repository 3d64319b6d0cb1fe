//! One raw object of a dataset, with the name that messages give it.

use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore};

/// One object of a dataset.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Its place among the dataset's objects, ordered by name.
    pub(crate) index: u32,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) meta: ObjectMeta,
    /// As messages and the quarantine name it.
    pub(crate) name: Arc<str>,
    /// The folders between the dataset's root and the object.
    pub(crate) folders: Vec<String>,
}

impl SourceFile {
    /// What orders a piece of this object among all of the dataset.
    pub(crate) fn rank(&self, piece: u32) -> u64 {
        u64::from(self.index) << 32 | u64::from(piece)
    }

    pub(crate) fn folders(&self) -> Vec<&str> {
        self.folders.iter().map(String::as_str).collect()
    }
}
