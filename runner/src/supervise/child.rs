//! The child's end of the pipe: the fence and the waiter of its run are the parent's.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::parent_id;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::sleep;
use tracing::debug;

use crate::callback::{Summary, Waiter};
use crate::commit::Fence;
use crate::error::{Context, Error, ErrorKind, Result, exit};
use crate::supervise::message::{self, FromChild, FromParent, MessageReader, Question};
use crate::supervise::parent::STOP_TIMEOUT;
use crate::supervise::stop_requests::PARENT_CHECK_INTERVAL;
use crate::watch::{Activity, StopReason, Stopper};

/// The interval at which changed counters are sent to the parent.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The connection of a child process to its parent.
#[derive(Clone)]
pub struct Supervisor(Arc<Connection>);

/// The child's end of the pipe.
struct Connection {
    /// The end to write to, one message at a time.
    writer: AsyncMutex<OwnedWriteHalf>,
    /// The questions without a reply, by number; `None` once the pipe has ended.
    pending: Mutex<Option<HashMap<u64, oneshot::Sender<Result<()>>>>>,
    /// Number of the next question.
    next: AtomicU64,
}

impl Supervisor {
    /// Takes the pipe that the parent passes as standard input. `stopper` stops the run when the parent asks for it, or
    /// once the pipe ends.
    ///
    /// # Errors
    /// `Usage` if standard input is not the pipe of a parent.
    pub fn connect(stopper: Stopper) -> Result<Self> {
        let stream = take_stdin().map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                "`--supervised` is only for the process that drivetrain itself starts",
            )
            .caused_by(error)
            .hint("leave `--supervised` out")
        })?;
        let stream = tokio::net::UnixStream::from_std(stream)
            .context(ErrorKind::Failed, "cannot use the pipe to the parent")?;
        end_after_parent();
        let (reader, writer) = stream.into_split();
        let connection = Arc::new(Connection {
            writer: AsyncMutex::new(writer),
            pending: Mutex::new(Some(HashMap::new())),
            next: AtomicU64::new(1),
        });
        let listening = Arc::clone(&connection);
        tokio::spawn(async move {
            listening.listen(MessageReader::new(reader), &stopper).await;
        });
        Ok(Self(connection))
    }

    /// Sends the counters of the run to the parent whenever they have changed.
    pub fn report_activity(&self, read: impl Fn() -> Activity + Send + 'static) {
        let connection = Arc::clone(&self.0);
        tokio::spawn(async move {
            let mut last = Activity::default();
            loop {
                sleep(REPORT_INTERVAL).await;
                let now = read();
                if now != last {
                    let message = FromChild::Activity(now.clone());
                    let mut writer = connection.writer.lock().await;
                    if message::write(&mut writer, &message).await.is_err() {
                        return;
                    }
                    last = now;
                }
            }
        });
    }
}

/// Ends this process some time after its parent has ended, even if no thread of the run reacts to the end of the pipe.
fn end_after_parent() {
    let parent = parent_id();
    std::thread::spawn(move || {
        while parent_id() == parent {
            std::thread::sleep(PARENT_CHECK_INTERVAL);
        }
        std::thread::sleep(STOP_TIMEOUT);
        std::process::exit(i32::from(exit::code(ErrorKind::Cancelled)));
    });
}

/// Takes the socket that is standard input, and replaces standard input by an empty one, so that programs that this
/// process starts do not have it.
fn take_stdin() -> io::Result<UnixStream> {
    let stdin = io::stdin();
    let stream = UnixStream::from(stdin.as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    stream.set_nonblocking(true)?;
    nix::unistd::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(stream)
}

impl Connection {
    /// Handles the messages of the parent until the pipe ends, then stops the run.
    async fn listen(&self, mut reader: MessageReader, stopper: &Stopper) {
        loop {
            match reader.next().await {
                Ok(Some(FromParent::Reply { id, refused })) => {
                    let answer = refused.map_or(Ok(()), |failure| Err(failure.into_error()));
                    let question = self.pending().as_mut().and_then(|all| all.remove(&id));
                    if let Some(question) = question {
                        // The run may have stopped waiting for the reply.
                        question.send(answer).ok();
                    }
                }
                Ok(Some(FromParent::Stop(Some(reason)))) => stopper.stop_because(reason),
                Ok(Some(FromParent::Stop(None))) => stopper.stop(),
                Ok(None) => break,
                Err(error) => {
                    debug!(cause = %error, "the pipe to the parent cannot be read");
                    break;
                }
            }
        }
        stopper.stop_because(StopReason {
            kind: ErrorKind::Cancelled,
            message: "stopped before anything was committed, because the process that answers the task has ended".to_owned(),
            hint: Some("run the task again".to_owned()),
        });
        // From here on, every question fails.
        *self.pending() = None;
    }

    /// Locks the questions without a reply; a panic elsewhere cannot leave them inconsistent.
    fn pending(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Result<()>>>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a question and returns its reply.
    async fn ask(&self, question: Question) -> Result<()> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, reply) = oneshot::channel();
        match self.pending().as_mut() {
            Some(pending) => pending.insert(id, sender),
            None => return Err(parent_has_ended()),
        };
        let message = FromChild::Question { id, question };
        let written = {
            let mut writer = self.writer.lock().await;
            message::write(&mut writer, &message).await
        };
        match written {
            Ok(()) => reply.await.unwrap_or_else(|_| Err(parent_has_ended())),
            Err(error) => Err(parent_has_ended().caused_by(error)),
        }
    }
}

/// Returns the error of a question that the parent no longer answers.
fn parent_has_ended() -> Error {
    Error::new(
        ErrorKind::TryAgain,
        "the process that answers the task has ended before this run",
    )
    .hint("run the task again; if this run is committed, the same command finds it done")
}

#[async_trait]
impl Fence for Supervisor {
    async fn may_commit(&self) -> Result<()> {
        self.0.ask(Question::MayCommit).await
    }

    async fn about_to_put(&self) -> Result<()> {
        self.0.ask(Question::AboutToPut).await
    }

    async fn starts_over(&self) -> Result<()> {
        self.0.ask(Question::StartsOver).await
    }
}

#[async_trait]
impl Waiter for Supervisor {
    async fn ended(&self, summary: &Summary) -> Result<()> {
        self.0.ask(Question::Ended(Box::new(summary.clone()))).await
    }
}
