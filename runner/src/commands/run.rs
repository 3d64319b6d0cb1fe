//! `drivetrain run`: runs one job once.

use std::io::IsTerminal;
use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

use crate::callback::{NoWaiter, TaskToken, Waiter, WaitingTask};
use crate::cli::{RunArgs, TaskArgs, asks_ec2, catalog, emr_step, supervised_child};
use crate::commit::{Fence, Unfenced};
use crate::error::{Error, ErrorKind, Result, exit};
use crate::job::job_folder::JobFolder;
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::run::outcome::execute;
use crate::run::request::{Register, RunRequest};
use crate::sql::threads::{run_on_one_thread, run_on_threads};
use crate::supervise::{
    Supervision, Supervisor, prefer_for_oom_kill, stop_at_signals, stop_with_launcher, supervise,
    watch_node,
};
use crate::terminal::printer::{Answer, ToText, Verdict};
use crate::terminal::signals;
use crate::terminal::stage_display::Display;
use crate::terminal::stderr::{note, write_in_background};
use crate::watch::{ActivityRecorder, StageObserver, StopSignal, Stopper};

/// Runs one job and returns its report; Ctrl-C and SIGTERM stop the run. With a task token, this process keeps the task
/// alive and answers it, and a child process does the work.
///
/// # Errors
/// As [`execute`]; before it, `Usage` for an invalid token, and as [`WaitingTask::open`] or [`supervise`] if a task
/// waits.
pub fn run(args: &RunArgs) -> Result<Answer, FailedRun> {
    let launcher = parent_id();
    let threads = args.request.engine.threads;
    if args.task.supervised {
        write_to_any_terminal();
        return run_on_threads(threads, run_for_parent(args));
    }
    match args.task.token()? {
        None => run_on_threads(threads, run_alone(args)),
        Some(token) if args.task.no_supervise => {
            run_on_threads(threads, run_and_answer(args, token, launcher))
        }
        Some(token) => Ok(run_in_child(args, token, launcher)?),
    }
}

/// Lets this process write to its terminal, although it is not in the foreground process group. A terminal with the mode
/// `tostop` would stop it otherwise. The threads that are started later inherit this.
fn write_to_any_terminal() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTTOU);
    // Without it, only such a terminal stops the process.
    signals.thread_block().ok();
}

/// Runs the job, which no task waits for.
async fn run_alone(args: &RunArgs) -> Result<Answer, FailedRun> {
    let stop = signals::listen()?;
    let report = run_for(args, &stop, &Display::new(), &Unfenced, &NoWaiter).await?;
    Ok(Answer::done(report))
}

/// Runs the job in this process, and answers the task.
async fn run_and_answer(
    args: &RunArgs,
    token: TaskToken,
    launcher: u32,
) -> Result<Answer, FailedRun> {
    if !std::io::stderr().is_terminal() {
        write_in_background();
    }
    let (stopper, stop) = Stopper::new();
    stop_at_signals(stopper.clone(), |number| match number {
        1 => note(signals::STOPPING),
        _ => std::process::exit(i32::from(exit::code(ErrorKind::Cancelled))),
    })?;
    stop_with_launcher(launcher, stopper.clone());
    let task = Arc::new(open(&args.task, token, stopper, &stop).await?);
    let _watches = watch_node(&task, asks_ec2(), emr_step().is_some());
    let (recorder, display) = (ActivityRecorder::default(), Display::new());
    let counted = recorder.clone();
    task.stop_if_stalled(stall_timeout(&args.task), move || counted.activity());
    let stages = recorder.observer(&display);
    let report = run_for(args, &stop, &stages, &*task, &*task).await?;
    Ok(Answer::done(report))
}

