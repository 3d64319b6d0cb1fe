//! The bytes of an object: fetched in ranges, decompressed and decoded to characters.
pub(crate) mod compression;
pub(crate) mod encoding;
pub(crate) mod gzip;
pub(crate) mod ranges;
