//! `drivetrain jobs`: the bundled jobs, or one contract in full.

use drivetrain_jobs::bundled;
use drivetrain_jobs::describe::{Listing, Summary, listings};

use crate::cli::JobsArgs;
use crate::error::Result;
use crate::job_folder::JobFolder;
use crate::print;

/// Lists the bundled jobs with what they read and write, or shows any one in full.
///
/// # Errors
/// `Usage` for a name that no job has, or a folder with errors.
pub async fn jobs(args: &JobsArgs, json: bool) -> Result<()> {
    let Some(name) = &args.name else {
        let summaries: Vec<Summary> = bundled::jobs().iter().map(Summary::from).collect();
        if json {
            return print::answer_json(&summaries);
        }
        let mut list = String::new();
        for summary in &summaries {
            list += &format!("{}: {}\n", summary.name, summary.description);
            list += &format!("  reads   {}\n", summary.inputs.join(", "));
            list += &format!("  writes  {}\n", summary.outputs.join(", "));
        }
        return print::answer(&list);
    };
    let job = JobFolder::read(name).await?.job().await?;
    if json {
        return print::answer_json(&job);
    }
    let mut contract = format!("{}: {}\n", job.name, job.description);
    for listing in listings(&job) {
        contract += &format!("\n{}", text(&listing));
    }
    print::answer(&contract)
}

/// A listing with its table in aligned columns.
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
