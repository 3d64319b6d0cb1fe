//! From the files of a folder to a [`Job`], with every problem at its place.

use super::consistency;
use super::job_links::{self, Others};
use super::toml_document::TomlDocument;
use super::unresolved_job::{UnresolvedJob, written};
use crate::contract::Contract;
use crate::job::{Input, JOB_FILE, Job, JobFile};
use crate::problem::{Position, Problem, Problems};
use crate::suggestion::suggestion;

impl Job {
    /// Parses the files of a job folder; whether the SQL fits is [`Job::check`](crate::job::Job::check)'s question.
    ///
    /// # Errors
    /// Every problem of the `job.toml`, with its place: wrong TOML, unknown keys, types and names, what is missing, what
    /// contradicts itself, and links to other jobs that lead nowhere or in a circle.
    pub fn parse(files: Vec<JobFile>, others: Others<'_>) -> Result<Self, Problems> {
        let Read { job, problems } = read(files, others);
        Problems::or(problems, job)
    }
}

/// A job as far as it could be read, and what was wrong.
pub(crate) struct Read {
    pub(crate) job: Option<Job>,
    pub(crate) problems: Vec<Problem>,
}

/// Reads as much as can be read.
pub(crate) fn read(mut files: Vec<JobFile>, others: Others<'_>) -> Read {
    files.sort_by(|left, right| left.name.cmp(&right.name));
    let Some(file) = files.iter().find(|file| file.name == JOB_FILE) else {
        let problem = Problem::new(
            JOB_FILE,
            Position::START,
            format!("the folder has no `{JOB_FILE}`"),
        )
        .hint("`drivetrain new job <name>` writes a working example");
        return Read {
            job: None,
            problems: vec![problem],
        };
    };
    let text = file.text.clone();
    let document = TomlDocument::new(JOB_FILE, &text);
    let job = written(&document, &files).map(|written| finish(&document, written, &files, others));
    Read {
        job,
        problems: document.into_problems(),
    }
}

/// Looks up what comes from other jobs and checks what the parts say about each other.
fn finish(
    document: &TomlDocument<'_>,
    written: UnresolvedJob,
    files: &[JobFile],
    others: Others<'_>,
) -> Job {
    let contracts = job_links::contracts(document, &written, others);
    consistency::names_differ(document, &written);
    let mut inputs = Vec::new();
    for (input, (contract, origin)) in written.inputs.iter().zip(contracts) {
        inputs.push(Input {
            name: input.name.clone(),
            origin: input.origin().unwrap_or(origin),
            contract: Contract {
                min_rows: input.min_rows.unwrap_or(contract.min_rows),
                ..contract
            },
        });
    }
    let datasets = inputs
        .iter()
        .map(|input| (input.name.as_str(), input.contract.columns.as_slice()))
        .collect::<Vec<_>>();
    for input in &written.inputs {
        let own = datasets
            .iter()
            .find(|(name, _)| *name == input.name)
            .map_or(&[][..], |(_, columns)| columns);
        consistency::refer(document, own, &input.references, &datasets);
    }
    let mut with_outputs = datasets.clone();
    with_outputs.extend(written.outputs.iter().map(|(written, _)| {
        (
            written.output.name.as_str(),
            written.output.columns.as_slice(),
        )
    }));
    for (output, _) in &written.outputs {
        consistency::refer(
            document,
            &output.output.columns,
            &output.references,
            &with_outputs,
        );
        if let Some(text) = &output.rows_of
            && !inputs.iter().any(|input| input.name == text.value)
        {
            document.wrong(
                &text.span,
                format!("there is no input `{}`", text.value),
                suggestion(&text.value, inputs.iter().map(|input| input.name.as_str())),
            );
        }
    }
    Job {
        name: written.name.value,
        description: written.description,
        parameters: written.parameters,
        tables: written.tables.into_iter().map(|(table, _)| table).collect(),
        outputs: written
            .outputs
            .into_iter()
            .map(|(output, _)| output.output)
            .collect(),
        checks: written.checks,
        inputs,
        files: files.to_vec(),
    }
}
