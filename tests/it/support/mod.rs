pub mod commit_work;
pub mod harness;
pub mod metadata_service;
pub mod s3_gate;
pub mod store_faults;
pub mod store_places;
