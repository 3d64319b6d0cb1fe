//! The steps of a process, numbered as in `docs/commit-protocol.md`.
//!
//! A step is one request to the store, or the work on one answer. Between two steps any other process may run, and a
//! process that is never chosen again has crashed. A step that no other process can observe is taken together with the
//! step before it.

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
