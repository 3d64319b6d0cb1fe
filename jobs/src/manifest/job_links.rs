//! Resolves links to other jobs, which take the contract of an input or the columns of an output.

use super::inputs::{ContractSource, JobLink, UnresolvedInput};
use super::toml_document::TomlDocument;
use super::unlinked_job::{UnlinkedJob, read_job};
use crate::bundled::embedded_folders;
use crate::contract::{Contract, Format, Origin};
use crate::job::{InputOrigin, JOB_FILE, JobFile};
use crate::suggestion::suggestion;

/// Function that returns the files of the job with the given name; `None` if it finds no such job. It is called for
/// each job that a `job.toml` links to. If it returns `None`, the job is searched among the bundled jobs.
pub type Others<'a> = &'a dyn Fn(&str) -> Option<Vec<JobFile>>;

/// Returns the contract and the source of each input, in the order of the inputs. A link that cannot be resolved is
/// reported, and its input gets a contract without columns.
pub(super) fn contracts(
    document: &TomlDocument<'_>,
    job: &UnlinkedJob,
    others: Others<'_>,
) -> Vec<(Contract, InputOrigin)> {
    let lookup = JobLookup { own: job, others };
    job.inputs
        .iter()
        .map(|input| {
            let own = (input.name.clone(), InputOrigin::Raw(input.name.clone()));
            let found = match &input.source {
                ContractSource::Here(contract) => Ok((contract.clone(), own.1)),
                ContractSource::Contract(link) => lookup.input(link, &mut Vec::new()),
                ContractSource::Table(link) => lookup.table(link),
            };
            let (mut contract, origin) = found.unwrap_or_else(|(message, hint)| {
                let text = match &input.source {
                    ContractSource::Contract(link) | ContractSource::Table(link) => &link.text,
                    ContractSource::Here(_) => &input.name_text,
                };
                document.report(&text.span, message, hint);
                (empty(), InputOrigin::Raw(own.0))
            });
            // The contract of another job may refer to datasets that this job does not read.
            if !matches!(input.source, ContractSource::Here(_)) {
                contract.references.retain(|reference| {
                    job.inputs
                        .iter()
                        .any(|input| input.name == reference.dataset)
                });
            }
            (contract, origin)
        })
        .collect()
}

/// Returns a Parquet contract without columns, keys, references and rules.
fn empty() -> Contract {
    Contract {
        format: Format::Parquet,
        columns: Vec::new(),
        key: None,
        references: Vec::new(),
        rules: Vec::new(),
        min_rows: 1,
    }
}

/// Lookup of datasets in a job, and in all jobs to which its links lead.
struct JobLookup<'a> {
    /// The job whose links are resolved: the one that is being parsed.
    own: &'a UnlinkedJob,
    /// Function that returns the files of another job.
    others: Others<'a>,
}

/// Message and hint about a link that cannot be resolved.
type LinkError = (String, String);

