//! `drivetrain jobs`: lists the bundled jobs, or shows one contract in full.

use drivetrain_jobs::bundled;
use drivetrain_jobs::describe::{Listing, Summary, listings};
use drivetrain_jobs::job::Job;
use serde::Serialize;

use crate::cli::JobsArgs;
use crate::error::Result;
use crate::job::job_folder::JobFolder;
use crate::terminal::printer::{Answer, ToText};

/// Lists the bundled jobs with their inputs and outputs, or shows the contract of one job in full.
///
/// # Errors
/// `Usage` for an unknown job, or for a job folder with errors; otherwise the kind of the store's error.
pub async fn jobs(args: &JobsArgs) -> Result<Answer> {
    let Some(name) = &args.name else {
        let summaries = bundled::jobs().iter().map(Summary::from).collect();
        return Ok(Answer::asked(Summaries(summaries)));
    };
    let job = JobFolder::read(name).await?.job().await?;
    Ok(Answer::asked(Shown(job)))
}

/// Answer that lists the bundled jobs.
#[derive(Serialize)]
#[serde(transparent)]
struct Summaries(Vec<Summary>);

impl ToText for Summaries {
    fn text(&self) -> String {
        let mut list = String::new();
        for summary in &self.0 {
            list += &format!("{}: {}\n", summary.name, summary.description);
            list += &format!("  reads   {}\n", summary.inputs.join(", "));
            list += &format!("  writes  {}\n", summary.outputs.join(", "));
        }
        list
    }
}

/// Answer that shows the contract of one job in full.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Job);

impl ToText for Shown {
    fn text(&self) -> String {
        let Self(job) = self;
        let mut contract = format!("{}: {}\n", job.name, job.description);
        for listing in listings(job) {
            contract += &format!("\n{}", text(&listing));
        }
        contract
    }
}

/// Formats one section of a contract, with its table in aligned columns.
fn text(listing: &Listing) -> String {
    let mut text = format!("{}\n", listing.title);
    for line in &listing.lines {
        text += &format!("  {line}\n");
    }
    let rows: Vec<&Vec<String>> = if listing.header.is_empty() {
        listing.rows.iter().collect()
    } else {
        std::iter::once(&listing.header)
            .chain(&listing.rows)
            .collect()
    };
    let count = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|at| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text += format!("  {}", cells.join("  ")).trim_end();
        text += "\n";
    }
    text
}
