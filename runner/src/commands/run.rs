//! `drivetrain run`: one run of one job.

use crate::cli::RunArgs;
use crate::commit::Unfenced;
use crate::error::Result;
use crate::job::folder::JobFolder;
use crate::report::{Report, Status};
use crate::run::row_path::{Run, run as run_job};
use crate::run::settings::RunSettings;
use crate::terminal::print;
use crate::terminal::signals;
use crate::terminal::stage_display::{Display, grouped, size};

/// Runs the job and prints what it did.
///
/// # Errors
/// As [`crate::run::row_path::run`].
pub async fn run(args: &RunArgs, json: bool) -> Result<()> {
    let started_at = chrono::Utc::now();
    let stop = signals::listen()?;
    let settings = RunSettings::resolve(args)?;
    let job = JobFolder::read(&args.job).await?.job().await?;
    let display = Display::new();
    display.line(&job.name);
    let report = run_job(&Run {
        job: &job,
        settings: &settings,
        fence: &Unfenced,
        stop: &stop,
        display: &display,
        started_at,
    })
    .await?;
    if json {
        print::outcome_json(&report)
    } else {
        print::outcome(&summary(&report));
        Ok(())
    }
}

/// A report for a person: a line for each input and output, and what deserves a look.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut lines = Vec::new();
    match report.status {
        Status::Committed => lines.push(format!(
            "{} committed as record {}",
            report.job, report.record
        )),
        Status::Failed => lines.push(format!("{} failed", report.job)),
        Status::AlreadyDone => lines.push(format!(
            "{} is done already (record {})",
            report.job, report.record
        )),
    }
    for input in &report.inputs {
        let mut line = format!(
            "  read   {:<22} {:>14} rows  {:>10}",
            input.name,
            grouped(input.rows),
            size(input.bytes)
        );
        if input.quarantined_rows > 0 {
            line += &format!(", {} quarantined", grouped(input.quarantined_rows));
        }
        if input.quarantined_by_reference_rows > 0 {
            line += &format!(
                ", {} of them only for the rows that they refer to",
                grouped(input.quarantined_by_reference_rows)
            );
        }
        lines.push(line);
        let counts = |counts: &std::collections::BTreeMap<String, u64>| {
            counts
                .iter()
                .map(|(rule, count)| format!("{rule}: {}", grouped(*count)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        if !input.rejected.is_empty() {
            lines.push(format!("           rejected: {}", counts(&input.rejected)));
        }
        if !input.warnings.is_empty() {
            lines.push(format!("           warnings: {}", counts(&input.warnings)));
        }
        lines.extend(
            input
                .notes
                .iter()
                .map(|note| format!("           note: {note}")),
        );
    }
    for output in &report.outputs {
        let mut line = format!(
            "  wrote  {:<22} {:>14} rows  {:>10}  {} files",
            output.name,
            grouped(output.rows),
            size(output.bytes),
            grouped(output.files)
        );
        if output.filtered_rows > 0 {
            line += &format!(", {} rows left out", grouped(output.filtered_rows));
        }
        lines.push(line);
        if !output.warnings.is_empty() {
            let list: Vec<String> = output
                .warnings
                .iter()
                .map(|(column, count)| format!("{column}: {}", grouped(*count)))
                .collect();
            lines.push(format!("           warnings: {}", list.join(", ")));
        }
    }
    for check in report.checks.iter().filter(|check| !check.held) {
        lines.push(format!(
            "  warning: check {}: {}",
            check.name,
            check.found.as_deref().unwrap_or_default()
        ));
    }
    let held = report.checks.iter().filter(|check| check.held).count();
    lines.push(format!("  checks {held} of {} held", report.checks.len()));
    if let Some(quarantine) = &report.quarantine {
        lines.push(format!("  quarantined rows lie in {quarantine}"));
    }
    lines.join("\n") + "\n"
}
