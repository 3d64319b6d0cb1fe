//! The threads, sizes and progress that all datasets of one run share while they are read.

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::runtime::{Builder, Runtime};

use crate::error::Context;
use crate::source::ReadSettings;
use crate::source::source_file::SourceFile;
use crate::watch::Progress;
use crate::{Error, ErrorKind, Result};

/// The largest number of bytes per range request: enough for S3's throughput, and few enough that several blocks fit in
/// memory.
const BLOCK_BYTES: usize = 8 << 20;

/// The number by which the memory limit is divided to get the memory for blocks in flight.
const BLOCKS_SHARE: usize = 8;

/// The smallest number of objects that are read at once. One object keeps all threads busy; a second one fills the gap
/// at the end of the first.
const LEAST_FILES: usize = 2;

/// The largest number of objects that are read at once. More concurrent requests do not make a store faster.
const MOST_FILES: usize = 32;

/// The threads, sizes and progress for reading all inputs of one run.
#[derive(Debug)]
pub(crate) struct ReadContext {
    /// The number of decoder threads.
    pub(crate) threads: usize,
    /// The largest number of rows in a decoded batch.
    pub(crate) batch_rows: usize,
    /// The number of bytes per range request.
    pub(crate) block_bytes: usize,
    /// The number of blocks of one object that are fetched or decoded at once.
    pub(crate) ahead: usize,
    /// The progress to which bytes and rows are added.
    pub(crate) progress: Progress,
    /// The thread pool for decoding.
    decoders: Decoders,
    /// Memory accounted in the pool for the blocks in flight.
    #[expect(dead_code, reason = "returned to the pool when dropped")]
    blocks: MemoryReservation,
}

impl ReadContext {
    /// Computes the sizes from threads and memory limit, reserves memory, and starts the decoder threads.
    ///
    /// # Errors
    /// `Failed` if the pool has no room for the blocks in flight, or the threads cannot be started.
    pub(crate) fn new(
        settings: &ReadSettings,
        runtime: &RuntimeEnv,
        progress: &Progress,
    ) -> Result<Self> {
        let threads = settings.threads.max(1);
        let ahead = threads + 1;
        // Each block needs room three times: as it is fetched, while it is decoded, and for the decoded rows.
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
            .context(
                ErrorKind::OutOfMemory,
                "the memory limit is too small for the read buffers",
            )
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

    /// Returns the number of objects to read at once: more if they are small, because reading a small object is mostly
    /// waiting.
    pub(crate) fn files_at_once(&self, files: &[SourceFile]) -> usize {
        let bytes = files.iter().map(|file| file.meta.size).sum::<u64>();
        let mean = bytes / (files.len() as u64).max(1);
        let room = (LEAST_FILES * self.ahead * self.block_bytes) as u64;
        let fitting = usize::try_from(room / mean.max(1)).unwrap_or(MOST_FILES);
        fitting.clamp(LEAST_FILES, MOST_FILES)
    }

    /// Runs CPU-bound work on a decoder thread; at most `threads` such tasks run at once.
    ///
    /// # Errors
    /// The error of `work`, or `Failed` if `work` panics.
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
                format!("a thread that reads inputs ended unexpectedly: {error}"),
            )
            .hint("this is a bug: please report it"))
        })
    }
}

/// The thread pool that decodes; `None` only while it is dropped.
///
/// The store is served by other threads, so decoding never delays network I/O. The threads stay the same, so each
/// reuses the memory that it freed.
#[derive(Debug)]
struct Decoders(Option<Runtime>);

impl Decoders {
    /// Starts a pool of `threads` threads.
    ///
    /// # Errors
    /// `Failed` if the system refuses a thread.
    fn start(threads: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("decoder")
            .build()
            .context(
                ErrorKind::Failed,
                "the threads that read inputs cannot be started",
            )
            .map_err(|error| error.hint("lower `--threads`"))?;
        Ok(Self(Some(runtime)))
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Blocks that a stopped run has not decoded yet are of no use, so their decoding is not awaited.
            runtime.shutdown_background();
        }
    }
}
