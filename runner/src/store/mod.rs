//! Where bytes lie: S3 and its likes, a file system, memory; one port, [`Objects`], and its users' handle, [`Store`].
//!
//! ```text
//!   text -> Location -> Store::open -> Counted -> S3 | FileStore | memory      (the port: Objects)
//!                          |
//!                          +-- FrozenStore: the same objects, read only as they were when a run listed them
//! ```
//!
//! All keys are relative to the store's root. Nothing here reads the environment but the AWS SDK's own chain, and nothing
//! here knows of jobs, runs or records.

mod handle;
mod location;
mod s3;

pub use count::{Counted, Requests};
pub use explain::explain;
pub use file::FileStore;
pub use frozen::{FrozenObject, FrozenStore, Replaced, replaced};
pub use handle::Store;
pub use location::Location;
pub use port::{Completion, Objects};
pub use probe::{require_conditional_put, require_one_volume};
pub use s3::{S3Credentials, S3Settings};
pub(crate) mod request_counts;
pub(crate) mod explain_error;
pub(crate) mod file_system;
pub(crate) mod frozen_reader;
pub(crate) mod file_reader;
pub(crate) mod file_handle_cache;
pub(crate) mod objects_port;
pub(crate) mod capability_probe;
pub(crate) mod buffer_pool;
