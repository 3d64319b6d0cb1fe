//! A cache of open files. A Parquet reader asks for a file's footer, then for its pages, and often for both again.
//! Opening the file each time would switch threads, which costs about as much as reading from the page cache.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use object_store::path::Path;

use crate::store::file_reader::OpenFile;

/// The largest number of files to keep open. Some systems limit a process to 256 open files.
const KEPT: usize = 64;

/// The files that were opened last, oldest first. Eviction is first in, first out.
#[derive(Debug, Default)]
pub(crate) struct FileHandleCache(Mutex<VecDeque<(Path, OpenFile)>>);

impl FileHandleCache {
    /// Returns the open file of a key; `None` if the cache does not hold it.
    pub(crate) fn find(&self, key: &Path) -> Option<OpenFile> {
        let opened = self.lock();
        let found = opened.iter().find(|(kept, _)| kept == key);
        found.map(|(_, file)| file.clone())
    }

    /// Adds an open file to the cache and evicts the oldest one if the cache is full.
    pub(crate) fn keep(&self, key: &Path, file: &OpenFile) {
        let mut opened = self.lock();
        if opened.len() == KEPT {
            opened.pop_front();
        }
        opened.push_back((key.clone(), file.clone()));
    }

    /// Locks the list of files, even after a panic of another holder, which at worst leaves a file out of the list.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Path, OpenFile)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
