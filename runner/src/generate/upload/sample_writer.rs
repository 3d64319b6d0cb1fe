//! Writes the files of a sample and makes them visible together.
//!
//! ```text
//! begin -> create, write .. -> publish: announce -> complete every file -> check sizes -> put the manifest
//!     -> delete the announcement
//! ```
//!
//! Before `publish`, no listing shows a file. If there is an announcement but no manifest, a publish was interrupted: the
//! announcement lists the files that the next generator may remove. The manifest is put after all files, so that its existence
//! means that the sample is complete.

use bytes::Bytes;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::generate::sample_manifest::SampleManifest;
use crate::generate::upload::existing_data::{
    ExistingData, announcement_key, file_key, first_damaged, manifest_key, remove_incomplete,
};
use crate::generate::upload::file_upload::FileUpload;
use crate::store::{FolderLock, Location, Store};

/// Writer of the files of one sample; no listing shows them before [`SampleWriter::publish`].
#[derive(Debug)]
pub struct SampleWriter {
    /// The store that receives the sample.
    store: Store,
    /// The uploads, in the order of creation; bytes are written only to the last one.
    files: Vec<FileUpload>,
    /// The lock that excludes other generators from a folder until the writer is dropped.
    _lock: FolderLock,
}

impl SampleWriter {
    /// Locks the store, and removes the leftovers of an interrupted generator.
    ///
    /// # Errors
    /// `Conflict` if another generator is writing to the folder; otherwise the kind of the store's error.
    pub async fn begin(store: &Store) -> Result<Self> {
        let lock = store.try_lock().ok_or_else(|| busy(store))?;
        remove_incomplete(store).await?;
        Ok(Self {
            store: store.clone(),
            files: Vec::new(),
            _lock: lock,
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
    /// `Conflict` if other data was written there in the meantime; `TryAgain` if the store lost a file; otherwise the kind of the
    /// store's error.
    pub async fn publish(&mut self, sample: &SampleManifest) -> Result<()> {
        self.finish_file().await?;
        let manifest: Bytes = serde_json::to_vec_pretty(sample)
            .context(
                ErrorKind::Failed,
                "cannot serialize the manifest of the sample",
            )?
            .into();
        self.announce(manifest.clone()).await?;
        // In reverse order, so that the first dataset gets its files last; until then, a job that reads all datasets fails.
        for file in self.files.iter().rev() {
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
        self.store.put(&manifest_key(), manifest).await?;
        self.store.delete(vec![announcement_key()]).await
    }

    /// Puts the announcement, which lists the files that are about to become visible.
    ///
    /// # Errors
    /// `Conflict` if another generator has put its announcement, or if other data was written there in the meantime.
    async fn announce(&self, manifest: Bytes) -> Result<()> {
        let key = announcement_key();
        if let Location::Folder(_) = self.store.location() {
            // The lock excludes other generators. A conditional put would need hard links, which some volumes do not have.
            self.store.put(&key, manifest).await?;
        } else if !self.store.put_new(&key, manifest.clone()).await?
            // A put that was sent twice finds its own announcement.
            && self.store.read(&key).await? != Some(manifest)
        {
            return Err(busy(&self.store));
        }
        let error = match ExistingData::find(&self.store).await? {
            ExistingData::Nothing => return Ok(()),
            ExistingData::Sample(_) => busy(&self.store),
            ExistingData::Other(url) => other_data(&url),
        };
        self.store.delete(vec![key]).await?;
        Err(error)
    }

    /// Aborts the uploads and ignores errors; the next generator removes what is left.
    pub async fn abandon(self) {
        for file in self.files {
            file.abort().await;
        }
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
