//! The report of a run, as plain types. It is printed, stored beside the log, and kept in the log's record.

mod quantities;
mod registered;
#[expect(
    clippy::module_inception,
    reason = "the file is named by the type that it defines, `Report`"
)]
mod report;
mod report_text;

pub use quantities::{grouped, size};
pub use registered::{Registered, RegisteredTable};
pub use report::{
    CheckReport, EmrStep, InputReport, LiveTable, OutputReport, Report, StageReport, Status,
    VERSION, versions,
};
