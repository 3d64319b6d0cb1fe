//! State machines on the command line. Reads definitions, mocks and test cases from files, runs executions, and returns
//! findings, trees and reports.

pub(crate) mod definition;
pub(crate) mod definition_cache;
pub(crate) mod discovery;
pub(crate) mod duration_text;
pub(crate) mod execution_tree;
pub(crate) mod history_file;
pub(crate) mod json_argument;
pub(crate) mod simulation;
pub(crate) mod stand_ins;

pub(crate) mod buckets;
pub(crate) mod case;
pub(crate) mod findings;
pub(crate) mod mocks;
