//! The port: the operations that reading, writing and committing need from a store.

use async_trait::async_trait;
use object_store::aws::AmazonS3;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, PutPayload, Result};

use crate::store::explain_error::s3_code;

/// A store of objects whose uploads any process can complete.
///
/// In addition to [`ObjectStore`]'s promises: `put_opts` with `PutMode::Create` is atomic among all writers and
/// survives a power failure once it is acknowledged; deleting a missing object is not an error; an upload is in no
/// listing until it is completed.
#[async_trait]
pub trait Objects: ObjectStore {
    /// Opens an upload to `key` and returns its id. A store without uploads keeps the bytes at `staging` until the
    /// upload is completed.
    async fn open_upload(&self, key: &Path, staging: &Path) -> Result<String>;

    /// Sends upload part `index` and returns its tag. Upload parts are numbered from 0 and sent in order; all but the
    /// last have the same size of at least 5 MiB.
    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String>;

    /// Makes the bytes of an upload, `size_bytes` in all, survive a power failure.
    async fn seal(&self, key: &Path, upload: &str, size_bytes: u64) -> Result<()>;

    /// Makes the names that `open_upload` and `complete` gave to objects in these folders survive a power failure. A
    /// store that answers only after a change is durable, such as S3, does nothing.
    async fn settle(&self, folders: &[Path]) -> Result<()>;

    /// Returns `true` if a listing shows each open upload at its `staging` key. The commit then writes no notes of
    /// uploads, because clean-up finds them by the listing.
    fn lists_staging(&self) -> bool;

    /// Completes the upload as the object at `key`. Whatever the answer, only a request for the key decides whether the
    /// object exists.
    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion>;

    /// Aborts an upload; a missing one is not an error.
    async fn abort(&self, key: &Path, upload: &str) -> Result<()>;
}

/// A store's answer to the completion of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The upload is complete, now or already before.
    Done,
    /// The store does not know the upload: it was completed before, aborted, or dropped.
    NoSuchUpload,
    /// The store knows the upload, but not its parts. MinIO leaves this state if the connection breaks during a
    /// completion.
    PartsMissing,
}

#[async_trait]
impl Objects for PrefixStore<AmazonS3> {
    async fn open_upload(&self, key: &Path, _staging: &Path) -> Result<String> {
        self.create_multipart(key).await
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        let part = MultipartStore::put_part(self, key, &upload.to_owned(), index, payload).await?;
        Ok(part.content_id)
    }

    async fn seal(&self, _key: &Path, _upload: &str, _size_bytes: u64) -> Result<()> {
        Ok(())
    }

    async fn settle(&self, _folders: &[Path]) -> Result<()> {
        Ok(())
    }

    fn lists_staging(&self) -> bool {
        false
    }

    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion> {
        let done = self
            .complete_multipart(key, &upload.to_owned(), part_ids(tags))
            .await;
        match done {
            Ok(_) => Ok(Completion::Done),
            Err(error) if is_no_such_upload(&error) => Ok(Completion::NoSuchUpload),
            Err(error) if s3_code(&error).as_deref() == Some("InvalidPart") => {
                Ok(Completion::PartsMissing)
            }
            Err(error) => Err(error),
        }
    }

    async fn abort(&self, key: &Path, upload: &str) -> Result<()> {
        match self.abort_multipart(key, &upload.to_owned()).await {
            Err(error) if is_no_such_upload(&error) => Ok(()),
            answer => answer,
        }
    }
}

/// Converts the tags of an upload's parts to the type that `object_store` takes to complete the upload.
fn part_ids(tags: &[String]) -> Vec<PartId> {
    let id = |tag: &String| PartId {
        content_id: tag.clone(),
    };
    tags.iter().map(id).collect()
}

/// Returns `true` for a missing upload. Only the code in the answer's body distinguishes it from a missing bucket,
/// because both are 404.
fn is_no_such_upload(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && s3_code(error).as_deref() == Some("NoSuchUpload")
}

#[async_trait]
impl Objects for PrefixStore<InMemory> {
    async fn open_upload(&self, key: &Path, _staging: &Path) -> Result<String> {
        self.create_multipart(key).await
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        // The store in memory fails only for an unknown upload.
        let put = MultipartStore::put_part(self, key, &upload.to_owned(), index, payload).await;
        put.map_err(|source| Error::NotFound {
            path: key.to_string(),
            source: source.into(),
        })?;
        Ok(String::new())
    }

    async fn seal(&self, _key: &Path, _upload: &str, _size_bytes: u64) -> Result<()> {
        Ok(())
    }

    async fn settle(&self, _folders: &[Path]) -> Result<()> {
        Ok(())
    }

    fn lists_staging(&self) -> bool {
        false
    }

    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion> {
        let done = self
            .complete_multipart(key, &upload.to_owned(), part_ids(tags))
            .await;
        Ok(done.map_or(Completion::NoSuchUpload, |_| Completion::Done))
    }

    async fn abort(&self, key: &Path, upload: &str) -> Result<()> {
        self.abort_multipart(key, &upload.to_owned()).await.ok();
        Ok(())
    }
}
