//! The report of a run, as plain types. It is printed, stored beside the log, and kept in the log's record.

mod quantities;
mod report_text;
mod run_report;

pub use quantities::{grouped, size};
pub use run_report::{
    CheckReport, InputReport, OutputReport, Report, StageReport, Status, VERSION, versions,
};
