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

mod count;
mod explain;
mod file;
mod frozen;
mod handle;
mod location;
mod lock;
mod open_file;
mod opened;
mod port;
mod probe;
mod rooms;
mod s3;

pub use count::{Counted, Requests};
pub use explain::explain;
pub use file::FileStore;
pub use frozen::{FrozenObject, FrozenStore, Replaced, replaced};
pub use handle::Store;
pub use location::Location;
pub use lock::FolderLock;
pub use port::{Completion, Objects};
pub use probe::{require_conditional_put, require_one_volume};
pub use s3::{S3Credentials, S3Settings};
