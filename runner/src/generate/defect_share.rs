//! The share of lines with defects, in exact arithmetic.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The share of a dataset's lines with defects, from 0 to 0.5; kept in whole millionths so that nothing is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DefectShare {
    /// The share in millionths: at most 500,000.
    millionths: u64,
}

impl DefectShare {
    /// The share 1, in millionths.
    const WHOLE: u64 = 1_000_000;

    /// The share of a sample without defects.
    pub const ZERO: Self = Self { millionths: 0 };

    /// Returns `true` if the share is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.millionths == 0
    }

    /// Returns the largest number of defective lines that, added to `clean` lines, make up at most this share of all
    /// lines.
    pub(crate) fn added_to(self, clean: u64) -> u64 {
        let added = u128::from(clean) * u128::from(self.millionths)
            / u128::from(Self::WHOLE - self.millionths);
        u64::try_from(added).expect("at most half of the lines have a defect")
    }
}

/// Parses a decimal number with at most six decimals, such as `0.005`.
impl FromStr for DefectShare {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(
                ErrorKind::Usage,
                format!("`--dirt` must be from 0 to 0.5 with at most six decimals, got `{text}`"),
            )
            .hint("write a share such as `0.005` for one line in two hundred")
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

impl TryFrom<String> for DefectShare {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DefectShare> for String {
    fn from(share: DefectShare) -> Self {
        share.to_string()
    }
}

impl fmt::Display for DefectShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("0.{:06}", self.millionths);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_and_written_exactly() {
        for text in ["0", "0.005", "0.000001", "0.5"] {
            assert_eq!(text.parse::<DefectShare>().unwrap().to_string(), text);
        }
        for text in ["", "1", "0.51", "-0.1", "0.0000001", "1e-3", ".5", "0.+5"] {
            let error = text.parse::<DefectShare>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn added_lines_never_exceed_the_share() {
        let share = "0.005".parse::<DefectShare>().unwrap();
        for clean in [0, 1, 199, 300, 20_080, 10_000_000] {
            let added = share.added_to(clean);
            assert!(added * 200 <= clean + added, "{clean}");
            assert!((added + 1) * 200 > clean + added + 1, "{clean}");
        }
    }
}
