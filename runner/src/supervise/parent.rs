//! The parent process: it starts the child, replies to its questions, forwards requests to stop, and answers the task.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::callback::{End, HeartbeatSettings, Summary, TaskToken, Waiter, WaitingTask};
use crate::commit::Fence;
use crate::error::{Context, Error, ErrorKind, Failure, Result, exit};
use crate::report::EmrStep;
use crate::supervise::death::Death;
use crate::supervise::message::{self, FromChild, FromParent, MessageReader, Question};
use crate::supervise::node::watch_node;
use crate::supervise::oom_kills::OomKills;
use crate::supervise::stop_requests;
use crate::watch::{Activity, StopSignal, Stopper};

/// The time that the child has to end after a request to stop; then it is killed. It is longer than
/// [`GRACE`](crate::watch::GRACE), in which the child cleans up, and than the time for its answer, so that only a child that
/// hangs is killed.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// The time for which messages of a child that has ended are awaited. They are in the pipe already; the pipe may stay
/// open if a program that the child started still runs.
const LAST_MESSAGES: Duration = Duration::from_secs(1);

/// The settings of a supervised run.
#[derive(Debug)]
pub struct Supervision {
    /// The command of the child. Its arguments and its environment do not contain the token.
    pub child: Command,
    /// Name of the job on the command line, for a failure without a report.
    pub job: String,
    /// Token of the task.
    pub token: TaskToken,
    /// The times that govern heartbeats.
    pub heartbeats: HeartbeatSettings,
    /// The time after which a run stops if none of its counters changes.
    pub stall_timeout: Duration,
    /// The EMR step of this process; `None` elsewhere.
    pub emr: Option<EmrStep>,
    /// Whether to ask EC2 for the notice of a spot interruption.
    pub asks_ec2: bool,
    /// Id of the process that started this one.
    pub launcher: u32,
    /// Called at the first signal, to tell people what the second one does.
    pub at_first_signal: fn(),
}

