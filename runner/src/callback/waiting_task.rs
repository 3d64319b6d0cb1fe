//! A task of a state machine that waits for a run: heartbeats while the run works, the fence before its commit, and the
//! one answer at its end.
//!
//! ```text
//!  open: first heartbeat ──> heartbeats ──> fence: one more ──> put ──> heartbeats ──> ended: one answer
//!                              │                 │
//!                              └─ task is gone, or nothing is answered: stop, publish nothing, answer nothing
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::callback::step_functions::{Sent, TaskClient, TaskRequest};
use crate::callback::summary::{End, Summary};
use crate::callback::task_output;
use crate::callback::task_token::{TaskToken, forbid_core_dumps};
use crate::callback::waiter::Waiter;
use crate::commit::Fence;
use crate::error::{Context, Error, ErrorKind, Failure, Result};
use crate::report::EmrStep;
use crate::watch::{Activity, StopReason, StopSignal, Stopper, stalled};

/// The time for which the first heartbeat is tried. The network of a node that has just started may need some seconds.
const FIRST_HEARTBEAT: Duration = Duration::from_secs(30);
/// The time for which the heartbeat of the fence is tried, as `docs/commit-protocol.md` says.
const FENCE: Duration = Duration::from_mins(2);
/// The time limit for an answer after a request to stop. Systems that stop a process kill it soon afterwards.
const ANSWER_WHEN_STOPPED: Duration = Duration::from_secs(5);
/// The time for which a failure is reported. A task that does not receive it fails by its own timeout.
const ANSWER_FAILURE: Duration = Duration::from_mins(1);
/// The pause before the second try of a request; each later one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two tries of a request.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The times that govern heartbeats.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatSettings {
    /// The time from one heartbeat to the next.
    pub interval: Duration,
    /// The time after which a run stops if no heartbeat was answered; the `HeartbeatSeconds` of the task.
    pub timeout: Duration,
}

/// The defaults of `drivetrain run`: a minute, and ten minutes.
impl Default for HeartbeatSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            timeout: Duration::from_mins(10),
        }
    }
}

/// A task that waits for this run. It answers the task exactly once, unless the task no longer waits.
pub struct WaitingTask {
    /// The client and the state that heartbeats, fence and answer share.
    task: Arc<SharedTask>,
    /// The threads on which all requests are sent, so that data work never delays them; `None` only while the value is
    /// dropped.
    runtime: Option<Runtime>,
}

/// The parts of a task that heartbeats and answer share.
struct SharedTask {
    /// Client for requests about the task.
    client: TaskClient,
    /// The times that govern heartbeats.
    settings: HeartbeatSettings,
    /// The EMR step that executes the run, for the cause of a failure; `None` elsewhere.
    emr: Option<EmrStep>,
    /// Sender of the request to stop the run.
    stopper: Stopper,
    /// Receiver of requests to stop the run.
    stop: StopSignal,
    /// The number of requests for which the run waits: the fence and the answer.
    waiting: AtomicU32,
    /// The state of the task as far as it is known.
    state: Mutex<TaskState>,
}

/// The state of a task as far as it is known.
#[derive(Debug)]
struct TaskState {
    /// The time at which the last heartbeat was answered.
    answered_at: Instant,
    /// `true` once the run has announced the put of its record: from then on no heartbeat stops it, unless it starts
    /// over.
    is_put_announced: bool,
    /// The error of Step Functions by which the task is known to be gone, after the put was announced.
    gone: Option<String>,
    /// `true` once the answer is on its way; a second one is never sent.
    is_answered: bool,
    /// `true` once the task is known not to wait for this run, or to be out of reach for too long. Then nothing is
    /// answered.
    is_given_up: bool,
}

