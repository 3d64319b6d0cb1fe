//! A store whose calls fail as the test chooses, on top of any implementation of the store's trait.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use drivetrain_runner::store::{Completion, Objects, Store};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::mpsc::UnboundedReceiver;

use super::backends::Backend;
use super::fault_injector::{Call, Fault, FaultInjector, Operation, timed_out};

/// A store with faults, the injector that controls them, and the stream of crashes and pauses.
pub struct Faulty {
    pub store: Store,
    pub injector: Arc<FaultInjector>,
    pub events: UnboundedReceiver<Call>,
}

impl Faulty {
    /// Opens a store on a backend. `chooser` gets each call and its number, counted from 1, and chooses the fault.
    pub async fn open(
        backend: &Backend,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> Self {
        Self::make(backend, false, chooser).await
    }

    /// Opens a store whose calls all wait until the test resumes them. Only then does `chooser` choose the fault.
    pub async fn gated(
        backend: &Backend,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> Self {
        Self::make(backend, true, chooser).await
    }

    async fn make(
        backend: &Backend,
        gated: bool,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> Self {
        let (injector, events) = FaultInjector::new(backend.objects().await, gated, chooser);
        let injector = Arc::new(injector);
        let objects = FaultyStore(Arc::clone(&injector));
        Self {
            store: Store::over(backend.location(), Arc::new(objects)),
            injector,
            events,
        }
    }
}

/// Opens a store whose first `times` matching calls have a fault.
pub async fn failing(
    backend: &Backend,
    fault: Fault,
    times: usize,
    matches: impl Fn(&Call) -> bool + Send + 'static,
) -> Store {
    let mut left = times;
    let chooser = move |_, call: &Call| {
        if left == 0 || !matches(call) {
            return None;
        }
        left -= 1;
        Some(fault)
    };
    Faulty::open(backend, chooser).await.store
}

/// Wrapper that forwards each call to the store below it, unless the injector chooses a fault. It shares the injector,
/// because streams outlive the call that made them.
#[derive(Debug)]
pub struct FaultyStore(Arc<FaultInjector>);

impl FaultyStore {
    /// Makes a call, with the fault that the injector chooses.
    async fn call<T>(
        &self,
        operation: Operation,
        key: &Path,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let decided = self.0.decide(operation, key).await;
        self.0.make(decided, call).await
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.0.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let decided = self.0.decide(Operation::Put, key).await;
        let options = match decided.fault {
            Some(Fault::Overwrite) => PutOptions::default(),
            _ => options,
        };
        if decided.fault == Some(Fault::Late) {
            let (inner, key) = (Arc::clone(&self.0.inner), key.clone());
            self.0.postpone(async move {
                inner.put_opts(&key, payload, options).await.ok();
            });
            return Err(timed_out());
        }
        let put = self.0.inner.put_opts(key, payload, options);
        self.0.make(decided, put).await
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
        let get = self.0.inner.get_opts(key, options);
        self.call(operation, key, get).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let injector = Arc::clone(&self.0);
        keys.then(move |key| {
            let store = Self(Arc::clone(&injector));
            async move {
                let key = key?;
                let delete = store.0.inner.delete(&key);
                store.call(Operation::Delete, &key, delete).await?;
                Ok(key)
            }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = Self(Arc::clone(&self.0));
        let prefix = prefix.cloned().unwrap_or_default();
        let listing = async move {
            let listing = async { Ok(store.0.inner.list(Some(&prefix)).collect::<Vec<_>>().await) };
            match store.call(Operation::List, &prefix, listing).await {
                Ok(listed) => stream::iter(listed),
                Err(error) => stream::iter(vec![Err(error)]),
            }
        };
        stream::once(listing).flatten().boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        unreachable!("the protocol lists without a delimiter")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        unreachable!("the protocol copies nothing")
    }
}

#[async_trait]
impl Objects for FaultyStore {
    async fn open_upload(&self, key: &Path, staging: &Path) -> Result<String> {
        let open = async {
            let id = self.0.inner.open_upload(key, staging).await?;
            self.0.note_upload(key, &id);
            Ok(id)
        };
        self.call(Operation::Open, key, open).await
    }

    async fn put_part(
        &self,
        key: &Path,
        upload: &str,
        index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        let put = self.0.inner.put_part(key, upload, index, payload);
        self.call(Operation::PutPart, key, put).await
    }

    async fn seal(&self, key: &Path, upload: &str, size_bytes: u64) -> Result<()> {
        let seal = self.0.inner.seal(key, upload, size_bytes);
        self.call(Operation::Seal, key, seal).await
    }

    async fn settle(&self, folders: &[Path]) -> Result<()> {
        let first = folders.first().cloned().unwrap_or_default();
        let settle = self.0.inner.settle(folders);
        self.call(Operation::Settle, &first, settle).await
    }

    fn lists_staging(&self) -> bool {
        self.0.inner.lists_staging()
    }

    async fn complete(&self, key: &Path, upload: &str, tags: &[String]) -> Result<Completion> {
        let decided = self.0.decide(Operation::Complete, key).await;
        match decided.fault {
            Some(Fault::Pretend) => Ok(Completion::Done),
            Some(Fault::LoseParts) => Ok(Completion::PartsMissing),
            Some(Fault::Undecided | Fault::Forbidden) => Err(timed_out()),
            _ => {
                let complete = self.0.inner.complete(key, upload, tags);
                self.0.make(decided, complete).await
            }
        }
    }

    async fn abort(&self, key: &Path, upload: &str) -> Result<()> {
        let decided = self.0.decide(Operation::Abort, key).await;
        if decided.fault == Some(Fault::Pretend) {
            return Ok(());
        }
        let abort = self.0.inner.abort(key, upload);
        self.0.make(decided, abort).await
    }
}
