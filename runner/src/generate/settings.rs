//! The settings that determine a sample.

use std::num::NonZeroUsize;

use crate::error::{Error, ErrorKind, Result};
use crate::generate::defect_share::DefectShare;

/// The most rentals of one sample: about 900 GB of text. It is far below the number of ids, 2^40.
pub const MAX_RENTALS: u64 = 10_000_000_000;

/// The default maximum size of a file, in bytes; readers can split such files well.
pub const FILE_BYTES: u64 = 256 << 20;

/// The settings of a sample; all but `threads` determine its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSettings {
    /// The number of valid rentals to generate; defective ones come in addition. The sizes of the other datasets follow from
    /// it.
    pub rentals: u64,
    /// The seed of the random data; another seed gives other data by the same rules.
    pub seed: u64,
    /// The share of each dataset's lines that have a defect.
    pub defect_share: DefectShare,
    /// The number of fragments that are generated in parallel.
    pub threads: NonZeroUsize,
    /// The maximum size of a file, in bytes: [`FILE_BYTES`], unless a test needs many files.
    pub file_bytes: u64,
}

impl SampleSettings {
    /// Creates settings with one thread and the default file size.
    ///
    /// # Errors
    /// `Usage` if there are no rentals or more than [`MAX_RENTALS`].
    pub fn new(rentals: u64, seed: u64, defect_share: DefectShare) -> Result<Self> {
        if rentals == 0 || rentals > MAX_RENTALS {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`--rentals` must be from 1 to {MAX_RENTALS}, got {rentals}"),
            ));
        }
        Ok(Self {
            rentals,
            seed,
            defect_share,
            threads: NonZeroUsize::MIN,
            file_bytes: FILE_BYTES,
        })
    }

    /// Sets the number of fragments that are generated in parallel.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets the maximum size of a file, in bytes.
    #[must_use]
    pub fn file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_or_no_rentals_are_refused() {
        for rentals in [0, MAX_RENTALS + 1] {
            let error = SampleSettings::new(rentals, 1, DefectShare::ZERO).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
