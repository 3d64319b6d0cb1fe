//! What is asked of the generator, and how large each dataset becomes for it.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The most rentals that one sample holds: about 900 GB of text, and far below the 2^40 ids that there are.
pub const MAX_RENTALS: u64 = 10_000_000_000;

/// A file is closed once the next block would make it larger: one object of a size that readers split well.
pub const FILE_BYTES: u64 = 256 << 20;

/// What is asked of the generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many rentals the contract accepts; the other datasets' sizes follow ([`Sizes::of`]).
    pub rentals: u64,
    /// Another seed gives another sample of the same laws.
    pub seed: u64,
    /// The share of each dataset's lines that a rule must reject.
    pub dirt: Share,
    /// How many blocks are made at a time; the bytes do not depend on it.
    pub threads: NonZeroUsize,
    /// The size at which a file is closed; [`FILE_BYTES`] unless a test wants many files.
    pub file_bytes: u64,
}

impl Settings {
    /// Settings for `rentals` clean rentals from `seed`, with dirt, one thread and the default file size.
    ///
    /// # Errors
    /// `Usage` if there are no rentals or more than [`MAX_RENTALS`].
    pub fn new(rentals: u64, seed: u64, dirt: Share) -> Result<Self> {
        if rentals == 0 || rentals > MAX_RENTALS {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`--rentals` must be from 1 to {MAX_RENTALS}, got {rentals}"),
            ));
        }
        Ok(Self {
            rentals,
            seed,
            dirt,
            threads: NonZeroUsize::MIN,
            file_bytes: FILE_BYTES,
        })
    }

    /// Makes that many blocks at a time.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Closes files at that size.
    #[must_use]
    pub fn file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self
    }
}

/// A share from 0 to 0.5 in whole millionths, so that nothing is rounded on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Share {
    millionths: u64,
}

impl Share {
    const WHOLE: u64 = 1_000_000;

    /// No dirt.
    pub const ZERO: Self = Self { millionths: 0 };

    /// Whether the share is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.millionths == 0
    }

    /// How many lines to add to `clean` ones so that they are this share of all lines, or just under it.
    pub(super) fn added_to(self, clean: u64) -> u64 {
        let added = u128::from(clean) * u128::from(self.millionths)
            / u128::from(Self::WHOLE - self.millionths);
        u64::try_from(added).expect("at most half of the lines are dirt")
    }
}

/// Reads `0.005`: at most six decimals.
impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(
                ErrorKind::Usage,
                format!("a share must be from 0 to 0.5 with at most six decimals, got `{text}`"),
            )
        };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole != "0" || decimals.len() > 6 || !digits(decimals) {
            return Err(wrong());
        }
        let millionths = format!("{decimals:0<6}").parse::<u64>().ok();
        millionths
            .filter(|millionths| *millionths <= Self::WHOLE / 2)
            .map(|millionths| Self { millionths })
            .ok_or_else(wrong)
    }
}

impl TryFrom<String> for Share {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("0.{:06}", self.millionths);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// How many rows each dataset holds, dirt apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// 300 at 20,080 rentals, and with their cube root above and below: a network grows slower than its trade.
    pub locations: u64,
    /// One and a half a rental up to the first tenant's 30,000; from 600,000 rentals on, one for twenty.
    pub users: u64,
    /// Six a rental up to the first tenant's 109,584; from 22 million rentals on, one for two hundred.
    pub vehicles: u64,
    /// As asked.
    pub rentals: u64,
}

impl Sizes {
    /// The sizes that go with a number of rentals.
    #[must_use]
    pub fn of(rentals: u64) -> Self {
        Self {
            locations: cube_root(27_000_000 * rentals / 20_080).clamp(10, 3_000),
            users: (rentals.saturating_mul(3).div_ceil(2).min(30_000)).max(rentals / 20),
            vehicles: (rentals.saturating_mul(6).min(109_584)).max(rentals / 200),
            rentals,
        }
    }
}

/// The greatest number whose cube is at most `value`.
fn cube_root(value: u64) -> u64 {
    // The cube root of 2^64, rounded down.
    let (mut low, mut high) = (0_u64, 2_642_245);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle.pow(3) <= value {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenants_sizes_come_from_the_laws() {
        let sizes = Sizes::of(20_080);
        assert_eq!(
            (sizes.locations, sizes.users, sizes.vehicles),
            (300, 30_000, 109_584)
        );
    }

    #[test]
    fn ten_million_rentals_have_a_larger_network() {
        let sizes = Sizes::of(10_000_000);
        assert_eq!(
            (sizes.locations, sizes.users, sizes.vehicles),
            (2_377, 500_000, 109_584)
        );
        assert_eq!(Sizes::of(MAX_RENTALS).locations, 3_000);
        assert_eq!(Sizes::of(1).users, 2);
    }

    #[test]
    fn a_share_is_read_and_written_exactly() {
        for text in ["0", "0.005", "0.000001", "0.5"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["", "1", "0.51", "-0.1", "0.0000001", "1e-3", ".5", "0.+5"] {
            let error = text.parse::<Share>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn added_lines_never_exceed_the_share() {
        let share = "0.005".parse::<Share>().unwrap();
        for clean in [0, 1, 199, 300, 20_080, 10_000_000] {
            let added = share.added_to(clean);
            assert!(added * 200 <= clean + added, "{clean}");
            assert!((added + 1) * 200 > clean + added + 1, "{clean}");
        }
    }

    #[test]
    fn too_many_or_no_rentals_are_refused() {
        for rentals in [0, MAX_RENTALS + 1] {
            let error = Settings::new(rentals, 1, Share::ZERO).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
        }
    }
}
