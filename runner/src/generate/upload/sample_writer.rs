//! Writes the files of a sample and makes them visible together.
//!
//! ```text
//! begin -> create, write .. -> publish: announce -> complete every file -> check sizes -> put the manifest -> end the announcement
//! ```
//!
//! Until `publish` no listing shows a file. An announcement without a manifest marks an interrupted publish: it lists the files
//! that the next generator may remove. Only the manifest, which is put last, makes a sample complete.

use bytes::Bytes;

use super::existing_data::{
    Existing, announcement_key, file_key, first_damaged, manifest_key, remove_incomplete,
};
use super::file_upload::FileUpload;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::generate::sample_manifest::Account;
use crate::store::{FolderLock, Location, Store};

/// The files of one sample on their way to a store.
#[derive(Debug)]
pub struct SampleWriter {
    store: Store,
    files: Vec<FileUpload>,
    _lock: FolderLock,
}

impl SampleWriter {
    /// Locks the store, and removes what an interrupted generator left.
    ///
    /// # Errors
    /// `Conflict` if another generator writes to the folder; otherwise as the store says.
    pub async fn begin(store: &Store) -> Result<Self> {
        let lock = store.try_lock().ok_or_else(|| busy(store))?;
        remove_incomplete(store).await?;
        Ok(Self {
            store: store.clone(),
            files: Vec::new(),
            _lock: lock,
        })
    }

    /// Ends the file before and begins the next one, `<dataset>/<name>`.
    ///
    /// # Errors
    /// As the store says.
    pub async fn create(&mut self, name: &str) -> Result<()> {
        self.finish_file().await?;
        self.files.push(FileUpload::open(&self.store, name).await?);
        Ok(())
    }

    /// Appends to the file.
    ///
    /// # Errors
    /// As the store says.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.files.last_mut();
        let file = file.expect("a file is created before it is written");
        file.write(bytes).await
    }

    async fn finish_file(&mut self) -> Result<()> {
        match self.files.last_mut() {
            Some(file) => file.finish().await,
            None => Ok(()),
        }
    }

    /// Makes all files visible, then puts the account of the sample as its manifest.
    ///
    /// # Errors
    /// `Conflict` if other data has come to the place, `TryAgain` if the store lost a file; otherwise as the store says.
    pub async fn publish(&mut self, account: &Account) -> Result<()> {
        self.finish_file().await?;
        let manifest: Bytes = serde_json::to_vec_pretty(account)
            .context(ErrorKind::Failed, "cannot write the account of the sample")?
            .into();
        self.announce(manifest.clone()).await?;
        // In reverse: until the last moment a job that reads all datasets finds that one of them has no files.
        for file in self.files.iter().rev() {
            file.complete().await?;
        }
        let datasets = account.datasets.iter();
        let folders: Vec<_> = datasets.map(|dataset| file_key(&dataset.name)).collect();
        let settled = self.store.objects().settle(&folders).await;
        settled.map_err(|error| self.store.explain(error, "sync the folders of the sample"))?;
        if let Some(file) = first_damaged(account, &self.store).await? {
            let url = self.store.location().url(&file_key(&file.name));
            return Err(
                Error::new(ErrorKind::TryAgain, format!("the store lost `{url}`"))
                    .hint("run the same command again; it starts anew"),
            );
        }
        self.store.put(&manifest_key(), manifest).await?;
        self.store.delete(vec![announcement_key()]).await
    }

    /// Announces the files unless another generator does so already, or other data has come to the place.
    async fn announce(&self, manifest: Bytes) -> Result<()> {
        let key = announcement_key();
        if let Location::Folder(_) = self.store.location() {
            // The lock keeps others away; a conditional put would ask for hard links, which some volumes do not have.
            self.store.put(&key, manifest).await?;
        } else if !self.store.put_new(&key, manifest.clone()).await?
            // A put that was sent twice finds its own object.
            && self.store.read(&key).await? != Some(manifest)
        {
            return Err(busy(&self.store));
        }
        let error = match Existing::find(&self.store).await? {
            Existing::Free => return Ok(()),
            Existing::Sample(_) => busy(&self.store),
            Existing::OtherData(url) => in_the_way(&url),
        };
        self.store.delete(vec![key]).await?;
        Err(error)
    }

    /// Removes what is not visible, as far as the store does that; the next generator removes the rest.
    pub async fn abandon(self) {
        for file in self.files {
            file.abort().await;
        }
    }
}

/// The failure of a second generator at one place.
fn busy(store: &Store) -> Error {
    let message = format!("another generator is writing below `{}`", store.location());
    Error::new(ErrorKind::Conflict, message)
        .hint("wait until it has ended, or choose another `--out`")
}

/// The failure of a generator that would have to mix a sample with other data.
pub fn in_the_way(url: &str) -> Error {
    let message = format!("`{url}` is in the way of a sample");
    Error::new(ErrorKind::Conflict, message)
        .hint("choose an empty `--out`: nothing that the generator did not make is ever removed")
}
