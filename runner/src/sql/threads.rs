//! The threads that data work runs on.

use std::time::Duration;

use crate::error::{Context, Error, ErrorKind, Result};

/// How long the end waits for work that a failure has cut off: what it drops takes its spill folder away. Blocking reads that
/// nobody waits for any more must not hold up the exit for longer.
const END: Duration = Duration::from_millis(500);

/// Runs data work on as many threads as it was given, on one for each processor if it was given none.
///
/// # Errors
/// Those of the work, and `Failed` if the system refuses the threads.
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
        .context(ErrorKind::Failed, "cannot start the threads")?;
    let result = runtime.block_on(Box::pin(work));
    runtime.shutdown_timeout(END);
    result
}

/// The processors that this process may use.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
