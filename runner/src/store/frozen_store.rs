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
    /// The full URL, so that objects of different stores with the same key are distinct.
    pub url: String,
    /// The key relative to the root of the store that listed the object.
    pub key: String,
    /// The ETag of the version. `None` if the store gives none; then size and time of change identify the version.
    pub etag: Option<String>,
    /// The size in bytes; a read of an object with another size fails.
    pub size_bytes: u64,
    /// The time of the last write, by the store's clock.
    pub modified: DateTime<Utc>,
}

/// The error of a read of an object that was overwritten or deleted after it was listed.
#[derive(Clone, Debug, DeriveError, PartialEq, Eq)]
#[error("`{url}`{WAS_REPLACED}")]
pub struct Replaced {
    /// The URL of the object, as in [`FrozenObject::url`].
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
        // The source of an `Arc` or a transparent wrapper is the source of the wrapped error, so only its text shows
        // the error itself.
        next = error.source();
    }
    None
}

/// A read-only store that contains only the given objects, each only in the version that was listed.
///
/// Every read sends `If-Match`. The inner store's `get_ranges` cannot send that header, so each range is a request of
/// its own.
#[derive(Debug)]
pub struct FrozenStore {
    /// The store that listed the objects and from which they are read.
    inner: Arc<dyn ObjectStore>,
    /// The objects that the view contains, by key.
    objects: BTreeMap<Path, FrozenObject>,
    /// `true` once a read has returned a file, which shows that the store is a file system.
    holds_files: AtomicBool,
    /// The pool of buffers for long reads of files.
    buffers: BufferPool,
    /// The cache of open files, so that later ranges of a file need not open it again.
    opened: FileHandleCache,
}

impl FrozenStore {
    /// Returns a view of `inner` that contains only `objects`.
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

    /// Returns the frozen object at a key; fails with `NotFound` if the view does not contain the key.
    fn object(&self, key: &Path) -> Result<&FrozenObject> {
        self.objects.get(key).ok_or_else(|| Error::NotFound {
            path: key.to_string(),
            source: "the object is not among those that were listed".into(),
        })
    }

    /// Reads an object; fails with [`Replaced`] if it is not in the frozen version.
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
    /// The ranges of a file are read one by one, because that costs nothing extra. Over a network, reading the bytes
    /// between two ranges is cheaper than another request.
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

/// Returns `true` if the metadata in an answer is that of the frozen version.
fn is_same(frozen: &FrozenObject, found: &ObjectMeta) -> bool {
    found.size == frozen.size_bytes
        && match &frozen.etag {
            Some(etag) => found.e_tag.as_ref().is_none_or(|found| found == etag),
            // A listing gives the time in milliseconds, a header in seconds.
            None => found.last_modified.timestamp() == frozen.modified.timestamp(),
        }
}

/// Fails with [`Replaced`] if a file was written to since it was opened.
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

/// Builds the error of an operation that would write; `operation` is a noun such as "a put".
fn read_only(operation: &str) -> Error {
    Error::NotSupported {
        source: format!("a frozen store is read-only and refuses {operation}").into(),
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
            // A change of the file is reported before any error of the read, because it is the cause.
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