impl SharedTask {
    /// Locks the state; a panic elsewhere cannot leave it inconsistent.
    fn state(&self) -> MutexGuard<'_, TaskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends heartbeats until the task is gone. Before the put is announced, asks the run to stop if the task is gone, or
    /// if nothing was answered for too long.
    async fn keep_alive(&self) {
        let mut next = Instant::now() + self.settings.interval;
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep_until(next).await;
            let sent_at = Instant::now();
            let sending = self.client.send(&TaskRequest::Heartbeat);
            match timeout(self.time_to_heartbeat(), sending).await {
                Err(_) => warn!("a heartbeat was not answered in time"),
                Ok(Sent::Accepted) => {
                    debug!("heartbeat answered");
                    self.state().answered_at = Instant::now();
                    next = sent_at + self.settings.interval;
                    pause = FIRST_PAUSE;
                    continue;
                }
                Ok(Sent::Gone(name)) => {
                    let mut state = self.state();
                    if state.is_put_announced {
                        info!(
                            answer = %name,
                            "the task no longer waits for this run, which may be committed"
                        );
                        state.gone = Some(name);
                    } else {
                        state.is_given_up = true;
                        self.stopper.stop_because(no_longer_wanted(&name));
                    }
                    return;
                }
                Ok(Sent::Refused(error) | Sent::Unanswered { error, .. }) => {
                    warn!(cause = %with_cause(&error), "a heartbeat was not answered; trying again");
                }
            }
            if self.gives_up_unheard() {
                return;
            }
            next = Instant::now() + pause.min(self.settings.interval);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns the time in which a heartbeat must be answered, or the run stops; without end once the put is announced.
    fn time_to_heartbeat(&self) -> Duration {
        let state = self.state();
        if state.is_put_announced {
            return Duration::MAX;
        }
        let timeout = self.settings.timeout;
        timeout.saturating_sub(state.answered_at.elapsed())
    }

    /// Stops the run if Step Functions has not heard of it for too long and its put is not announced; returns `true` if it
    /// does so.
    fn gives_up_unheard(&self) -> bool {
        let mut state = self.state();
        let is_heard = state.answered_at.elapsed() < self.settings.timeout;
        if state.is_put_announced || is_heard {
            return false;
        }
        state.is_given_up = true;
        self.stopper.stop_because(unheard(self.settings.timeout));
        true
    }

    /// Sends the heartbeat of the fence until it is answered.
    async fn pass_fence(&self) -> Result<()> {
        let sent = retried(&self.client, &TaskRequest::Heartbeat, FENCE).await;
        match sent.last {
            Sent::Accepted => {
                self.state().answered_at = Instant::now();
                Ok(())
            }
            Sent::Gone(name) => {
                self.state().is_given_up = true;
                Err(no_longer_wanted(&name).into_error())
            }
            Sent::Refused(error) => Err(error),
            Sent::Unanswered { error, .. } => Err(Error::new(
                ErrorKind::TryAgain,
                "the heartbeat before the commit was not answered for two minutes; nothing was published",
            )
            .caused_by(error)),
        }
    }

    /// Answers the task. A failure to report a failure is only logged, because the run's own error is the one to
    /// correct.
    async fn answer(&self, summary: &Summary) -> Result<()> {
        {
            let mut state = self.state();
            if state.is_given_up || state.is_answered {
                return Ok(());
            }
            state.is_answered = true;
        }
        let limit = match &summary.end {
            End::Succeeded { .. } => self.settings.timeout,
            End::Failed { .. } => self.settings.timeout.min(ANSWER_FAILURE),
        };
        match &summary.end {
            End::Succeeded {
                numbers,
                quarantined_rows,
                tables,
            } => {
                let run_id = summary.run_id.as_deref().unwrap_or_default();
                let output =
                    task_output::output(&summary.job, run_id, numbers, quarantined_rows, tables);
                let request = TaskRequest::Success { output };
                let sent = self.send_answer(&request, limit).await;
                delivered(sent, &summary.job, numbers.record)
            }
            End::Failed {
                failure,
                quarantine,
            } => {
                self.answer_failure(failure, quarantine.as_deref(), limit)
                    .await;
                Ok(())
            }
        }
    }

    /// Sends an answer until there is a final reply, for this long at most, and for [`ANSWER_WHEN_STOPPED`] after a request
    /// to stop.
    async fn send_answer(&self, answer: &TaskRequest, limit: Duration) -> Retried {
        let stopped = async {
            self.stop.wait().await;
            sleep(ANSWER_WHEN_STOPPED).await;
        };
        tokio::select! {
            biased;
            sent = retried(&self.client, answer, limit) => sent,
            () = stopped => Retried {
                last: Sent::Unanswered {
                    error: Error::new(
                        ErrorKind::TryAgain,
                        "Step Functions took no answer within 5 seconds, and the run was asked to stop",
                    ),
                    may_be_accepted: true,
                },
                is_ambiguous: true,
            },
        }
    }

    /// Answers the task with a failure, and logs if that is not possible.
    async fn answer_failure(&self, failure: &Failure, quarantine: Option<&str>, limit: Duration) {
        let cause = task_output::cause(failure, quarantine, self.emr.as_ref());
        let request = TaskRequest::Failure {
            error: failure.name.clone(),
            cause,
        };
        let sent = self.send_answer(&request, limit).await;
        match sent.last {
            Sent::Accepted => debug!(error = failure.name, "the task was answered with a failure"),
            Sent::Gone(name) => {
                info!(answer = name, "the task no longer waits for this run");
            }
            Sent::Refused(error) | Sent::Unanswered { error, .. } => {
                tracing::error!(cause = %with_cause(&error), "cannot report the failure to the task");
            }
        }
    }
}

/// Returns the result of a run whose success was reported to its task.
fn delivered(sent: Retried, job: &str, record: u64) -> Result<()> {
    let undelivered = |error: Error| {
        let message = format!(
            "job `{job}` is committed as record {record}, but its success could not be reported to the task"
        );
        let again = "run the same command with the token of a new task: it finds the run done and reports it";
        let hint = match error.hint_text() {
            Some(first) => format!("{first}; then {again}"),
            None => again.to_owned(),
        };
        Error::new(error.kind(), message)
            .hint(hint)
            .caused_by(error)
    };
    match sent.last {
        Sent::Accepted => Ok(()),
        Sent::Gone(name) if sent.is_ambiguous => {
            info!(answer = name, "an earlier try of the answer was accepted");
            Ok(())
        }
        Sent::Gone(name) => {
            warn!(
                answer = name,
                record, "the run is committed, but the task no longer waits for it"
            );
            Ok(())
        }
        Sent::Refused(error) | Sent::Unanswered { error, .. } => Err(undelivered(error)),
    }
}

/// The outcome of a request that was tried several times.
struct Retried {
    /// The outcome of the last try.
    last: Sent,
    /// `true` if an earlier try had no clear answer, so that it may have been accepted.
    is_ambiguous: bool,
}

/// Sends a request until there is a final answer, for this long at most.
async fn retried(client: &TaskClient, request: &TaskRequest, limit: Duration) -> Retried {
    let until = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    let mut is_ambiguous = false;
    loop {
        match client.send(request).await {
            Sent::Unanswered {
                error,
                may_be_accepted,
            } if Instant::now() + pause < until => {
                warn!(cause = %with_cause(&error), "a request to Step Functions was not answered; trying again");
                is_ambiguous |= may_be_accepted;
            }
            last => return Retried { last, is_ambiguous },
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Formats an error with its direct cause, for logs.
fn with_cause(error: &Error) -> String {
    match error.cause() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Returns the reason to stop a run whose task is gone; `name` is the error of Step Functions.
fn no_longer_wanted(name: &str) -> StopReason {
    StopReason {
        kind: ErrorKind::Cancelled,
        message: format!(
            "the task no longer waits for this run ({name}); nothing was published"
        ),
        hint: Some(
            "look at the execution's history: it was stopped, it timed out, or another attempt replaced this one"
                .to_owned(),
        ),
    }
}

/// Returns the reason to stop a run of which Step Functions has not heard for this long.
fn unheard(timeout: Duration) -> StopReason {
    StopReason {
        kind: ErrorKind::TryAgain,
        message: format!(
            "no heartbeat was answered for {} s, so the task has timed out; nothing was published",
            timeout.as_secs()
        ),
        hint: Some("check the network of this node, and run the task again".to_owned()),
    }
}

impl WaitingTask {
    /// Sends the first heartbeat, which must be answered, then one per interval. `stopper` stops the run once the task
    /// no longer waits for it. `emr` is the EMR step of this process, if there is one.
    ///
    /// # Errors
    /// `Usage` for an invalid token or endpoint; `Cancelled` for a task that no longer waits; `Failed` without
    /// credentials, region or permission; `TryAgain` if Step Functions does not answer within 30 seconds.
    pub async fn open(
        token: TaskToken,
        settings: HeartbeatSettings,
        emr: Option<EmrStep>,
        stopper: Stopper,
        stop: StopSignal,
    ) -> Result<Self> {
        forbid_core_dumps();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("task")
            .enable_all()
            .build()
            .context(ErrorKind::Failed, "cannot start a thread for heartbeats")?;
        let begun = Arc::new(OnceLock::new());
        let beginning = Arc::clone(&begun);
        let opening = runtime.spawn(async move {
            let client = TaskClient::open(token).await?;
            beginning.set(client.clone()).ok();
            let first = retried(&client, &TaskRequest::Heartbeat, FIRST_HEARTBEAT).await;
            match first.last {
                Sent::Accepted => Ok(client),
                Sent::Gone(name) if name == "InvalidToken" => Err(Error::new(
                    ErrorKind::Usage,
                    "Step Functions does not know the task token (InvalidToken)",
                )
                .hint(
                    "pass the whole token of a task that waits, in the region of its state machine",
                )),
                Sent::Gone(name) => Err(no_longer_wanted(&name).into_error()),
                Sent::Refused(error) | Sent::Unanswered { error, .. } => Err(error),
            }
        });
        let opened = if let Some(opened) = stop.unless(joined(opening)).await {
            opened
        } else {
            let error = stop.error();
            if let Some(client) = begun.get() {
                refuse_early(&runtime, client.clone(), &error, emr.as_ref()).await;
            }
            Err(error)
        };
        let client = match opened {
            Ok(client) => client,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let task = Arc::new(SharedTask {
            client,
            settings,
            emr,
            stopper,
            stop,
            waiting: AtomicU32::new(0),
            state: Mutex::new(TaskState {
                answered_at: Instant::now(),
                is_put_announced: false,
                gone: None,
                is_answered: false,
                is_given_up: false,
            }),
        });
        let beating = Arc::clone(&task);
        runtime.spawn(async move { beating.keep_alive().await });
        Ok(Self {
            task,
            runtime: Some(runtime),
        })
    }

    /// Stops the run once none of its counters has changed for `timeout`, however long heartbeats are answered. The time in
    /// which the run waits for Step Functions, at the fence and with its answer, does not count.
    pub fn stop_if_stalled(
        &self,
        timeout: Duration,
        read: impl Fn() -> Activity + Send + Sync + 'static,
    ) {
        let task = Arc::clone(&self.task);
        self.runtime().spawn(async move {
            let is_waiting = || task.waiting.load(Ordering::Relaxed) > 0;
            let read = || (!is_waiting()).then(&read);
            task.stopper.stop_because(stalled(read, timeout).await);
        });
    }

    /// Stops the run for a reason, unless it has announced the put of its record.
    pub fn stop_before_put(&self, reason: StopReason) {
        let state = self.task.state();
        if !state.is_put_announced {
            self.task.stopper.stop_because(reason);
        }
    }

    /// Returns the threads of the task.
    fn runtime(&self) -> &Runtime {
        let runtime = self.runtime.as_ref();
        runtime.expect("the runtime is there until the value is dropped")
    }

    /// Does work on the threads of the task, for which the run waits.
    async fn waited_for(
        &self,
        work: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<()> {
        let task = Arc::clone(&self.task);
        self.on_its_threads(async move {
            task.waiting.fetch_add(1, Ordering::Relaxed);
            let done = work.await;
            task.waiting.fetch_sub(1, Ordering::Relaxed);
            done
        })
        .await
    }

    /// Does work on the threads of the task.
    async fn on_its_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        joined(self.runtime().spawn(work)).await
    }
}

/// Answers a task with the error of a run that was stopped while its first heartbeat was on its way.
async fn refuse_early(runtime: &Runtime, client: TaskClient, error: &Error, emr: Option<&EmrStep>) {
    let failure = Failure::of(error);
    let request = TaskRequest::Failure {
        error: failure.name.clone(),
        cause: task_output::cause(&failure, None, emr),
    };
    let answer = async move {
        retried(&client, &request, ANSWER_WHEN_STOPPED).await;
        Ok(())
    };
    // A failure is no news here: the task ends by its own timeout.
    let answered = joined(runtime.spawn(answer));
    timeout(ANSWER_WHEN_STOPPED, answered).await.ok();
}

/// Waits for work on the threads of the task.
async fn joined<T>(work: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    work.await.unwrap_or_else(|error| {
        Err(Error::new(
            ErrorKind::Failed,
            "the thread for heartbeats ended unexpectedly",
        )
        .caused_by(std::io::Error::other(error))
        .hint("this is a bug: please report it"))
    })
}

impl Drop for WaitingTask {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl Fence for WaitingTask {
    async fn may_commit(&self) -> Result<()> {
        let task = Arc::clone(&self.task);
        self.waited_for(async move { task.pass_fence().await })
            .await
    }

    async fn about_to_put(&self) -> Result<()> {
        let mut state = self.task.state();
        if state.is_given_up {
            return Err(self.task.stop.error());
        }
        state.is_put_announced = true;
        Ok(())
    }

    async fn starts_over(&self) -> Result<()> {
        let mut state = self.task.state();
        state.is_put_announced = false;
        match state.gone.take() {
            None => Ok(()),
            Some(name) => {
                state.is_given_up = true;
                Err(no_longer_wanted(&name).into_error())
            }
        }
    }
}

#[async_trait]
impl Waiter for WaitingTask {
    async fn ended(&self, summary: &Summary) -> Result<()> {
        let (task, summary) = (Arc::clone(&self.task), summary.clone());
        Box::pin(self.waited_for(async move { task.answer(&summary).await })).await
    }
}
