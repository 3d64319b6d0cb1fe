//! What a run did, as plain types: one report that is printed, stored beside the log, and kept in the record.

mod quantities;
mod report_text;
mod run_report;

pub use quantities::{grouped, size};
pub use run_report::{
    CheckReport, InputReport, OutputReport, Report, StageReport, Status, VERSION, versions,
};
