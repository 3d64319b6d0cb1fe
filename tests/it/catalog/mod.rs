//! The catalog of published tables: its implementations, and registrations that meet or are killed.

// The port, on every implementation.
mod conformance;
// Registrations of two records in every order of their requests, with and without a kill.
mod interleavings;
// `run --register` and `register` with the real binary.
mod registration;
