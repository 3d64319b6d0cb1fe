//! Stores: one suite for every implementation of the port, and what fails on each.

// The conformance suite on memory, a folder, an S3 server in this process and a real MinIO.
mod conformance;
// Stores that cannot be opened or do not answer; environment variables and profiles.
mod connections;
// S3's own refusals and every way to find credentials, by the real binary.
mod bad_cloud;
// Full, read-only, foreign and two volumes, and one without hard links, by the real binary.
mod bad_volume;
