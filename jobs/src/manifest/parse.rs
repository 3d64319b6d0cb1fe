//! Parses the files of a job folder into a [`Job`], and reports every problem with its position.

use super::consistency;
use super::job_links::{self, Others};
use super::toml_document::TomlDocument;
use super::unlinked_job::{UnlinkedJob, read_job};
use crate::contract::Contract;
use crate::job::{Input, JOB_FILE, Job, JobFile};
use crate::problem::{Position, Problem, Problems};
use crate::suggestion::suggestion;

impl Job {
    /// Parses the files of a job folder. It does not check the SQL, which [`Job::check`](crate::job::Job::check) does.
    ///
    /// # Errors
    /// Every problem of the `job.toml` with its position: invalid TOML, unknown keys, types and names, missing keys,
    /// contradictions, and links to other jobs that are unknown or circular.
    pub fn parse(files: Vec<JobFile>, others: Others<'_>) -> Result<Self, Problems> {
        let ParsedFolder { job, problems } = parse_folder(files, others);
        Problems::or(problems, job)
    }
}

/// A job folder as far as it could be parsed, and its problems.
pub(crate) struct ParsedFolder {
    /// The job, `None` if the `job.toml` is missing or is not valid TOML.
    pub(crate) job: Option<Job>,
    /// Problems in the order in which they were found.
    pub(crate) problems: Vec<Problem>,
}

/// Parses a job folder and continues after a problem, so that all problems are found.
pub(crate) fn parse_folder(mut files: Vec<JobFile>, others: Others<'_>) -> ParsedFolder {
    files.sort_by(|left, right| left.name.cmp(&right.name));
    let Some(file) = files.iter().find(|file| file.name == JOB_FILE) else {
        let problem = Problem::new(
            JOB_FILE,
            Position::START,
            format!("the job folder has no `{JOB_FILE}`"),
        )
        .hint("run `drivetrain new job <name>` to create a working example");
        return ParsedFolder {
            job: None,
            problems: vec![problem],
        };
    };
    let text = file.text.clone();
    let document = TomlDocument::new(JOB_FILE, &text);
    let job =
        read_job(&document, &files).map(|written| resolve(&document, written, &files, others));
    ParsedFolder {
        job,
        problems: document.into_problems(),
    }
}

/// Resolves the links to other jobs and checks the sections against each other.
fn resolve(
    document: &TomlDocument<'_>,
    written: UnlinkedJob,
    files: &[JobFile],
    others: Others<'_>,
) -> Job {
    let contracts = job_links::contracts(document, &written, others);
    consistency::check_names(document, &written);
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
        consistency::check_references(document, own, &input.references, &datasets);
    }
    let mut with_outputs = datasets.clone();
    with_outputs.extend(written.outputs.iter().map(|(written, _)| {
        (
            written.output.name.as_str(),
            written.output.columns.as_slice(),
        )
    }));
    for (output, _) in &written.outputs {
        consistency::check_references(
            document,
            &output.output.columns,
            &output.references,
            &with_outputs,
        );
        if let Some(text) = &output.rows_of
            && !inputs.iter().any(|input| input.name == text.value)
        {
            document.report(
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