impl JobLookup<'_> {
    /// Resolves `contract = "job.input"` to a contract and its source. If the linked input is itself a link, follows
    /// that link too. `seen` holds the links followed so far, to detect a cycle.
    fn input(
        &self,
        link: &JobLink,
        seen: &mut Vec<(String, String)>,
    ) -> Result<(Contract, InputOrigin), LinkError> {
        let step = (link.job.clone(), link.dataset.clone());
        if seen.contains(&step) {
            return Err((
                format!("the link `{}` leads back to itself", link.text.value),
                "declare the contract in one of the inputs instead of linking to another job"
                    .to_owned(),
            ));
        }
        seen.push(step);
        self.with_job(&link.job, |job| {
            let names = job.inputs.iter().map(|input| input.name.as_str());
            let Some(input) = job.inputs.iter().find(|input| input.name == link.dataset) else {
                return Err((
                    format!("job `{}` has no input `{}`", link.job, link.dataset),
                    suggestion(&link.dataset, names),
                ));
            };
            let (contract, origin) = match &input.source {
                ContractSource::Here(contract) => {
                    (contract.clone(), InputOrigin::Raw(input.name.clone()))
                }
                ContractSource::Contract(next) => self.input(next, seen)?,
                ContractSource::Table(next) => self.table(next)?,
            };
            let min_rows = input.min_rows.unwrap_or(contract.min_rows);
            Ok((
                Contract {
                    min_rows,
                    ..contract
                },
                input.origin().unwrap_or(origin),
            ))
        })?
    }

    /// Resolves `table = "job.output"` to a contract with the output's columns. The values of partition columns come
    /// from the path, all others from the Parquet files.
    fn table(&self, link: &JobLink) -> Result<(Contract, InputOrigin), LinkError> {
        if link.job == self.own.name.value {
            return Err((
                format!("the job cannot read its own output `{}`", link.dataset),
                "remove the input: a query can read the outputs declared above it by name"
                    .to_owned(),
            ));
        }
        if let Some(path) = self.path_back(&link.job, &mut Vec::new()) {
            return Err((
                format!(
                    "the jobs read each other: this job reads `{}`, which reads this job",
                    path.join("`, which reads `")
                ),
                "merge the jobs, or let one of them read the raw data instead".to_owned(),
            ));
        }
        self.with_job(&link.job, |job| {
            let names = job
                .outputs
                .iter()
                .map(|(written, _)| written.output.name.as_str());
            let Some((written, _)) = job
                .outputs
                .iter()
                .find(|(written, _)| written.output.name == link.dataset)
            else {
                return Err((
                    format!("job `{}` has no output `{}`", link.job, link.dataset),
                    suggestion(&link.dataset, names),
                ));
            };
            let mut columns = written.output.columns.clone();
            for column in &mut columns {
                if written.output.partition_by.contains(&column.name) {
                    column.origin = Origin::Path(column.name.clone());
                }
            }
            Ok((
                Contract { columns, ..empty() },
                InputOrigin::Table {
                    job: link.job.clone(),
                    table: link.dataset.clone(),
                },
            ))
        })?
    }

    /// Returns the path from `job` back to the job that is being parsed, as names of jobs: each reads a table of the
    /// next, and the last reads a table of the parsed job. Returns `None` if there is no such path. `seen` holds the
    /// jobs visited so far.
    fn path_back(&self, job: &str, seen: &mut Vec<String>) -> Option<Vec<String>> {
        if seen.iter().any(|before| before == job) {
            return None;
        }
        seen.push(job.to_owned());
        let sources = self
            .with_job(job, |job| {
                job.inputs.iter().filter_map(producer).collect::<Vec<_>>()
            })
            .ok()?;
        if sources.contains(&self.own.name.value) {
            return Some(vec![job.to_owned()]);
        }
        sources.iter().find_map(|source| {
            let mut path = self.path_back(source, seen)?;
            path.insert(0, job.to_owned());
            Some(path)
        })
    }

    /// Finds a job by its name, parses it and returns what `read` returns for it.
    fn with_job<T>(
        &self,
        name: &str,
        read: impl FnOnce(&UnlinkedJob) -> T,
    ) -> Result<T, LinkError> {
        if name == self.own.name.value {
            return Ok(read(self.own));
        }
        let files = (self.others)(name).or_else(|| embedded_folders::files(name));
        let unknown = || {
            (
                format!("there is no job `{name}`"),
                format!(
                    "create the job in a folder `{name}` beside the folder of this job, or link to a bundled job: {}",
                    suggestion(name, embedded_folders::NAMES)
                ),
            )
        };
        let files = files.ok_or_else(unknown)?;
        let text = files
            .iter()
            .find(|file| file.name == JOB_FILE)
            .ok_or_else(unknown)?
            .text
            .clone();
        let document = TomlDocument::new(JOB_FILE, &text);
        match read_job(&document, &files) {
            Some(job) => Ok(read(&job)),
            None => Err((
                format!("the `{JOB_FILE}` of job `{name}` is not valid TOML"),
                format!("run `drivetrain check` on the folder of job `{name}` to see each mistake"),
            )),
        }
    }
}

/// Returns the name of the job whose table the input reads; `None` if the input does not have the key `table`.
fn producer(input: &UnresolvedInput) -> Option<String> {
    match &input.source {
        ContractSource::Table(link) => Some(link.job.clone()),
        _ => None,
    }
}
