//! End-to-end tests through the real binary.

mod commit;
mod commit_crashes;
mod commit_faults;
mod commit_random;
mod commit_vacuum;
mod commit_work;
mod store;
mod store_faults;
mod store_places;
