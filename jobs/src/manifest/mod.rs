//! `job.toml`: from text to a [`Job`](crate::job::Job), with every problem at its place.

mod entry_position;
mod job_links;
mod parse;

mod consistency;
mod unresolved_job;

mod checks;
mod inputs;
mod outputs;
mod parameters;

mod columns;
mod constraints;
mod sql_source;
mod type_name;

mod section;
mod toml_document;

mod section_keys;
mod section_kind;

pub use self::job_links::Others;

pub(crate) use self::entry_position::{place, text_place};
pub(crate) use self::parse::{Read, read};
