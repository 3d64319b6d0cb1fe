//! A lock on a folder: it keeps two processes apart, and the system releases it when a process ends.

use std::fs::{File, TryLockError};

use crate::store::handle::Store;
use crate::store::location::Location;

/// The lock on a store's folder. Other processes can lock the folder once this value is dropped.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "the open file holds the lock")] Option<File>);

impl Store {
    /// Tries to lock the store's folder; returns `None` if the folder is locked already.
    ///
    /// An object store, memory, and a volume that cannot lock folders always return a lock, which excludes no other process.
    #[must_use]
    pub fn try_lock(&self) -> Option<FolderLock> {
        let Location::Folder(root) = self.location() else {
            return Some(FolderLock(None));
        };
        let Ok(folder) = File::open(root) else {
            return Some(FolderLock(None));
        };
        match folder.try_lock() {
            Ok(()) => Some(FolderLock(Some(folder))),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(FolderLock(None)),
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
        assert!(lock.is_some() && store.try_lock().is_none());
        drop(lock);
        assert!(store.try_lock().is_some());
    }
}
