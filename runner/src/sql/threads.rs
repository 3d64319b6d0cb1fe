//! The thread pool on which rows are read, computed and written.

use std::time::Duration;

use crate::error::{Context, Error, ErrorKind, Result};

/// The longest wait for tasks that a failure has interrupted, so that they can delete their spill folders. Blocking
/// reads whose results are no longer needed must not delay the exit any further.
const END: Duration = Duration::from_millis(500);

/// Runs `work` on a new pool with the given number of threads; for `None` or 0, on one thread per processor.
///
/// # Errors
/// The error of `work`; `Failed` if the system cannot start the threads.
pub fn run_on_threads<T, E: From<Error>>(
    threads: Option<usize>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let threads = threads
        .filter(|threads| *threads > 0)
        .unwrap_or_else(processors);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(threads)
        .build()
        .context(
            ErrorKind::Failed,
            format!("cannot start {threads} threads for this command"),
        )
        .map_err(|error| {
            error.hint("raise the number of threads that the system allows this user (`ulimit -u`)")
        })?;
    let result = runtime.block_on(Box::pin(work));
    runtime.shutdown_timeout(END);
    result
}

/// Runs `work` on the calling thread, for a process that only waits for others.
///
/// # Errors
/// The error of `work`; `Failed` if the system cannot provide what waiting needs.
pub fn run_on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(ErrorKind::Failed, "cannot wait for other processes")?;
    runtime.block_on(Box::pin(work))
}

/// Returns the number of processors that this process may use.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
