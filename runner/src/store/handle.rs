//! The handle to a store: it reads, lists, writes and deletes objects, and explains failures.

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

/// The pause before the second try; each later pause is longer by this much.
const PAUSE: Duration = Duration::from_millis(250);

/// A store and its location; clones share connections and counts.
#[derive(Clone, Debug)]
pub struct Store {
    /// The location at which the store was opened, for messages.
    location: Location,
    /// The store behind the handle, wrapped to count its requests.
    objects: Arc<Counted>,
}

impl Store {
    /// Opens the store at a location, which must exist if it is a folder.
    ///
    /// # Errors
    /// `InputMissing` if a folder does not exist; `Failed` if no credentials or no region can be found. A missing
    /// bucket shows only at the first request.
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

    /// Opens the store at a location, after creating the folder if the location is one.
    ///
    /// # Errors
    /// As [`Store::open`]; `Failed` if the folder cannot be created.
    pub async fn create(location: &Location, settings: &S3Settings) -> Result<Self> {
        if let Location::Folder(folder) = location {
            fs::create_dir_all(folder).map_err(|source| {
                Error::new(ErrorKind::Failed, format!("cannot create `{location}`"))
                    .caused_by(source)
                    .hint("pass a folder that this user may create and write to")
            })?;
        }
        Self::open(location, settings).await
    }

    /// Returns an empty store in this process's memory.
    #[must_use]
    pub fn memory() -> Self {
        let objects = PrefixStore::new(InMemory::new(), "");
        Self::over(Location::Memory, Arc::new(objects))
    }

    /// Returns a handle to any implementation of [`Objects`], such as the faulty stores of tests.
    #[must_use]
    pub fn over(location: Location, objects: Arc<dyn Objects>) -> Self {
        Self {
            location,
            objects: Arc::new(Counted::new(objects)),
        }
    }

    /// Returns the location at which the store was opened.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Returns the store as the trait that `DataFusion` and other readers use; keys are relative to the location.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects) as Arc<dyn ObjectStore>
    }

    /// Returns the store as the port [`Objects`], for writing and committing.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn Objects> {
        Arc::clone(&self.objects) as Arc<dyn Objects>
    }

    /// Returns the number of requests so far, through all clones of this handle.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.objects.requests()
    }

    /// Waits before try `number + 1` of a request whose outcome is undecided. A store in memory does not wait; it only
    /// lets other tasks run.
    pub async fn pause(&self, number: u32) {
        match self.location {
            Location::Memory => tokio::task::yield_now().await,
            _ => tokio::time::sleep(PAUSE * number).await,
        }
    }

    /// Converts an error of this store to one that names the remedy, as [`explain`] does.
    #[must_use]
    pub fn explain(&self, error: object_store::Error, operation: impl std::fmt::Display) -> Error {
        explain(error, operation, &self.location)
    }

    /// Reads an object; `None` if it does not exist.
    ///
    /// # Errors
    /// As [`explain`] classifies the failure.
    pub async fn read(&self, key: &Path) -> Result<Option<Bytes>> {
        let read = async { self.objects.get(key).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => self.none_if_missing(error, "read", key),
        }
    }

    /// Reads an object's metadata, such as size and ETag; `None` if the object does not exist.
    ///
    /// # Errors
    /// As [`explain`] classifies the failure.
    pub async fn look(&self, key: &Path) -> Result<Option<ObjectMeta>> {
        match self.objects.head(key).await {
            // A store with a prefix answers with the key in the bucket, not with the key relative to the prefix.
            Ok(meta) => Ok(Some(ObjectMeta {
                location: key.clone(),
                ..meta
            })),
            Err(error) => self.none_if_missing(error, "inspect", key),
        }
    }

    /// Looks at an object that is seldom there. A key that the credentials may not ask for counts as missing: S3 answers
    /// 403 for a missing key if a policy limits listing to some prefixes.
    ///
    /// # Errors
    /// The kind of the store's failure, except a missing permission.
    pub async fn look_if_permitted(&self, key: &Path) -> Result<Option<ObjectMeta>> {
        match self.objects.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if StoreFailure::of(&error) == StoreFailure::Permission => Ok(None),
            Err(error) => self.none_if_missing(error, "inspect", key),
        }
    }

    /// Returns `None` for a missing object, and explains any other error.
    fn none_if_missing<T>(
        &self,
        error: object_store::Error,
        operation: &str,
        key: &Path,
    ) -> Result<Option<T>> {
        // A missing bucket is an error, and only the code in the answer distinguishes it from a missing object.
        let missing = matches!(error, object_store::Error::NotFound { .. })
            && StoreFailure::of(&error) != StoreFailure::MissingBucket;
        if missing {
            return Ok(None);
        }
        let url = self.location.url(key);
        Err(self.explain(error, format!("{operation} `{url}`")))
    }

    /// Lists all objects below a prefix, in key order.
    ///
    /// # Errors
    /// As [`explain`] classifies the failure.
    pub async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>> {
        let listed: object_store::Result<Vec<_>> =
            self.objects.list(Some(prefix)).try_collect().await;
        let mut listed = listed.map_err(|error| {
            self.explain(error, format!("list `{}`", self.location.url(prefix)))
        })?;
        listed.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(listed)
    }

    /// Writes an object that must not exist; returns `false` if it does.
    ///
    /// # Errors
    /// As [`explain`] classifies the failure; the object may exist in spite of an error.
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

    /// Writes an object, and overwrites an existing one.
    ///
    /// # Errors
    /// As [`explain`] classifies the failure; the object may be written in spite of an error.
    pub async fn put(&self, key: &Path, bytes: Bytes) -> Result<()> {
        match self.objects.put(key, bytes.into()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explain(error, format!("write `{}`", self.location.url(key)))),
        }
    }

    /// Deletes objects; a missing one is not an error.
    ///
    /// # Errors
    /// As [`explain`] classifies the failure.
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
                    return Err(
                        self.explain(error, format!("delete objects in `{}`", self.location))
                    );
                }
            }
        }
        Ok(())
    }
}
