//! Decompresses all members of a gzip object, and distinguishes a truncated member from other bytes after the last one.
//!
//! The two faults have different causes, so the user gets different hints.

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use flate2::bufread::GzDecoder;

/// The first byte of each gzip member.
const MARK: u8 = 0x1f;

/// Reader of all members of a gzip object as one stream of decompressed bytes.
pub(crate) struct GzipMembers<R> {
    /// The decoder of the current member; `None` only while it is replaced by the next one, and after an error.
    member: Option<GzDecoder<R>>,
    /// `true` while the first member is read. Bytes that are not gzip then mean a wrong format, not appended bytes.
    is_first: bool,
}

impl<R: BufRead> GzipMembers<R> {
    /// Creates a reader that starts at the first byte of an object.
    pub(crate) fn new(source: R) -> Self {
        Self {
            member: Some(GzDecoder::new(source)),
            is_first: true,
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buffer) {
                Ok(0) if !buffer.is_empty() => {}
                // Bytes without a valid header are not a member; a header that is cut off gives another kind of error.
                Err(error)
                    if !self.is_first
                        && member.header().is_none()
                        && error.kind() == ErrorKind::InvalidInput =>
                {
                    return Err(followed());
                }
                Err(error) => return Err(error),
                Ok(length) => return Ok(length),
            }
            let Some(mut source) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            match source.fill_buf()?.first() {
                None => break,
                Some(&MARK) => {
                    self.member = Some(GzDecoder::new(source));
                    self.is_first = false;
                }
                Some(_) => return Err(followed()),
            }
        }
        Ok(0)
    }
}

/// The cause of the error if bytes that are not gzip follow the last member.
#[derive(Debug, thiserror::Error)]
#[error("bytes that are not gzip follow the last member")]
struct Followed;

/// Builds the error that [`is_followed`] recognizes.
fn followed() -> Error {
    Error::new(ErrorKind::InvalidData, Followed)
}

/// `true` if the error is that of [`followed`]: bytes that are not gzip follow the last member.
pub(crate) fn is_followed(error: &Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Followed>())
}
