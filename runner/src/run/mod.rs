//! One run of one job: the path of a row, from raw objects to a published table.
//!
//! [`outcome::execute`] is the only entry point. `row_path` has the whole path on one screen; every other file is one
//! stage of it, or holds the data that stages exchange.

pub mod failed_run;
pub mod outcome;
pub mod request;
pub mod settings;

pub(crate) mod catalog_table;
pub(crate) mod check;
pub(crate) mod compute;
mod control_totals;
pub(crate) mod freeze;
pub(crate) mod identify;
pub(crate) mod outputs;
mod part_reader;
pub(crate) mod preview;
pub(crate) mod published_table;
pub(crate) mod read;
mod register;
pub(crate) mod roots;
mod row_path;
mod run_report;