/// Runs a child process for a task that waits for it, and answers the task. Returns the exit code of the answer that the
/// child reported and printed.
///
/// # Errors
/// As [`WaitingTask::open`]; `Failed` if the child cannot be started; for a child that ended without reporting, the
/// cause. The child has printed nothing about these errors.
pub async fn supervise(supervision: Supervision) -> Result<u8> {
    let Supervision {
        child,
        job,
        token,
        heartbeats,
        stall_timeout,
        emr,
        asks_ec2,
        launcher,
        at_first_signal,
    } = supervision;
    let (stopper, stop) = Stopper::new();
    let (kill, mut kills) = mpsc::unbounded_channel();
    stop_requests::stop_at_signals(stopper.clone(), move |number| {
        if number == 1 {
            at_first_signal();
        } else {
            // Without a child there is nothing to kill.
            kill.send(()).ok();
        }
    })?;
    stop_requests::stop_with_launcher(launcher, stopper.clone());
    let is_emr = emr.is_some();
    let task = WaitingTask::open(token, heartbeats, emr, stopper, stop.clone()).await?;
    let task = Arc::new(task);
    let _watches = watch_node(&task, asks_ec2, is_emr);
    let ended = match start(child) {
        Ok((mut child, pipe)) => {
            let (reader, writer) = pipe.into_split();
            let run = Arc::new(SupervisedRun::new(Arc::clone(&task), writer));
            let counted = Arc::clone(&run);
            task.stop_if_stalled(stall_timeout, move || counted.state().activity.clone());
            run.until_end(&mut child, reader, &mut kills, &stop).await
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(code) => Ok(code),
        Err(error) => {
            let failed = Summary::failed(&job, Failure::of(&error), None);
            Waiter::ended(&*task, &failed).await.ok();
            Err(error)
        }
    }
}

/// Starts the child in a process group of its own, so that Ctrl-C reaches it only through this process. Its standard
/// input is its end of the pipe.
fn start(mut command: Command) -> Result<(Child, tokio::net::UnixStream)> {
    let cannot = "cannot start the process that does the work";
    let (ours, theirs) = UnixStream::pair().context(ErrorKind::Failed, cannot)?;
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    let mut command = tokio::process::Command::from(command);
    let child = command.process_group(0).spawn().map_err(|error| {
        Error::new(ErrorKind::Failed, cannot).caused_by(error).hint(
            "raise the number of processes that the system allows this user (`ulimit -u`), or pass `--no-supervise`",
        )
    })?;
    let pipe = ours
        .set_nonblocking(true)
        .and_then(|()| tokio::net::UnixStream::from_std(ours))
        .context(ErrorKind::Failed, cannot)?;
    Ok((child, pipe))
}

/// A run in a child process, as its parent knows it.
struct SupervisedRun {
    /// The task that waits for the run.
    task: Arc<WaitingTask>,
    /// The end of the pipe to write to, one message at a time.
    writer: AsyncMutex<OwnedWriteHalf>,
    /// The reports of the child.
    state: Mutex<Reported>,
}

/// The reports of the child.
#[derive(Default)]
struct Reported {
    /// The last counters.
    activity: Activity,
    /// `true` once the child has announced the put of its record.
    is_put_announced: bool,
    /// The answer to the task, which returns the exit code; `None` before the end of the run.
    answer: Option<JoinHandle<u8>>,
}

impl SupervisedRun {
    /// Returns the run of a child that has just been started.
    fn new(task: Arc<WaitingTask>, writer: OwnedWriteHalf) -> Self {
        Self {
            task,
            writer: AsyncMutex::new(writer),
            state: Mutex::default(),
        }
    }

    /// Locks the state; a panic elsewhere cannot leave it inconsistent.
    fn state(&self) -> MutexGuard<'_, Reported> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the child has ended and the task is answered, and returns the exit code.
    async fn until_end(
        self: &Arc<Self>,
        child: &mut Child,
        reader: OwnedReadHalf,
        kills: &mut mpsc::UnboundedReceiver<()>,
        stop: &StopSignal,
    ) -> Result<u8> {
        let oom_kills = child.id().and_then(|id| OomKills::of(Path::new("/"), id));
        let mut listening = tokio::spawn(Arc::clone(self).listen(MessageReader::new(reader)));
        let status = self.until_exit(child, kills, stop).await?;
        if timeout(LAST_MESSAGES, &mut listening).await.is_err() {
            listening.abort();
        }
        let reported = std::mem::take(&mut *self.state());
        let answered = match reported.answer {
            Some(answer) => answer.await.ok(),
            None => None,
        };
        answered.ok_or_else(|| {
            let death = Death {
                status,
                is_put_announced: reported.is_put_announced,
                is_out_of_memory: oom_kills.is_some_and(|kills| kills.have_increased()),
                stopped: stop.requested().then(|| stop.error()),
            };
            death.into_error()
        })
    }

    /// Waits for the exit of the child. Meanwhile forwards the request to stop, and kills a child that does not end
    /// after that, or at a second signal.
    async fn until_exit(
        &self,
        child: &mut Child,
        kills: &mut mpsc::UnboundedReceiver<()>,
        stop: &StopSignal,
    ) -> Result<ExitStatus> {
        let (mut is_stop_sent, mut is_reason_sent, mut is_overdue) = (false, false, false);
        let overdue = async {
            stop.wait().await;
            sleep(STOP_TIMEOUT).await;
        };
        tokio::pin!(overdue);
        loop {
            tokio::select! {
                biased;
                status = child.wait() => {
                    return status.context(ErrorKind::Failed, "cannot wait for the process that does the work");
                }
                reason = stop.reason(), if !is_reason_sent => {
                    (is_stop_sent, is_reason_sent) = (true, true);
                    self.write(&FromParent::Stop(Some(reason))).await;
                }
                _ = stop.wait(), if !is_stop_sent => {
                    is_stop_sent = true;
                    self.write(&FromParent::Stop(None)).await;
                }
                Some(()) = kills.recv() => kill(child),
                () = &mut overdue, if !is_overdue => {
                    is_overdue = true;
                    kill(child);
                }
            }
        }
    }

    /// Handles the messages of the child until the pipe ends.
    async fn listen(self: Arc<Self>, mut reader: MessageReader) {
        loop {
            match reader.next().await {
                Ok(Some(FromChild::Activity(activity))) => self.state().activity = activity,
                Ok(Some(FromChild::Question { id, question })) => self.handle(id, question),
                Ok(None) => return,
                Err(error) => {
                    debug!(cause = %error, "the pipe to the child cannot be read");
                    return;
                }
            }
        }
    }

    /// Answers a question beside those that are still open, so that a child that stops need not wait for the fence.
    fn handle(self: &Arc<Self>, id: u64, question: Question) {
        let run = Arc::clone(self);
        match question {
            Question::MayCommit => {
                tokio::spawn(async move { run.reply(id, run.task.may_commit().await).await });
            }
            Question::AboutToPut => {
                self.state().is_put_announced = true;
                tokio::spawn(async move { run.reply(id, run.task.about_to_put().await).await });
            }
            Question::StartsOver => {
                self.state().is_put_announced = false;
                tokio::spawn(async move { run.reply(id, run.task.starts_over().await).await });
            }
            Question::Ended(summary) => {
                let mut state = self.state();
                if state.answer.is_some() {
                    return;
                }
                let answer = tokio::spawn(async move {
                    let sent = Waiter::ended(&*run.task, &summary).await;
                    let code = code_of(&summary, &sent);
                    run.reply(id, sent).await;
                    code
                });
                state.answer = Some(answer);
            }
        }
    }

    /// Replies to a question.
    async fn reply(&self, id: u64, answer: Result<()>) {
        let refused = answer.err().map(|error| Failure::of(&error));
        self.write(&FromParent::Reply { id, refused }).await;
    }

    /// Sends a message to the child. One that has ended needs none.
    async fn write(&self, message: &FromParent) {
        let mut writer = self.writer.lock().await;
        if let Err(error) = message::write(&mut writer, message).await {
            debug!(cause = %error, "the child does not read the pipe");
        }
    }
}

/// Kills the child, unless it has just ended.
fn kill(child: &mut Child) {
    if let Err(error) = child.start_kill() {
        debug!(cause = %error, "the child cannot be killed");
    }
}

/// Returns the exit code of a run: that of its failure, or of a success that could not be reported.
fn code_of(summary: &Summary, sent: &Result<()>) -> u8 {
    match (&summary.end, sent) {
        (End::Failed { failure, .. }, _) => failure.exit_code,
        (End::Succeeded { .. }, Err(unanswered)) => exit::code(unanswered.kind()),
        (End::Succeeded { .. }, Ok(())) => 0,
    }
}
