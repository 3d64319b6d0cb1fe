//! How much memory there is to work in, and how much was used.

use std::sync::Arc;

use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryPool, TrackConsumersPool,
};

use crate::error::{Error, ErrorKind, Result};

/// The share of the machine's or container's memory that a run takes unless it is told otherwise: the rest is for
/// the operating system, its page cache, and EMR's own daemons.
const DEFAULT_SHARE: f64 = 0.7;

/// Below this not even one batch a thread fits.
const LEAST_BYTES: u64 = 64 << 20;

/// How many consumers an out-of-memory message names.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::new(3).expect("3 is not 0");

/// A memory limit and how it is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// What the process may use in all.
    pub bytes: u64,
}

impl MemoryLimit {
    /// The given size (`2GiB`), or 70 % of the container's or the machine's memory.
    ///
    /// # Errors
    /// `Usage`, for a text that is no size, or a size below 64 MiB.
    pub fn resolve(text: Option<&str>) -> Result<Self> {
        let bytes = match text {
            Some(text) => parse_size(text)?,
            None => available_share()?,
        };
        if bytes < LEAST_BYTES {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("a memory limit of {bytes} bytes is too small, at least 64 MiB are needed"),
            ));
        }
        Ok(Self { bytes })
    }

    /// The pool in which rows at rest are held (inputs, then outputs): 40 %, to whoever comes first.
    #[must_use]
    pub fn holding_pool(self) -> Arc<dyn MemoryPool> {
        let bytes = usize::try_from(self.bytes / 10 * 4).unwrap_or(usize::MAX);
        Arc::new(TrackConsumersPool::new(
            GreedyMemoryPool::new(bytes),
            NAMED_CONSUMERS,
        ))
    }

    /// The pool in which queries work: 30 %, shared out among those that can spill. The rest is what no pool counts:
    /// buffers in flight, decoders, encoders.
    #[must_use]
    pub fn query_pool(self) -> Arc<dyn MemoryPool> {
        let pool = FairSpillPool::new(self.query_bytes());
        Arc::new(TrackConsumersPool::new(pool, NAMED_CONSUMERS))
    }

    /// The size of the query pool.
    #[must_use]
    pub fn query_bytes(self) -> usize {
        usize::try_from(self.bytes / 10 * 3).unwrap_or(usize::MAX)
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the memory need not be exact to the byte, and is neither negative nor over 64 bits"
)]
fn available_share() -> Result<u64> {
    let mut system = sysinfo::System::new().map_err(|problem| {
        Error::new(
            ErrorKind::Usage,
            format!("this system does not tell its memory: {problem}"),
        )
        .hint("set `--memory-limit`")
    })?;
    system.refresh_memory();
    let host = system.total_memory();
    let available = system
        .cgroup_limits()
        .map_or(host, |limits| limits.total_memory.min(host));
    Ok((available as f64 * DEFAULT_SHARE) as u64)
}

/// Reads `512MiB`, `2GiB`, `1.5GB` or a number of bytes.
///
/// # Errors
/// `Usage`, naming the text.
pub fn parse_size(text: &str) -> Result<u64> {
    text.parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|problem| {
            Error::new(
                ErrorKind::Usage,
                format!("`{text}` is not a size: {problem}"),
            )
            .hint("write a number of bytes, or a number and a unit, such as `512MiB` or `2GiB`")
        })
}

/// The most memory that this process has held at once, in bytes; 0 where the system does not tell.
#[must_use]
pub fn peak_resident_bytes() -> u64 {
    let Ok(usage) = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF) else {
        return 0;
    };
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.max_rss()).unwrap_or(0) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_binary_and_decimal_units() {
        assert_eq!(parse_size("1GiB").unwrap(), 1 << 30);
        assert_eq!(parse_size("2 MB").unwrap(), 2_000_000);
        assert_eq!(parse_size("4096").unwrap(), 4096);
        assert_eq!(parse_size("much").unwrap_err().kind(), ErrorKind::Usage);
    }

    #[test]
    fn without_a_limit_there_is_still_one() {
        let limit = MemoryLimit::resolve(None).unwrap();
        assert!(limit.bytes > LEAST_BYTES);
        assert!(MemoryLimit::resolve(Some("1MiB")).is_err());
    }

    #[test]
    fn the_peak_is_measured() {
        assert!(peak_resident_bytes() > 1 << 20);
    }
}
