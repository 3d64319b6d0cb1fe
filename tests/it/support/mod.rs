pub mod backends;
pub mod commit_work;
pub mod metadata_service;
pub mod s3_gate;
pub mod sandbox;
pub mod store_faults;
