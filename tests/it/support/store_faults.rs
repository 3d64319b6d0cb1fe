//! A store that fails where a test says so: it stands on any implementation of the port.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use drivetrain_runner::store::{Completion, Objects};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::{Notify, mpsc};

/// One call of the port: what was called, and with which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub operation: Operation,
    pub key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Abort,
    Complete,
    Delete,
    Get,
    Head,
    List,
    Open,
    Piece,
    Put,
    Seal,
    Settle,
}

/// What happens instead of, or beside, the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends before the call has any effect: nothing is ever answered.
    CrashBefore,
    /// The process ends after the call had its effect.
    CrashAfter,
    /// A time-out; the call had no effect.
    FailBefore,
    /// A time-out; the call had its effect.
    FailAfter,
    /// A 409: undecided, and no effect.
    Undecided,
    /// A 403.
    Forbidden,
    /// The store says that it is done, and it is not.
    Pretend,
    /// The store has lost what was sent to the upload.
    LoseParts,
    /// A create-only put that writes over what is there.
    Overwrite,
    /// A time-out; the call has its effect later, when the test says so.
    Late,
    /// The call waits until the test lets it go on.
    Pause,
}

type Chooser = dyn FnMut(usize, &Call) -> Option<Fault> + Send;

/// Hands calls on, or does what the test's chooser says; it is asked with the number of the call, from 1.
pub struct Faulty {
    inner: Arc<dyn Objects>,
    chooser: Mutex<Box<Chooser>>,
    calls: Mutex<Vec<Call>>,
    events: mpsc::UnboundedSender<Call>,
    go_on: Notify,
    gated: bool,
    late: Mutex<Vec<BoxFuture<'static, ()>>>,
    uploads: Mutex<Vec<(Path, String)>>,
}

impl Faulty {
    /// The second value hears of each crash and pause.
    pub fn new(
        inner: Arc<dyn Objects>,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        Self::make(inner, false, chooser)
    }

    /// Every call waits until the test lets it go on; only then the chooser is asked.
    pub fn gated(
        inner: Arc<dyn Objects>,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        Self::make(inner, true, chooser)
    }

    fn make(
        inner: Arc<dyn Objects>,
        gated: bool,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        let (events, heard) = mpsc::unbounded_channel();
        let faulty = Self {
            inner,
            chooser: Mutex::new(Box::new(chooser)),
            calls: Mutex::default(),
            events,
            go_on: Notify::new(),
            gated,
            late: Mutex::default(),
            uploads: Mutex::default(),
        };
        (Arc::new(faulty), heard)
    }

    /// Lets a put land that was answered with a time-out.
    pub async fn land(&self) {
        let late = self.late.lock().unwrap().pop();
        if let Some(late) = late {
            late.await;
        }
    }

    /// Forgets one of the uploads that were opened here.
    pub async fn lose(&self, choose: impl FnOnce(usize) -> usize) {
        let upload = {
            let mut uploads = self.uploads.lock().unwrap();
            match uploads.len() {
                0 => None,
                count => Some(uploads.swap_remove(choose(count))),
            }
        };
        if let Some((key, id)) = upload {
            self.inner.abort(&key, &id).await.unwrap();
        }
    }

    /// Lets a paused call go on.
    pub fn go_on(&self) {
        self.go_on.notify_one();
    }

    async fn fault(&self, operation: Operation, key: &Path) -> Option<Fault> {
        let call = Call {
            operation,
            key: key.to_string(),
        };
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call.clone());
            calls.len()
        };
        if self.gated {
            self.events.send(call.clone()).ok();
            self.go_on.notified().await;
        }
        let fault = (self.chooser.lock().unwrap())(number, &call);
        match fault {
            Some(Fault::Pause) => {
                self.events.send(call).ok();
                self.go_on.notified().await;
                None
            }
            Some(Fault::CrashBefore) => {
                self.events.send(call).ok();
                std::future::pending().await
            }
            fault => fault,
        }
    }

    async fn after<T>(&self, fault: Option<Fault>, answer: Result<T>) -> Result<T> {
        match fault {
            Some(Fault::CrashAfter) => {
                let call = self.calls.lock().unwrap().last().cloned();
                self.events.send(call.expect("this call")).ok();
                std::future::pending().await
            }
            Some(Fault::FailAfter) => Err(timed_out()),
            _ => answer,
        }
    }

    /// Does the call as the fault says.
    async fn with<T>(
        &self,
        operation: Operation,
        key: &Path,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let fault = self.fault(operation, key).await;
        self.as_said(fault, key, call).await
    }

    async fn as_said<T>(
        &self,
        fault: Option<Fault>,
        key: &Path,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match fault {
            Some(Fault::FailBefore | Fault::Pretend | Fault::Late) => Err(timed_out()),
            Some(Fault::Undecided) => Err(Error::AlreadyExists {
                path: key.to_string(),
                source: "409 Conflict".into(),
            }),
            Some(Fault::Forbidden) => Err(Error::PermissionDenied {
                path: key.to_string(),
                source: "403 Forbidden".into(),
            }),
            fault => self.after(fault, call.await).await,
        }
    }
}

