//! Stores: one suite for every implementation of the port, and what fails on each.

// The conformance suite on memory, a folder, an S3 server in this process and a real MinIO.
mod conformance;
// Stores that cannot be opened or do not answer.
mod connections;
// Environment variables, profiles, single sign-on, and the role of an instance.
mod credentials;
// S3's own refusals, by the real binary.
mod s3_failures;
// Full, read-only, foreign and two volumes, and one without hard links, by the real binary.
mod bad_volume;
