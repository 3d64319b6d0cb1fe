//! Fsyncs of finished parts, which run while other parts are still written.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use object_store::Result;
use object_store::path::Path;
use tokio::task::JoinHandle;

use crate::commit::record::Part;
use crate::store::Store;

/// The fsyncs in flight, by key of the part.
#[derive(Debug, Default)]
pub(crate) struct PendingFsyncs(Mutex<BTreeMap<String, JoinHandle<Result<()>>>>);

impl PendingFsyncs {
    /// Starts a background fsync of a part whose bytes are all sent.
    pub fn begin(&self, store: &Store, key: Path, upload: String, size_bytes: u64) {
        let objects = store.objects();
        let name = key.to_string();
        let fsync = tokio::spawn(async move { objects.seal(&key, &upload, size_bytes).await });
        self.lock().insert(name, fsync);
    }

    /// Waits until a part survives a power failure; starts its fsync now if none is in flight.
    ///
    /// # Errors
    /// The store's error if it cannot make the part durable.
    pub async fn end(&self, store: &Store, key: &Path, part: &Part) -> Result<()> {
        let begun = self.lock().remove(&part.key);
        if let Some(fsync) = begun {
            return fsync.await.unwrap_or_else(|error| Err(error.into()));
        }
        let objects = store.objects();
        objects.seal(key, &part.upload.id, part.size_bytes).await
    }

    /// Locks the map, even after a panic of another holder: each change of the map is one call, so the map is always
    /// valid.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, JoinHandle<Result<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
