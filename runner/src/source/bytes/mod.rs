//! An object's bytes: fetched by ranges, decompressed, decoded to characters.
pub(crate) mod ranges;
pub(crate) mod compression;
pub(crate) mod gzip;
pub(crate) mod encoding;
