//! A lock on a folder: it keeps two processes apart, and the system releases it when a process ends.

use std::fs::{File, TryLockError};

use crate::store::handle::Store;
use crate::store::location::Location;

/// The result of an attempt to lock a store's folder.
#[derive(Debug)]
pub enum FolderLock {
    /// The folder is locked; other processes can lock it once the open file is dropped.
    Held(File),
    /// The folder is locked already, by another process or by another lock of this one.
    Busy,
    /// The store has no lock: it is not a folder, the folder cannot be opened, or its volume cannot lock folders.
    Unsupported,
}

impl Store {
    /// Tries to lock the store's folder, without waiting for another lock to end.
    #[must_use]
    pub fn try_lock(&self) -> FolderLock {
        let Location::Folder(root) = self.location() else {
            return FolderLock::Unsupported;
        };
        let Ok(folder) = File::open(root) else {
            return FolderLock::Unsupported;
        };
        match folder.try_lock() {
            Ok(()) => FolderLock::Held(folder),
            Err(TryLockError::WouldBlock) => FolderLock::Busy,
            Err(TryLockError::Error(_)) => FolderLock::Unsupported,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::S3Settings;

    #[tokio::test]
    async fn a_folder_is_locked_once_until_the_lock_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::Folder(root.path().to_owned());
        let store = Store::open(&location, &S3Settings::default()).await;
        let store = store.unwrap();
        let lock = store.try_lock();
        assert!(matches!(lock, FolderLock::Held(_)));
        assert!(matches!(store.try_lock(), FolderLock::Busy));
        drop(lock);
        assert!(matches!(store.try_lock(), FolderLock::Held(_)));
    }

    #[tokio::test]
    async fn memory_and_a_folder_that_cannot_be_opened_have_no_lock() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::Folder(root.path().to_owned());
        let folder = Store::open(&location, &S3Settings::default()).await;
        drop(root);
        for store in [folder.unwrap(), Store::memory()] {
            assert!(matches!(store.try_lock(), FolderLock::Unsupported));
        }
    }
}
