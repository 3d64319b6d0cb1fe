//! `drivetrain jobs`: the bundled jobs, or one contract in full.

use drivetrain_jobs::bundled;
use drivetrain_jobs::job::{InputOrigin, Job};

use crate::cli::JobsArgs;
use crate::commands::print_json;
use crate::error::{Error, ErrorKind, Result};

/// Lists the jobs with what they read and write, or shows one.
///
/// # Errors
/// `Usage` for a name that no bundled job has.
pub fn jobs(args: &JobsArgs, json: bool) -> Result<()> {
    let Some(name) = &args.name else {
        let jobs = bundled::jobs();
        if json {
            return print_json(&jobs);
        }
        for job in &jobs {
            print!("{}", overview(job));
        }
        return Ok(());
    };
    let Some(job) = bundled::job(name) else {
        let known = bundled::NAMES.map(|name| format!("`{name}`")).join(", ");
        return Err(Error::new(ErrorKind::Usage, format!("there is no job `{name}`"))
            .hint(format!("the bundled jobs are {known}")));
    };
    if json {
        return print_json(&job);
    }
    print!("{}", contract(&job));
    Ok(())
}

fn overview(job: &Job) -> String {
    let inputs: Vec<String> = job.inputs.iter().map(|input| origin(&input.origin)).collect();
    let outputs: Vec<&str> = job.outputs.iter().map(|output| output.name.as_str()).collect();
    format!("{}: {}\n  reads   {}\n  writes  {}\n", job.name, job.description, inputs.join(", "), outputs.join(", "))
}

fn origin(origin: &InputOrigin) -> String {
    match origin {
        InputOrigin::Raw(folder) => format!("raw/{folder}"),
        InputOrigin::Table { job, table } => format!("{job}.{table}"),
    }
}

fn contract(job: &Job) -> String {
    let mut text = overview(job);
    for parameter in &job.parameters {
        text += &format!("\nparameter {} {}\n", parameter.name, parameter.kind);
        if let Some(description) = &parameter.description {
            text += &format!("  {description}\n");
        }
    }
    for input in &job.inputs {
        text += &format!("\ninput {} ({})\n", input.name, origin(&input.origin));
        text += &columns(&input.contract.columns);
        if let Some(key) = &input.contract.key {
            text += &format!("  key {}\n", key.columns.join(", "));
        }
        for reference in &input.contract.references {
            text += &format!("  {}\n", reference.rule());
        }
        for rule in &input.contract.rules {
            text += &format!("  {:?} {}: {}\n", rule.severity, rule.name, rule.sql).to_lowercase();
        }
    }
    for output in &job.outputs {
        text += &format!("\noutput {}", output.name);
        if let Some(description) = &output.description {
            text += &format!(": {description}");
        }
        text += "\n";
        text += &columns(&output.columns);
        if !output.partition_by.is_empty() {
            text += &format!("  partitioned by {}\n", output.partition_by.join(", "));
        }
        if let Some(key) = &output.key {
            text += &format!("  key {}\n", key.columns.join(", "));
        }
    }
    for check in &job.checks {
        text += &format!("\ncheck {}{}\n", check.name, if check.enabled { "" } else { " (off; run with `--check`)" });
    }
    text
}

fn columns(columns: &[drivetrain_jobs::contract::Column]) -> String {
    let mut text = String::new();
    for column in columns {
        let null = if column.nullable { "" } else { " not null" };
        let kind = format!("{}{null}", column.kind);
        let description = column.description.as_deref().unwrap_or_default();
        text += format!("  {:<28} {kind:<24} {description}", column.name).trim_end();
        text += "\n";
    }
    text
}
