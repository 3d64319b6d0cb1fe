//! An object's bytes: fetched by ranges, decompressed, decoded to characters.
pub(crate) mod compression;
pub(crate) mod encoding;
pub(crate) mod gzip;
pub(crate) mod ranges;
