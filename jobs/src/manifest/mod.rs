//! `job.toml`: from text to a [`Job`](crate::job::Job), with every problem at its place.

mod parse;
mod place;
mod resolve;

mod relations;
mod unresolved_job;

mod check;
mod input;
mod output;
mod parameter;

mod column_type;
mod columns;
mod dataset;
mod sql;

mod section;

mod keys;
mod part;

pub use self::resolve::Others;

pub(crate) use self::parse::{Read, read};
pub(crate) use self::place::{place, text_place};
