//! Access to bytes in S3 and compatible stores, a file system or memory: one port, [`Objects`], and the handle to it,
//! [`Store`].
//!
//! ```text
//!   text -> Location -> Store::open -> Counted -> S3 | FileStore | memory      (the port: Objects)
//!                          |
//!                          +-- FrozenStore: the same objects, read only as they were when a run listed them
//! ```
//!
//! All keys are relative to the store's root. Only the AWS SDK, and messages that name its profile, read the
//! environment. This folder knows nothing of jobs, runs or records.

pub(crate) mod aws_sdk;
mod buffer_pool;
mod capability_probe;
mod explain_error;
mod file_handle_cache;
mod file_reader;
mod file_system;
mod frozen_store;
mod handle;
mod location;
mod lock;
mod objects_port;
mod raw_folder;
mod request_counts;
mod s3;

pub use capability_probe::{require_conditional_put, require_one_volume};
pub use explain_error::explain;
pub use file_system::FileStore;
pub use frozen_store::{FrozenObject, FrozenStore, Replaced, replaced};
pub use handle::Store;
pub use location::Location;
pub use lock::FolderLock;
pub use objects_port::{Completion, Objects};
pub use raw_folder::{RAW, sample_announcement_key, sample_manifest_key};
pub use request_counts::{Counted, Requests};
pub use s3::{S3Credentials, S3Settings};
