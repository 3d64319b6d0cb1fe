//! State machines at the command line: files in, one execution or many, findings and trees out.
//!
//! The language itself is the crate `drivetrain_statemachine`, which opens no file and has no clock. Here is what it
//! needs around it on somebody's machine.

pub mod bucket_listing;
pub mod buckets;
pub mod case_fields;
pub mod case_file;
pub mod case_reader;
pub mod case_run;
pub mod culprit;
pub mod definition;
pub mod difference;
pub mod expected;
pub mod finding;
pub mod finding_table;
pub mod history_file;
pub mod json_argument;
pub mod junit;
pub mod machine_files;
pub mod mock_file;
pub mod parquet_rows;
pub mod recorded;
pub mod replay;
pub mod sarif;
pub mod simulation;
pub mod targets;
pub mod time_span;
pub mod tree;
