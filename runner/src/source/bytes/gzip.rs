//! Decompresses the members of a gzip object one after another, and tells one that is cut off from one that something follows.

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use flate2::bufread::GzDecoder;

/// The first byte of each member.
const MARK: u8 = 0x1f;

/// Reads all members of a gzip object as one text.
pub(crate) struct GzipMembers<R> {
    /// `None` only while one member's decoder makes room for the next one's, and after a failure.
    member: Option<GzDecoder<R>>,
    is_first: bool,
}

impl<R: BufRead> GzipMembers<R> {
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
                // What has no header is no member; one that is cut off within its header may be one.
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

/// Something that is no member follows the last one.
#[derive(Debug, thiserror::Error)]
#[error("bytes that are no gzip follow its end")]
struct Followed;

fn followed() -> Error {
    Error::new(ErrorKind::InvalidData, Followed)
}

/// Whether an error says that something that is no member follows the last one.
pub(crate) fn is_followed(error: &Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Followed>())
}