fn timed_out() -> Error {
    Error::Generic {
        store: "faulty",
        source: std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let fault = self.fault(Operation::Put, key).await;
        let options = match fault {
            Some(Fault::Overwrite) => PutOptions::default(),
            _ => options,
        };
        if fault == Some(Fault::Late) {
            let (inner, key) = (Arc::clone(&self.inner), key.clone());
            let land = async move {
                inner.put_opts(&key, payload, options).await.ok();
            };
            self.late.lock().unwrap().push(land.boxed());
            return Err(timed_out());
        }
        let put = self.inner.put_opts(key, payload, options);
        self.as_said(fault, key, put).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        unreachable!("the protocol opens uploads by the port")
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head {
            Operation::Head
        } else {
            Operation::Get
        };
        let get = self.inner.get_opts(key, options);
        self.with(operation, key, get).await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        unreachable!("`Shared` deletes key by key")
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        unreachable!("`Shared` lists")
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        unreachable!("the protocol lists without a delimiter")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        unreachable!("the protocol copies nothing")
    }
}

#[async_trait]
impl Objects for Faulty {
    async fn open_upload(&self, key: &Path, staging: &Path) -> Result<String> {
        let open = async {
            let id = self.inner.open_upload(key, staging).await?;
            self.uploads.lock().unwrap().push((key.clone(), id.clone()));
            Ok(id)
        };
        self.with(Operation::Open, key, open).await
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        let piece = self.inner.put_part(key, upload, index, payload);
        self.with(Operation::Piece, key, piece).await
    }

    async fn seal(&self, key: &Path, upload: &str, size_bytes: u64) -> Result<()> {
        let seal = self.inner.seal(key, upload, size_bytes);
        self.with(Operation::Seal, key, seal).await
    }

    async fn settle(&self, folders: &[Path]) -> Result<()> {
        let first = folders.first().cloned().unwrap_or_default();
        let settle = self.inner.settle(folders);
        self.with(Operation::Settle, &first, settle).await
    }

    fn lists_staging(&self) -> bool {
        self.inner.lists_staging()
    }

    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion> {
        let fault = self.fault(Operation::Complete, key).await;
        match fault {
            Some(Fault::Pretend) => Ok(Completion::Done),
            Some(Fault::LoseParts) => Ok(Completion::PartsMissing),
            Some(Fault::FailBefore | Fault::Undecided | Fault::Forbidden | Fault::Late) => {
                Err(timed_out())
            }
            fault => {
                let answer = self.inner.complete(key, upload, tags).await;
                self.after(fault, answer).await
            }
        }
    }

    async fn abort(&self, key: &Path, upload: &str) -> Result<()> {
        let fault = self.fault(Operation::Abort, key).await;
        if fault == Some(Fault::Pretend) {
            return Ok(());
        }
        let abort = self.inner.abort(key, upload);
        self.as_said(fault, key, abort).await
    }
}

/// [`Faulty`] as a store: streams need a handle that outlives the call.
#[derive(Debug)]
pub struct Shared(pub Arc<Faulty>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Shared {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.0.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let faulty = Arc::clone(&self.0);
        keys.then(move |key| {
            let faulty = Arc::clone(&faulty);
            async move {
                let key = key?;
                let delete = faulty.inner.delete(&key);
                faulty.with(Operation::Delete, &key, delete).await?;
                Ok(key)
            }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let faulty = Arc::clone(&self.0);
        let prefix = prefix.cloned().unwrap_or_default();
        let listing = async move {
            let listing = async {
                let listed = faulty.inner.list(Some(&prefix)).collect::<Vec<_>>().await;
                Ok(listed)
            };
            match faulty.with(Operation::List, &prefix, listing).await {
                Ok(listed) => stream::iter(listed),
                Err(error) => stream::iter(vec![Err(error)]),
            }
        };
        stream::once(listing).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[async_trait]
impl Objects for Shared {
    async fn open_upload(&self, key: &Path, staging: &Path) -> Result<String> {
        self.0.open_upload(key, staging).await
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        self.0.put_part(key, upload, index, payload).await
    }

    async fn seal(&self, key: &Path, upload: &str, size_bytes: u64) -> Result<()> {
        self.0.seal(key, upload, size_bytes).await
    }

    async fn settle(&self, folders: &[Path]) -> Result<()> {
        self.0.settle(folders).await
    }

    fn lists_staging(&self) -> bool {
        self.0.lists_staging()
    }

    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion> {
        self.0.complete(key, upload, tags).await
    }

    async fn abort(&self, key: &Path, upload: &str) -> Result<()> {
        self.0.abort(key, upload).await
    }
}
