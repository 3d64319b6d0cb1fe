//! Requests to a store, counted by kind.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use serde::Serialize;

use crate::store::objects_port::{Completion, Objects};

/// Numbers of requests to a store, by kind. Retries inside the HTTP client are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// The number of reads of an object or of a range of it.
    pub get: u64,
    /// The number of requests for an object's metadata without its bytes.
    pub head: u64,
    /// The number of requests that write a whole object, copy one or rename one.
    pub put: u64,
    /// The number of pages of listings; a page has up to 1,000 objects.
    pub list: u64,
    /// The number of keys deleted; S3 takes up to 1,000 keys in one request.
    pub delete: u64,
    /// The number of requests that open, fill, complete or abort a multipart upload.
    pub multipart: u64,
}

impl std::ops::Add for Requests {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            get: self.get + other.get,
            head: self.head + other.head,
            put: self.put + other.put,
            list: self.list + other.list,
            delete: self.delete + other.delete,
            multipart: self.multipart + other.multipart,
        }
    }
}

/// The counters behind [`Requests`], which concurrent requests increase.
#[derive(Debug, Default)]
struct RequestCounters {
    /// The counter of reads, as in [`Requests::get`].
    get: AtomicU64,
    /// The counter of metadata requests, as in [`Requests::head`].
    head: AtomicU64,
    /// The counter of whole-object writes, copies and renames, as in [`Requests::put`].
    put: AtomicU64,
    /// The counter of listed pages, as in [`Requests::list`].
    list: AtomicU64,
    /// The counter of deleted keys, as in [`Requests::delete`].
    delete: AtomicU64,
    /// The counter of upload requests, as in [`Requests::multipart`].
    multipart: AtomicU64,
}

/// Adds one request to a counter.
fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A store that counts requests and passes them on.
#[derive(Debug)]
pub struct Counted {
    /// The store to which the requests are passed on.
    inner: Arc<dyn Objects>,
    /// The counters, shared with the streams of listings and deletions, which count while they are read.
    counters: Arc<RequestCounters>,
}

impl Counted {
    /// Wraps a store to count its requests.
    #[must_use]
    pub fn new(inner: Arc<dyn Objects>) -> Self {
        Self {
            inner,
            counters: Arc::default(),
        }
    }

    /// Returns the number of requests so far, by kind.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            get: read(&self.counters.get),
            head: read(&self.counters.head),
            put: read(&self.counters.put),
            list: read(&self.counters.list),
            delete: read(&self.counters.delete),
            multipart: read(&self.counters.multipart),
        }
    }

    /// Counts a page of a listing for every 1,000 objects that are read from it, and one for an empty listing.
    fn pages(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        count(&self.counters.list);
        let counters = Arc::clone(&self.counters);
        listing
            .enumerate()
            .map(move |(index, object)| {
                if index > 0 && index % 1_000 == 0 {
                    count(&counters.list);
                }
                object
            })
            .boxed()
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Counted {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        count(&self.counters.put);
        self.inner.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        count(&self.counters.multipart);
        self.inner.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        count(if options.head {
            &self.counters.head
        } else {
            &self.counters.get
        });
        self.inner.get_opts(key, options).await
    }

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        count(&self.counters.get);
        self.inner.get_ranges(key, ranges).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let counters = Arc::clone(&self.counters);
        let keys = keys.inspect(move |_| count(&counters.delete)).boxed();
        self.inner.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pages(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.pages(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        count(&self.counters.list);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        count(&self.counters.put);
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        count(&self.counters.put);
        self.inner.rename_opts(from, to, options).await
    }
}

#[async_trait]
impl Objects for Counted {
    async fn open_upload(&self, key: &Path, staging: &Path) -> Result<String> {
        count(&self.counters.multipart);
        self.inner.open_upload(key, staging).await
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        count(&self.counters.multipart);
        self.inner.put_part(key, upload, index, payload).await
    }

    async fn seal(&self, key: &Path, upload: &str, size_bytes: u64) -> Result<()> {
        self.inner.seal(key, upload, size_bytes).await
    }

    async fn settle(&self, folders: &[Path]) -> Result<()> {
        self.inner.settle(folders).await
    }

    fn lists_staging(&self) -> bool {
        self.inner.lists_staging()
    }

    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion> {
        count(&self.counters.multipart);
        self.inner.complete(key, upload, tags).await
    }

    async fn abort(&self, key: &Path, upload: &str) -> Result<()> {
        count(&self.counters.multipart);
        self.inner.abort(key, upload).await
    }
}
