//! Stores: one suite for every implementation of the store's trait, and the failures of each.

// The conformance suite, in memory, on a folder, on an S3 server in this process and on a real MinIO.
mod conformance;
// Stores that cannot be opened or do not answer.
mod connections;
// Environment variables, profiles, single sign-on, and the role of an instance.
mod credentials;
// Errors that S3 answers, with the real binary.
mod s3_failures;
// Roots on a bad volume or on two volumes, with the real binary.
mod bad_volume;
