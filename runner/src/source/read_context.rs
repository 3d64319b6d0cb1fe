//! What all datasets of one reading share: threads, sizes and progress.

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::runtime::{Builder, Runtime};

use crate::error::Context;
use crate::source::ReadSettings;
use crate::source::source_file::SourceFile;
use crate::watch::Progress;
use crate::{Error, ErrorKind, Result};

/// What a range request asks for at most: long enough for S3, short enough that many fit in memory.
const BLOCK_BYTES: usize = 8 << 20;

/// The pool's share that blocks under way may take.
const BLOCKS_SHARE: usize = 8;

/// One object alone keeps all threads busy; a second hides the end of the first.
const LEAST_FILES: usize = 2;

/// More requests at once than this a store answers no sooner.
const MOST_FILES: usize = 32;

/// Threads, sizes and progress of one reading.
#[derive(Debug)]
pub(crate) struct ReadContext {
    pub(crate) threads: usize,
    pub(crate) batch_rows: usize,
    pub(crate) block_bytes: usize,
    /// Blocks of one object that are fetched or decoded at once.
    pub(crate) ahead: usize,
    pub(crate) progress: Progress,
    decoders: Decoders,
    #[expect(dead_code, reason = "given back when dropped")]
    blocks: MemoryReservation,
}

impl ReadContext {
    /// Divides threads and memory up.
    ///
    /// # Errors
    /// Failed: the pool has no room for the blocks under way.
    pub(crate) fn new(
        settings: &ReadSettings,
        runtime: &RuntimeEnv,
        progress: &Progress,
    ) -> Result<Self> {
        let threads = settings.threads.max(1);
        let ahead = threads + 1;
        // Fetched, under way, and what they are decoded into.
        let blocks = LEAST_FILES * ahead * 3;
        let block_bytes =
            settings
                .block_bytes
                .unwrap_or_else(|| match runtime.memory_pool.memory_limit() {
                    MemoryLimit::Finite(limit) => {
                        (limit / BLOCKS_SHARE / blocks).clamp(256 << 10, BLOCK_BYTES)
                    }
                    MemoryLimit::Infinite | MemoryLimit::Unknown => BLOCK_BYTES,
                });
        let reservation = MemoryConsumer::new("raw blocks").register(&runtime.memory_pool);
        reservation
            .try_grow(blocks * block_bytes)
            .context(ErrorKind::Failed, "there is no memory to read with")
            .map_err(|error| error.hint("raise `--memory-limit`, or lower `--threads`"))?;
        Ok(Self {
            threads,
            batch_rows: settings.batch_rows.max(1),
            block_bytes: block_bytes.max(1),
            ahead,
            progress: progress.clone(),
            decoders: Decoders::start(threads)?,
            blocks: reservation,
        })
    }

    /// How many objects to read at once: small ones are mostly waited for.
    pub(crate) fn files_at_once(&self, files: &[SourceFile]) -> usize {
        let bytes = files.iter().map(|file| file.meta.size).sum::<u64>();
        let mean = bytes / (files.len() as u64).max(1);
        let room = (LEAST_FILES * self.ahead * self.block_bytes) as u64;
        let fitting = usize::try_from(room / mean.max(1)).unwrap_or(MOST_FILES);
        fitting.clamp(LEAST_FILES, MOST_FILES)
    }

    /// Runs work that needs a processor on a thread, at most `threads` of them at once.
    ///
    /// # Errors
    /// As the work fails.
    pub(crate) async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let decoders = self.decoders.0.as_ref();
        let decoders = decoders.expect("the threads are there until they are dropped");
        let task = decoders.spawn(async move { work() });
        task.await.unwrap_or_else(|error| {
            Err(Error::new(
                ErrorKind::Failed,
                format!("a thread ended unexpectedly: {error}"),
            ))
        })
    }
}

/// Threads that only decode. The store is served by others meanwhile, and since they are always the same, what one frees is
/// there for what it needs next.
#[derive(Debug)]
struct Decoders(Option<Runtime>);

impl Decoders {
    fn start(threads: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("decoder")
            .build()
            .context(ErrorKind::Failed, "cannot start the threads that decode")?;
        Ok(Self(Some(runtime)))
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // What a stopped run was about to decode nobody waits for.
            runtime.shutdown_background();
        }
    }
}
