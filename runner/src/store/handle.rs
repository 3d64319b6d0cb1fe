//! The handle through which everything else reaches a store.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode};

use crate::error::{Error, ErrorKind, Result};
use crate::store::explain_error::{StoreFailure, explain};
use crate::store::file_system::FileStore;
use crate::store::location::Location;
use crate::store::objects_port::Objects;
use crate::store::request_counts::{Counted, Requests};
use crate::store::s3::{self, S3Settings};

/// The first pause before asking again.
const PAUSE: Duration = Duration::from_millis(250);

/// A store and its place; clones share connections and counts.
#[derive(Clone, Debug)]
pub struct Store {
    location: Location,
    objects: Arc<Counted>,
}

impl Store {
    /// Opens a place to read from.
    ///
    /// # Errors
    /// `InputMissing` where a folder does not exist; `Failed` where no credentials or no region can be found. Whether a
    /// bucket exists shows at the first request.
    pub async fn open(location: &Location, settings: &S3Settings) -> Result<Self> {
        let objects: Arc<dyn Objects> = match location {
            Location::S3 { bucket, prefix } => Arc::new(s3::open(bucket, prefix, settings).await?),
            Location::Folder(folder) => {
                let opened = FileStore::open(folder)
                    .map_err(|error| explain(error, format!("open `{location}`"), location))?;
                Arc::new(opened)
            }
            Location::Memory => Arc::new(PrefixStore::new(InMemory::new(), "")),
        };
        Ok(Self::over(location.clone(), objects))
    }

    /// Opens a place to write to, and makes the folder where it is one.
    ///
    /// # Errors
    /// As [`Store::open`]; `Failed` where the folder cannot be made.
    pub async fn create(location: &Location, settings: &S3Settings) -> Result<Self> {
        if let Location::Folder(folder) = location {
            fs::create_dir_all(folder).map_err(|source| {
                Error::new(ErrorKind::Failed, format!("cannot make `{location}`"))
                    .caused_by(source)
                    .hint("name a folder that can be written")
            })?;
        }
        Self::open(location, settings).await
    }

    /// A store of this process, gone with it.
    #[must_use]
    pub fn memory() -> Self {
        let objects = PrefixStore::new(InMemory::new(), "");
        Self::over(Location::Memory, Arc::new(objects))
    }

    /// A handle to any implementation of the port.
    #[must_use]
    pub fn over(location: Location, objects: Arc<dyn Objects>) -> Self {
        Self {
            location,
            objects: Arc::new(Counted::new(objects)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The store as `DataFusion` and readers take it, keys relative to the location.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects) as Arc<dyn ObjectStore>
    }

    /// The store as the port.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn Objects> {
        Arc::clone(&self.objects) as Arc<dyn Objects>
    }

    /// What it has been asked so far, through all clones of this handle.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.objects.requests()
    }

    /// Waits before try `number + 1` of what was not decided; in memory there is nothing to wait for but other tasks.
    pub async fn pause(&self, number: u32) {
        match self.location {
            Location::Memory => tokio::task::yield_now().await,
            _ => tokio::time::sleep(PAUSE * number).await,
        }
    }

    /// Turns an error of this store into one that says what can be done.
    #[must_use]
    pub fn explain(&self, error: object_store::Error, doing: impl std::fmt::Display) -> Error {
        explain(error, doing, &self.location)
    }

    /// Reads an object; `None` where there is none.
    ///
    /// # Errors
    /// As [`explain`] says.
    pub async fn read(&self, key: &Path) -> Result<Option<Bytes>> {
        let read = async { self.objects.get(key).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => self.none_if_missing(error, "read", key),
        }
    }

    /// Looks at an object; `None` where there is none.
    ///
    /// # Errors
    /// As [`explain`] says.
    pub async fn look(&self, key: &Path) -> Result<Option<ObjectMeta>> {
        match self.objects.head(key).await {
            // A store below a prefix answers with the whole key.
            Ok(meta) => Ok(Some(ObjectMeta {
                location: key.clone(),
                ..meta
            })),
            Err(error) => self.none_if_missing(error, "look at", key),
        }
    }

    fn none_if_missing<T>(
        &self,
        error: object_store::Error,
        doing: &str,
        key: &Path,
    ) -> Result<Option<T>> {
        // A missing bucket is no missing object: only the code in the answer tells them apart.
        let missing = matches!(error, object_store::Error::NotFound { .. })
            && StoreFailure::of(&error) != StoreFailure::MissingBucket;
        if missing {
            return Ok(None);
        }
        let url = self.location.url(key);
        Err(self.explain(error, format!("{doing} `{url}`")))
    }

    /// Lists all objects below a prefix, by key.
    ///
    /// # Errors
    /// As [`explain`] says.
    pub async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>> {
        let listed: object_store::Result<Vec<_>> =
            self.objects.list(Some(prefix)).try_collect().await;
        let mut listed = listed.map_err(|error| {
            self.explain(error, format!("list `{}`", self.location.url(prefix)))
        })?;
        listed.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(listed)
    }

    /// Writes an object that must not be there yet; `false` where it is.
    ///
    /// # Errors
    /// As [`explain`] says; the object may be there in spite of an error.
    pub async fn put_new(&self, key: &Path, bytes: Bytes) -> Result<bool> {
        let put = self
            .objects
            .put_opts(key, bytes.into(), PutMode::Create.into());
        match put.await {
            Ok(_) => Ok(true),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(error) => Err(self.explain(error, format!("write `{}`", self.location.url(key)))),
        }
    }

    /// Writes an object, over what is there.
    ///
    /// # Errors
    /// As [`explain`] says; the object may be there in spite of an error.
    pub async fn put(&self, key: &Path, bytes: Bytes) -> Result<()> {
        match self.objects.put(key, bytes.into()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(error, format!("write `{}`", self.location.url(key)))),
        }
    }

    /// Deletes objects; those that are not there are no error.
    ///
    /// # Errors
    /// As [`explain`] says.
    pub async fn delete(&self, keys: Vec<Path>) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys = stream::iter(keys.into_iter().map(Ok)).boxed();
        let mut deleted = self.objects.delete_stream(keys);
        while let Some(answer) = deleted.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    return Err(self.explain(error, format!("delete in `{}`", self.location)));
                }
            }
        }
        Ok(())
    }
}
