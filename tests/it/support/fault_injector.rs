//! Injects faults into the calls of a store. For each call, the test chooses the fault by the call's number, operation
//! and key.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use drivetrain_runner::store::Objects;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{Error, Result};
use tokio::sync::{Notify, mpsc};

/// One call of a store: the operation and the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub operation: Operation,
    pub key: String,
}

impl Call {
    /// `true` if the call puts the object with this key.
    pub fn puts(&self, key: &str) -> bool {
        self.operation == Operation::Put && self.key == key
    }

    /// `true` if the call completes an upload.
    pub fn completes(&self) -> bool {
        self.operation == Operation::Complete
    }

    /// `true` if the call aborts an upload.
    pub fn aborts(&self) -> bool {
        self.operation == Operation::Abort
    }

    /// `true` if the call deletes an object below this prefix.
    pub fn deletes_below(&self, prefix: &str) -> bool {
        self.operation == Operation::Delete && self.key.starts_with(prefix)
    }
}

/// The operations of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Abort,
    Complete,
    Delete,
    Get,
    Head,
    List,
    Open,
    PutPart,
    Put,
    Seal,
    Settle,
}

/// A fault: an event in place of the call, or in addition to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends before the call has any effect: the call never returns.
    CrashBefore,
    /// The process ends after the call had its effect.
    CrashAfter,
    /// A timeout; the call had no effect.
    FailBefore,
    /// A timeout; the call had its effect.
    FailAfter,
    /// A 409, which leaves the outcome open; the call had no effect.
    Undecided,
    /// A 403; the call had no effect.
    Forbidden,
    /// The store reports success, but the call had no effect.
    Pretend,
    /// The store has lost the parts that were sent to the upload.
    LoseParts,
    /// A create-only put that overwrites the object that is there.
    Overwrite,
    /// A timeout; the call has its effect later, when the test calls [`FaultInjector::land`].
    Late,
    /// The call waits until the test calls [`FaultInjector::resume`].
    Pause,
}

type Chooser = dyn FnMut(usize, &Call) -> Option<Fault> + Send;

/// Chooser of the faults of one [`FaultyStore`](super::faulty_store::FaultyStore), with which the test controls the
/// store.
pub struct FaultInjector {
    pub(super) inner: Arc<dyn Objects>,
    chooser: Mutex<Box<Chooser>>,
    calls: AtomicUsize,
    events: mpsc::UnboundedSender<Call>,
    resume: Notify,
    gated: bool,
    late: Mutex<Vec<BoxFuture<'static, ()>>>,
    uploads: Mutex<Vec<(Path, String)>>,
}

impl FaultInjector {
    /// Builds an injector. For each call, it passes the call and its number, counted from 1, to `chooser`. It sends
    /// each crash and pause to the receiver.
    ///
    /// A `gated` store pauses at every call, and calls `chooser` only once the test resumes the call.
    pub(super) fn new(
        inner: Arc<dyn Objects>,
        gated: bool,
        chooser: impl FnMut(usize, &Call) -> Option<Fault> + Send + 'static,
    ) -> (Self, mpsc::UnboundedReceiver<Call>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let injector = Self {
            inner,
            chooser: Mutex::new(Box::new(chooser)),
            calls: AtomicUsize::new(0),
            events,
            resume: Notify::new(),
            gated,
            late: Mutex::default(),
            uploads: Mutex::default(),
        };
        (injector, receiver)
    }

    /// Executes the last put with the fault [`Fault::Late`], which was answered with a timeout.
    pub async fn land(&self) {
        let late = self.late.lock().unwrap().pop();
        if let Some(late) = late {
            late.await;
        }
    }

    /// Makes the store forget one of the opened uploads. `choose` gets their number and returns the index of one.
    pub async fn lose_upload(&self, choose: impl FnOnce(usize) -> usize) {
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

    /// Resumes a paused call.
    pub fn resume(&self) {
        self.resume.notify_one();
    }

    pub(super) fn note_upload(&self, key: &Path, id: &str) {
        let upload = (key.clone(), id.to_owned());
        self.uploads.lock().unwrap().push(upload);
    }

    pub(super) fn postpone(&self, call: impl Future<Output = ()> + Send + 'static) {
        self.late.lock().unwrap().push(call.boxed());
    }

    /// Chooses the fault of a call. Waits until the call is resumed if it is paused, and forever if the process ends
    /// before it.
    pub(super) async fn decide(&self, operation: Operation, key: &Path) -> Decided {
        let call = Call {
            operation,
            key: key.to_string(),
        };
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if self.gated {
            self.pause(&call).await;
        }
        let fault = (self.chooser.lock().unwrap())(number, &call);
        match fault {
            Some(Fault::Pause) => {
                self.pause(&call).await;
                Decided { call, fault: None }
            }
            Some(Fault::CrashBefore) => self.crash(call).await,
            fault => Decided { call, fault },
        }
    }

    async fn pause(&self, call: &Call) {
        self.events.send(call.clone()).ok();
        self.resume.notified().await;
    }

    async fn crash<T>(&self, call: Call) -> T {
        self.events.send(call).ok();
        std::future::pending().await
    }

    /// Makes a call with the fault that was chosen for it.
    pub(super) async fn make<T>(
        &self,
        decided: Decided,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let path = decided.call.key.clone();
        match decided.fault {
            Some(Fault::FailBefore | Fault::Pretend | Fault::Late) => Err(timed_out()),
            Some(Fault::Undecided) => Err(Error::AlreadyExists {
                path,
                source: "409 Conflict".into(),
            }),
            Some(Fault::Forbidden) => Err(Error::PermissionDenied {
                path,
                source: "403 Forbidden".into(),
            }),
            Some(Fault::CrashAfter) => {
                call.await.ok();
                self.crash(decided.call).await
            }
            Some(Fault::FailAfter) => {
                call.await.ok();
                Err(timed_out())
            }
            _ => call.await,
        }
    }
}

/// A call and the fault that was chosen for it.
pub(super) struct Decided {
    call: Call,
    pub(super) fault: Option<Fault>,
}

pub(super) fn timed_out() -> Error {
    Error::Generic {
        store: "faulty",
        source: std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
    }
}

impl fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultInjector").finish_non_exhaustive()
    }
}
