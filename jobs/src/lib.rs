//! Job folders: contracts and SQL, parsed, checked and planned.

pub mod bundled;
pub mod contract;
mod error;
pub mod format;
mod function;
pub mod job;
mod manifest;
pub mod name;
pub mod plan;
mod problem;
pub mod value;

pub use self::error::{Error, ErrorKind};
pub use self::manifest::keys::{KEYS, KeyInfo, Part, keys_as_markdown};
pub use self::manifest::{JOB_FILE, Others};
pub use self::problem::{Problem, Problems};
