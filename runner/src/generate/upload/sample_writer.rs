//! Writes the files of a sample, and makes them visible when all of them are written.
//!
//! ```text
//! begin -> create, write .. -> publish: announce -> complete every file -> check sizes -> put the manifest
//!     -> delete the announcement
//! ```
//!
//! Before `publish`, no listing shows a file. During `publish`, the files become visible one by one. If there is an
//! announcement but no manifest, a publish is in progress or was interrupted: runs refuse the folder, and the
//! announcement lists the files that the next generator may remove. The manifest is put after all files, so that its
//! existence means that the sample is complete.

use bytes::Bytes;
use object_store::path::Path;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::generate::sample_manifest::SampleManifest;
use crate::generate::upload::existing_data::{
    file_key, first_damaged, raw_keys, remove_incomplete,
};
use crate::generate::upload::file_upload::FileUpload;
use crate::store::{FolderLock, Store, sample_announcement_key, sample_manifest_key};

/// Writer of the files of one sample; no listing shows them before [`SampleWriter::publish`].
#[derive(Debug)]
pub struct SampleWriter {
    /// The store that receives the sample.
    store: Store,
    /// The uploads, in the order of creation; bytes are written only to the last one.
    files: Vec<FileUpload>,
    /// The lock that excludes other generators from a folder until the writer is dropped, if the store has one.
    lock: FolderLock,
}

impl SampleWriter {
    /// Locks the store, and removes the leftovers of an interrupted generator.
    ///
    /// # Errors
    /// `Conflict` if another generator is writing to the folder; otherwise the kind of the store's error.
    pub async fn begin(store: &Store) -> Result<Self> {
        let lock = store.try_lock();
        if matches!(lock, FolderLock::Busy) {
            return Err(busy(store));
        }
        remove_incomplete(store).await?;
        Ok(Self {
            store: store.clone(),
            files: Vec::new(),
            lock,
        })
    }

    /// Finishes the previous file and begins the next one, `<dataset>/<name>`.
    ///
    /// # Errors
    /// The kind of the store's error.
    pub async fn create(&mut self, name: &str) -> Result<()> {
        self.finish_file().await?;
        self.files.push(FileUpload::open(&self.store, name).await?);
        Ok(())
    }

    /// Appends bytes to the current file.
    ///
    /// # Errors
    /// The kind of the store's error.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.files.last_mut();
        let file = file.expect("a file is created before it is written");
        file.write(bytes).await
    }

    /// Sends the rest of the current file and makes it durable; does nothing before the first file.
    async fn finish_file(&mut self) -> Result<()> {
        match self.files.last_mut() {
            Some(file) => file.finish().await,
            None => Ok(()),
        }
    }

    /// Makes all files visible and puts the manifest, which makes the sample complete.
    ///
    /// # Errors
    /// `Conflict` if other data was written there in the meantime; `TryAgain` if the store lost a file; otherwise the
    /// kind of the store's error.
    pub async fn publish(&mut self, sample: &SampleManifest) -> Result<()> {
        self.finish_file().await?;
        let manifest: Bytes = serde_json::to_vec_pretty(sample)
            .context(
                ErrorKind::Failed,
                "the manifest of the sample cannot be converted to JSON; this is a bug",
            )?
            .into();
        self.announce(manifest.clone()).await?;
        for file in &self.files {
            file.complete().await?;
        }
        let datasets = sample.datasets.iter();
        let folders: Vec<_> = datasets.map(|dataset| file_key(&dataset.name)).collect();
        let settled = self.store.objects().settle(&folders).await;
        settled.map_err(|error| self.store.explain(error, "sync the folders of the sample"))?;
        if let Some(file) = first_damaged(sample, &self.store).await? {
            let url = self.store.location().url(&file_key(&file.name));
            return Err(Error::new(
                ErrorKind::TryAgain,
                format!("`{url}` is missing or incomplete after its upload"),
            )
            .hint("run the same command again; it generates the whole sample again"));
        }
        self.store.put(&sample_manifest_key(), manifest).await?;
        self.store.delete(vec![sample_announcement_key()]).await
    }

    /// Puts the announcement, which lists the files that are about to become visible.
    ///
    /// # Errors
    /// `Conflict` if another generator has put its announcement, or if other data was written there in the meantime.
    async fn announce(&self, manifest: Bytes) -> Result<()> {
        let key = sample_announcement_key();
        let store = &self.store;
        // Before the announcement is put, because the next generator may remove every file that it lists.
        require_no_raw_data(store, None).await?;
        if let FolderLock::Held(_) = self.lock {
            // The lock excludes other generators. A conditional put would need hard links, which some volumes do not
            // have.
            store.put(&key, manifest).await?;
        } else if !store.put_new(&key, manifest.clone()).await?
            // A put that was sent twice finds its own announcement.
            && store.read(&key).await? != Some(manifest)
        {
            return Err(busy(store));
        }
        // Again, because another generator may have completed its sample after the first check.
        let checked = require_no_raw_data(store, Some(&key)).await;
        if checked.is_err() {
            store.delete(vec![key]).await.ok();
        }
        checked
    }

    /// Aborts the uploads and ignores errors; the next generator removes what is left.
    pub async fn abandon(self) {
        for file in self.files {
            file.abort().await;
        }
    }
}

/// Checks that the folder of raw data is empty before the first file of a sample becomes visible. `own` is the key of
/// the announcement once this generator has put it.
///
/// # Errors
/// `Conflict` if there is anything else, even at the key of a file of the sample.
async fn require_no_raw_data(store: &Store, own: Option<&Path>) -> Result<()> {
    let foreign: Vec<_> = raw_keys(store)
        .await?
        .filter(|key| Some(key) != own)
        .collect();
    let generators = [sample_announcement_key(), sample_manifest_key()];
    match foreign.first() {
        None => Ok(()),
        Some(_) if foreign.iter().any(|key| generators.contains(key)) => Err(busy(store)),
        Some(key) => Err(other_data(&store.location().url(key))),
    }
}

/// Creates the error for a destination to which another generator is writing.
fn busy(store: &Store) -> Error {
    let message = format!("another generator is writing below `{}`", store.location());
    Error::new(ErrorKind::Conflict, message)
        .hint("wait until the other generator ends, or choose another folder")
}

/// Creates the error for a destination that contains other data, with which a sample must not be mixed.
pub fn other_data(url: &str) -> Error {
    let message = format!("cannot write a sample beside other data: `{url}` exists");
    Error::new(ErrorKind::Conflict, message)
        .hint("choose an empty folder; the generator removes only its own files")
}
