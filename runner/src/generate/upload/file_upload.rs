//! Uploads one file in parts; no listing shows it until it is completed.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;

use crate::error::Result;
use crate::generate::upload::existing_data::{file_key, staging_key};
use crate::store::{Location, Store};

/// The size of each part of an upload except the last, in bytes. S3 requires at least 5 MiB per part, and allows at
/// most 10,000 parts per object.
const PART_BYTES: usize = 8 << 20;

/// The most parts that are in flight at the same time: several use the bandwidth better than one.
const PARTS_AT_ONCE: usize = 4;

/// The upload of a file, which is not visible until it is completed.
#[derive(Debug)]
pub struct FileUpload {
    /// The store that receives the file.
    store: Store,
    /// The object key of the completed file.
    key: Path,
    /// The id that the store gave to the upload; in a folder, the path of the staged file.
    id: String,
    /// The number of parts that are sent together: the buffer is sent when it holds this many full parts.
    parts_at_once: usize,
    /// The bytes that are not sent yet; between two writes, fewer than `parts_at_once` full parts.
    buffer: BytesMut,
    /// The size of the parts sent so far.
    size_bytes: u64,
    /// The entity tags of the parts sent so far, in order; S3 requires them for the completion.
    tags: Vec<String>,
}

impl FileUpload {
    /// Opens the upload of the file `<dataset>/<name>`.
    ///
    /// # Errors
    /// The kind of the store's error.
    pub async fn open(store: &Store, name: &str) -> Result<Self> {
        let mut upload = Self {
            store: store.clone(),
            key: file_key(name),
            id: String::new(),
            parts_at_once: match store.location() {
                // A folder appends each part to the file.
                Location::Folder(_) => 1,
                _ => PARTS_AT_ONCE,
            },
            buffer: BytesMut::new(),
            size_bytes: 0,
            tags: Vec::new(),
        };
        let (objects, staging) = (store.objects(), staging_key(name));
        upload.id = upload.explained(objects.open_upload(&upload.key, &staging).await)?;
        Ok(upload)
    }

    /// Appends bytes, and sends the buffer when it is full.
    ///
    /// # Errors
    /// The kind of the store's error.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < self.parts_at_once * PART_BYTES {
            return Ok(());
        }
        let whole_parts = self.buffer.len() / PART_BYTES * PART_BYTES;
        let bytes = self.buffer.split_to(whole_parts).freeze();
        self.send(&bytes).await
    }

    /// Sends the rest and makes the bytes durable; the file stays invisible.
    ///
    /// # Errors
    /// The kind of the store's error.
    pub async fn finish(&mut self) -> Result<()> {
        let rest = std::mem::take(&mut self.buffer).freeze();
        self.send(&rest).await?;
        let objects = self.store.objects();
        let sealed = objects.seal(&self.key, &self.id, self.size_bytes).await;
        self.explained(sealed)
    }

    /// Makes the finished file visible. The store's answer is not reliable: the caller must check the size of the
    /// object.
    ///
    /// # Errors
    /// The kind of the store's error.
    pub async fn complete(&self) -> Result<()> {
        let objects = self.store.objects();
        let completed = objects.complete(&self.key, &self.id, &self.tags).await;
        self.explained(completed).map(drop)
    }

    /// Aborts the upload and removes its parts; ignores errors. A file that is already visible stays.
    pub async fn abort(self) {
        self.store.objects().abort(&self.key, &self.id).await.ok();
    }

    /// Sends bytes as the next parts; only the last part of a file may be shorter than [`PART_BYTES`].
    async fn send(&mut self, bytes: &Bytes) -> Result<()> {
        let objects = self.store.objects();
        let first = self.tags.len();
        // An empty file has one part too, because S3 does not complete an upload without parts.
        let parts = bytes
            .len()
            .div_ceil(PART_BYTES)
            .max(usize::from(first == 0));
        let sent = (0..parts).map(|part| {
            let end = bytes.len().min((part + 1) * PART_BYTES);
            let payload = bytes.slice(part * PART_BYTES..end).into();
            objects.put_part(&self.key, &self.id, first + part, payload)
        });
        let sent = stream::iter(sent).buffered(self.parts_at_once);
        let tags: Vec<_> = self.explained(sent.try_collect().await)?;
        self.tags.extend(tags);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Adds the URL of the file to an error of the store.
    fn explained<T>(&self, answer: object_store::Result<T>) -> Result<T> {
        let url = self.store.location().url(&self.key);
        answer.map_err(|error| self.store.explain(error, format!("write `{url}`")))
    }
}
