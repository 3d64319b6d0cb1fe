//! End-to-end tests through the real binary.

mod store;
mod store_places;
