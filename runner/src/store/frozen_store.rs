//! A read-only view of a store as it was when a run listed it.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, coalesce_ranges,
};
use serde::{Deserialize, Serialize};
use thiserror::Error as DeriveError;

use crate::store::buffer_pool::BufferPool;
use crate::store::file_handle_cache::FileHandleCache;
use crate::store::file_reader::OpenFile;

/// One object as it was listed. Later reads return these bytes or fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenObject {
    /// The full name, which distinguishes objects of different stores.
    pub url: String,
    /// The key below the root of the store that listed it.
    pub key: String,
    /// The ETag. `None` if the store has none; then size and time of change identify the version.
    pub etag: Option<String>,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The time of the last write, by the store's clock.
    pub modified: DateTime<Utc>,
}

/// An object was overwritten or deleted after it was listed.
#[derive(Clone, Debug, DeriveError, PartialEq, Eq)]
#[error("`{url}`{WAS_REPLACED}")]
pub struct Replaced {
    /// The object's full name.
    pub url: String,
}

/// The text of [`Replaced`]. It identifies the error if a library has kept only the text.
const WAS_REPLACED: &str = " was replaced or deleted after it was listed";

/// Returns the replaced object if an error, or one of its causes, is [`Replaced`].
#[must_use]
pub fn replaced(error: &(dyn StdError + 'static)) -> Option<Replaced> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Replaced>() {
            return Some(found.clone());
        }
        // DataFusion keeps only the text of an error in a Parquet footer.
        if let Some((before, _)) = error.to_string().split_once(WAS_REPLACED) {
            let url = before.strip_suffix('`')?.rsplit('`').next()?;
            return Some(Replaced {
                url: url.to_owned(),
            });
        }
        // An error in an `Arc` or behind a transparent wrapper passes on its own source.
        next = error.source();
    }
    None
}

/// A read-only store that contains only the given objects, each only in the version that was listed.
///
/// Every read sends `If-Match`. The inner store's `get_ranges` cannot send it, so this store reads ranges by single requests.
#[derive(Debug)]
pub struct FrozenStore {
    /// The store from which the objects are read.
    inner: Arc<dyn ObjectStore>,
    /// The objects, by key.
    objects: BTreeMap<Path, FrozenObject>,
    /// `true` once a read has returned a file, which shows that the store is a file system.
    holds_files: AtomicBool,
    /// The pool of buffers for long reads of files.
    buffers: BufferPool,
    /// The files that were opened last.
    opened: FileHandleCache,
}

impl FrozenStore {
    /// Restricts `inner` to `objects`.
    ///
    /// # Errors
    /// `InvalidPath` for an invalid key.
    pub fn new(
        inner: Arc<dyn ObjectStore>,
        objects: impl IntoIterator<Item = FrozenObject>,
    ) -> Result<Self> {
        let keyed = |object: FrozenObject| Ok((Path::parse(&object.key)?, object));
        Ok(Self {
            inner,
            objects: objects.into_iter().map(keyed).collect::<Result<_>>()?,
            holds_files: AtomicBool::new(false),
            buffers: BufferPool::default(),
            opened: FileHandleCache::default(),
        })
    }

    /// Returns the frozen object at a key.
    fn object(&self, key: &Path) -> Result<&FrozenObject> {
        self.objects.get(key).ok_or_else(|| Error::NotFound {
            path: key.to_string(),
            source: "not among the objects that were listed".into(),
        })
    }