/// Runs the job as a child process: the parent decides whether the run may commit, and answers the task.
async fn run_for_parent(args: &RunArgs) -> Result<Answer, FailedRun> {
    prefer_for_oom_kill();
    let (stopper, stop) = Stopper::new();
    // The parent decides what a second signal means, because a system may send one signal to both processes.
    stop_at_signals(stopper.clone(), |_| ())?;
    let parent = Supervisor::connect(stopper)?;
    let (recorder, display) = (ActivityRecorder::default(), Display::new());
    let counted = recorder.clone();
    parent.report_activity(move || counted.activity());
    let stages = recorder.observer(&display);
    let report = run_for(args, &stop, &stages, &parent, &parent).await?;
    Ok(Answer::done(report))
}

/// Runs the job in a child process, which prints the result, and answers the task.
fn run_in_child(args: &RunArgs, token: TaskToken, launcher: u32) -> Result<Answer> {
    write_in_background();
    let supervised = supervise(Supervision {
        child: supervised_child(),
        job: args.request.job.clone(),
        token,
        heartbeats: args.task.heartbeats().unwrap_or_default(),
        stall_timeout: stall_timeout(&args.task),
        emr: emr_step(),
        asks_ec2: asks_ec2(),
        launcher,
        at_first_signal: || note(signals::STOPPING),
    });
    let code = run_on_one_thread(supervised)?;
    Ok(Answer::printed().verdict(Verdict::ByChild(code)))
}

/// Answers the task that waits for a run, if there is one, with the error of a command line that is invalid.
///
/// # Errors
/// `Usage` for an invalid token; as [`WaitingTask::open`].
pub fn refuse(task: &TaskArgs, error: &Error) -> Result<()> {
    let Some(token) = task.token()? else {
        return Ok(());
    };
    let invalid = repeated(error);
    run_on_one_thread(async {
        let (stopper, stop) = signals::listen_with_stopper()?;
        let task = open(task, token, stopper, &stop).await?;
        // The failure is the caller's own, which prints it.
        execute("", async { Err(invalid) }, &task).await.err();
        Ok(())
    })
}

/// Returns an error with the same kind, message and hint.
fn repeated(error: &Error) -> Error {
    let repeated = Error::new(error.kind(), error.to_string());
    match error.hint_text() {
        Some(hint) => repeated.hint(hint),
        None => repeated,
    }
}

/// Returns the task that waits for the run, after its first heartbeat.
async fn open(
    args: &TaskArgs,
    token: TaskToken,
    stopper: Stopper,
    stop: &StopSignal,
) -> Result<WaitingTask> {
    // A task is answered even if these settings are invalid: the run then fails with their error.
    let heartbeats = args.heartbeats().unwrap_or_default();
    WaitingTask::open(token, heartbeats, emr_step(), stopper, stop.clone()).await
}

/// Returns the time after which the run stops if none of its counters changes. If the flag is invalid, the run fails
/// soon, so that the time does not matter.
fn stall_timeout(args: &TaskArgs) -> Duration {
    args.stall_timeout().unwrap_or(Duration::MAX)
}

/// Runs the job for a process that waits for its end and decides whether it may commit.
async fn run_for(
    args: &RunArgs,
    stop: &StopSignal,
    stages: &dyn StageObserver,
    fence: &dyn Fence,
    waiter: &dyn Waiter,
) -> Result<Report, FailedRun> {
    let started_at = chrono::Utc::now();
    let place = args.register.as_deref();
    let catalog = place.map(|place| catalog("--register", place));
    let catalog = catalog.transpose();
    let prepare = async {
        let register = match &catalog {
            Ok(catalog) => catalog.as_ref().map(|catalog| Register {
                catalog,
                schema_change: args.registration.schema_change.into(),
                adopts: args.registration.adopt,
            }),
            Err(error) => return Err(repeated(error)),
        };
        args.task.heartbeats()?;
        args.task.stall_timeout()?;
        let args = &args.request;
        let settings = args.settings()?;
        let job = JobFolder::read(&args.job).await?.job().await?;
        note(&job.name);
        Ok(RunRequest {
            job,
            settings,
            fence,
            stop,
            stages,
            started_at,
            register,
        })
    };
    Box::pin(execute(&args.request.job, prepare, waiter)).await
}

impl ToText for Report {
    fn text(&self) -> String {
        Self::text(self)
    }
}
