//! Job folders: contracts and SQL, parsed, checked and planned.

pub mod contract;
pub mod job;