    /// Reads an object in the frozen version.
    async fn read(&self, key: &Path, mut options: GetOptions) -> Result<GetResult> {
        let frozen = self.object(key)?;
        options.if_match.clone_from(&frozen.etag);
        match self.inner.get_opts(key, options).await {
            Ok(result) if is_same(frozen, &result.meta) => {
                if matches!(result.payload, GetResultPayload::File(..)) {
                    self.holds_files.store(true, Ordering::Relaxed);
                }
                Ok(result)
            }
            Ok(_) | Err(Error::Precondition { .. } | Error::NotFound { .. }) => {
                Err(was_replaced(frozen))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the object as an open file if the store is known to hold files, else `None`.
    ///
    /// Reading just the requested ranges of a file costs nothing extra. Over a network it is cheaper to read the bytes between
    /// them than to send another request.
    async fn open_file(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Option<OpenFile>> {
        let Some(first) = ranges
            .first()
            .filter(|_| self.holds_files.load(Ordering::Relaxed))
        else {
            return Ok(None);
        };
        if let Some(file) = self.opened.find(key) {
            return Ok(Some(file));
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(first.clone())),
            ..GetOptions::default()
        };
        let result = self.read(key, options).await?;
        match result.payload {
            GetResultPayload::File(file, _) => {
                let file = OpenFile::new(file, &result.meta, &self.buffers);
                self.opened.keep(key, &file);
                Ok(Some(file))
            }
            GetResultPayload::Stream(_) => Ok(None),
        }
    }

    /// Reads one range of an object in the frozen version, with a request of its own.
    async fn range(&self, key: &Path, range: Range<u64>) -> Result<Bytes> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        self.get_opts(key, options).await?.bytes().await
    }
}

/// Returns `true` if an answer is for the frozen version.
fn is_same(frozen: &FrozenObject, found: &ObjectMeta) -> bool {
    found.size == frozen.size_bytes
        && match &frozen.etag {
            Some(etag) => found.e_tag.as_ref().is_none_or(|found| found == etag),
            // A listing gives the time in milliseconds, a header in seconds.
            None => found.last_modified.timestamp() == frozen.modified.timestamp(),
        }
}

/// Fails if a file was written to since it was opened.
fn require_unchanged(file: &OpenFile, frozen: &FrozenObject) -> Result<()> {
    if file.is_unchanged()? {
        return Ok(());
    }
    Err(was_replaced(frozen))
}

/// Builds the error of an object that is no longer the frozen version.
fn was_replaced(frozen: &FrozenObject) -> Error {
    Error::Precondition {
        path: frozen.key.clone(),
        source: Box::new(Replaced {
            url: frozen.url.clone(),
        }),
    }
}

/// Builds the error of an operation that would write.
fn read_only(operation: &str) -> Error {
    Error::NotSupported {
        source: format!("{operation} in a frozen store").into(),
    }
}

impl fmt::Display for FrozenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frozen {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FrozenStore {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only("a put"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only("an upload"))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        let mut result = self.read(key, options).await?;
        if head {
            return Ok(result);
        }
        let GetResultPayload::File(file, _) = result.payload else {
            return Ok(result);
        };
        // The file is opened here and read later, so it is checked again after its last byte.
        let file = OpenFile::new(file, &result.meta, &self.buffers);
        let (object, read) = (self.object(key)?.clone(), file.clone());
        let check = stream::once(async move {
            require_unchanged(&read, &object)?;
            Ok(Bytes::new())
        });
        let checked = file
            .stream(result.range.clone())
            .chain(check)
            .try_filter(|bytes| std::future::ready(!bytes.is_empty()));
        result.payload = GetResultPayload::Stream(checked.boxed());
        Ok(result)
    }

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if let Some(file) = self.open_file(key, ranges).await? {
            let object = self.object(key)?;
            let end = |range: &Range<u64>| range.start..range.end.min(object.size_bytes);
            let read = file.clone().ranges(ranges.iter().map(end).collect());
            let read = read.await;
            // If the file changed, that is the error to return, whatever the read returned.
            require_unchanged(&file, object)?;
            return read;
        }
        let bytes = coalesce_ranges(
            ranges,
            |range| self.range(key, range),
            OBJECT_STORE_COALESCE_DEFAULT,
        )
        .await?;
        Ok(bytes)
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(read_only("a delete")) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self
            .objects
            .iter()
            .filter(|(key, _)| prefix.is_none_or(|prefix| key.prefix_matches(prefix)))
            .map(|(key, object)| Ok(meta(key, object)))
            .collect::<Vec<_>>();
        stream::iter(listed).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let root = Path::default();
        let prefix = prefix.unwrap_or(&root);
        let mut result = ListResult {
            common_prefixes: Vec::new(),
            objects: Vec::new(),
        };
        for (key, object) in &self.objects {
            let Some(mut below) = key.prefix_match(prefix) else {
                continue;
            };
            let (first, second) = (below.next(), below.next());
            match (first, second) {
                (Some(folder), Some(_)) => {
                    let folder = prefix.clone().join(folder);
                    if result.common_prefixes.last() != Some(&folder) {
                        result.common_prefixes.push(folder);
                    }
                }
                (Some(_), None) => result.objects.push(meta(key, object)),
                (None, _) => {}
            }
        }
        Ok(result)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only("a copy"))
    }
}

/// Builds the listing entry of a frozen object.
fn meta(key: &Path, object: &FrozenObject) -> ObjectMeta {
    ObjectMeta {
        location: key.clone(),
        last_modified: object.modified,
        size: object.size_bytes,
        e_tag: object.etag.clone(),
        version: None,
    }
}
