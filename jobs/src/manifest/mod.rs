//! `job.toml`: parsing of its text into a [`Job`](crate::job::Job), with the position of every problem.

mod entry_position;
mod job_links;
mod parse;

mod consistency;
mod unresolved_job;

mod checks;
mod inputs;
mod intermediate_tables;
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

pub(crate) use self::entry_position::{entry_position, text_position};
pub(crate) use self::parse::{ParsedFolder, parse_folder};
