//! The memory limit of a run, its division into pools, and the peak that was used.

use std::sync::Arc;

use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryPool, TrackConsumersPool,
};

use crate::error::{Error, ErrorKind, Result};

/// The default limit, as a share of the host's or the container's memory; the rest is for the operating system, its
/// page cache, and EMR's daemons.
const DEFAULT_SHARE: f64 = 0.7;

/// The smallest limit in bytes; a smaller one does not hold one batch per thread.
const LEAST_BYTES: u64 = 64 << 20;

/// The number of memory consumers that an out-of-memory message lists.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::new(3).expect("3 is not 0");

/// The way in which a share of the memory treats the memory that other processes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherProcesses {
    /// They may have to make room, as on a laptop.
    Ignored,
    /// They keep what they hold, such as the daemons of a cluster's node.
    Subtracted,
}

impl OtherProcesses {
    /// Returns the part of the memory that they leave, in bytes. `available` is what the system could give now.
    fn leave(self, total: u64, available: u64) -> u64 {
        match self {
            Self::Ignored => total,
            // The system may count memory as held that it would give back, so that a part is always available.
            Self::Subtracted => total.min(available).max(total / 4),
        }
    }
}

/// The memory limit of a run. It is divided into a pool for held rows, a pool for queries, and a rest that no pool
/// counts.
///
/// One pool for everything was rejected, because held rows would leave no memory for joins, which cannot spill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The number of bytes that the process may use.
    pub bytes: u64,
}

impl MemoryLimit {
    /// Returns the given size (such as `2GiB`) or share (such as `45%`); without a text, 70 %. A share is one of the
    /// host's memory or of the container's limit, whichever is less.
    ///
    /// With `OtherProcesses::Subtracted`, it is one of the memory that other processes leave, but at least of a quarter.
    ///
    /// # Errors
    /// `Usage` for a text that is not a valid size or share, for a size below 64 MiB, or if the system does not report
    /// its memory.
    pub fn resolve(text: Option<&str>, others: OtherProcesses) -> Result<Self> {
        let bytes = match text {
            Some(text) => match text.strip_suffix('%') {
                Some(percent) => available(parse_percent(percent)?, others)?,
                None => parse_size(text)?,
            },
            None => available(DEFAULT_SHARE, others)?,
        };
        if bytes < LEAST_BYTES {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("expected a memory limit of at least 64 MiB, got {bytes} bytes"),
            )
            .hint("pass a larger `--memory-limit`, such as `--memory-limit 2GiB`"));
        }
        Ok(Self { bytes })
    }

    /// Creates the pool for held rows (inputs, then outputs): 40 % of the limit, first come, first served.
    #[must_use]
    pub fn holding_pool(self) -> Arc<dyn MemoryPool> {
        let bytes = usize::try_from(self.bytes / 10 * 4).unwrap_or(usize::MAX);
        Arc::new(TrackConsumersPool::new(
            GreedyMemoryPool::new(bytes),
            NAMED_CONSUMERS,
        ))
    }

    /// Creates the pool for queries: 30 % of the limit, shared fairly among the operators that can spill.
    ///
    /// The rest of the limit is for memory that no pool counts: buffers in flight, decoders, encoders.
    #[must_use]
    pub fn query_pool(self) -> Arc<dyn MemoryPool> {
        let pool = FairSpillPool::new(self.query_bytes());
        Arc::new(TrackConsumersPool::new(pool, NAMED_CONSUMERS))
    }

    /// Returns the size of the query pool in bytes.
    #[must_use]
    pub fn query_bytes(self) -> usize {
        usize::try_from(self.bytes / 10 * 3).unwrap_or(usize::MAX)
    }
}

/// Parses the number before a `%` into a share of 1.
///
/// # Errors
/// `Usage` unless the number is above 0 and at most 100.
fn parse_percent(number: &str) -> Result<f64> {
    match number.trim().parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err(Error::new(
            ErrorKind::Usage,
            format!("`{number}%` is not a valid share of the memory"),
        )
        .hint("write a number above 0 and at most 100, such as `45%`")),
    }
}

/// Returns a share of the host's memory or of the container's limit, whichever is less, in bytes; of what other processes
/// leave of it if they are subtracted.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the memory need not be exact to the byte, and is neither negative nor over 64 bits"
)]
fn available(share: f64, others: OtherProcesses) -> Result<u64> {
    let mut system = sysinfo::System::new().map_err(|problem| {
        Error::new(
            ErrorKind::Usage,
            format!("the size of this system's memory cannot be read: {problem}"),
        )
        .hint("set the limit with `--memory-limit`, such as `--memory-limit 2GiB`")
    })?;
    system.refresh_memory();
    let host = system.total_memory();
    let total = system
        .cgroup_limits()
        .map_or(host, |limits| limits.total_memory.min(host));
    let available = others.leave(total, system.available_memory());
    Ok((available as f64 * share) as u64)
}

/// Parses `512MiB`, `2GiB`, `1.5GB` or a number of bytes.
///
/// # Errors
/// `Usage` for any other text.
pub fn parse_size(text: &str) -> Result<u64> {
    text.parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|problem| {
            Error::new(
                ErrorKind::Usage,
                format!("`{text}` is not a valid size: {problem}"),
            )
            .hint("write a number of bytes, or a number and a unit, such as `512MiB` or `2GiB`")
        })
}

/// Returns the peak resident memory of this process in bytes; 0 if the system does not report it.
#[must_use]
pub fn peak_resident_bytes() -> u64 {
    let Ok(usage) = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF) else {
        return 0;
    };
    // Linux reports KiB, macOS bytes.
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
    fn the_default_limit_is_a_share_of_the_memory() {
        let limit = MemoryLimit::resolve(None, OtherProcesses::Ignored).unwrap();
        assert!(limit.bytes > LEAST_BYTES);
        assert!(MemoryLimit::resolve(Some("1MiB"), OtherProcesses::Ignored).is_err());
    }

    #[test]
    fn a_share_is_one_of_the_available_memory() {
        let resolve = |text| MemoryLimit::resolve(Some(text), OtherProcesses::Ignored);
        let bytes = |text| resolve(text).unwrap().bytes;
        assert!(bytes("45%").abs_diff(bytes("90%") / 2) <= 1);
        assert!(
            bytes("70%").abs_diff(
                MemoryLimit::resolve(None, OtherProcesses::Ignored)
                    .unwrap()
                    .bytes
            ) <= 1
        );
        for wrong in ["0%", "-5%", "101%", "%", "NaN%", "inf%", "half%"] {
            let error = resolve(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{wrong}");
        }
    }

    #[test]
    fn memory_of_other_processes_can_be_subtracted() {
        for (total, available, left) in [(16, 12, 12), (16, 20, 16), (16, 1, 4)] {
            assert_eq!(OtherProcesses::Subtracted.leave(total, available), left);
            assert_eq!(OtherProcesses::Ignored.leave(total, available), total);
        }
    }

    #[test]
    fn the_peak_is_measured() {
        assert!(peak_resident_bytes() > 1 << 20);
    }
}
