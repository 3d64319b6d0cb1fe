//! The steps of a process. Each bears its number in `docs/commit-protocol.md`.
//!
//! A step is one request to the store, or the work on one answer; between two steps any other process may run, and a process
//! that is never chosen again has crashed. Steps that no other process can see follow the step before them at once.

mod clean;
mod commit;
mod event;
mod freeze;
mod loss;
mod movement;
mod publish;
mod step;
mod stop;

pub use event::{Event, Taken};
pub use movement::{Move, Successor, Successors};
pub use step::Step;
