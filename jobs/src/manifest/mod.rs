//! Parses the text of a `job.toml` into a [`Job`](crate::job::Job), and reports every problem with its position.

mod entry_position;
mod job_links;
mod parse;

mod consistency;
mod unlinked_job;

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
