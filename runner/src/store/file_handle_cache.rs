//! Files that were opened a moment ago: a reader asks for a file's footer, then for its pages, and often for both again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use object_store::path::Path;

use crate::store::file_reader::OpenFile;

/// Files that are kept open; processes may have 256 on some systems.
const KEPT: usize = 64;

/// The files that were opened last.
#[derive(Debug, Default)]
pub(crate) struct FileHandleCache(Mutex<VecDeque<(Path, OpenFile)>>);

impl FileHandleCache {
    /// A file, where it is still open.
    pub(crate) fn find(&self, key: &Path) -> Option<OpenFile> {
        let opened = self.lock();
        let found = opened.iter().find(|(kept, _)| kept == key);
        found.map(|(_, file)| file.clone())
    }

    /// Keeps a file open until some others were opened.
    pub(crate) fn keep(&self, key: &Path, file: &OpenFile) {
        let mut opened = self.lock();
        if opened.len() == KEPT {
            opened.pop_front();
        }
        opened.push_back((key.clone(), file.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Path, OpenFile)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
