//! What a job takes from other jobs: contracts of their inputs, columns of their outputs.

use super::inputs::{ContractSource, JobLink, UnresolvedInput};
use super::toml_document::TomlDocument;
use super::unresolved_job::{UnresolvedJob, written};
use crate::bundled::embedded_folders;
use crate::contract::{Contract, Format, Origin};
use crate::job::{InputOrigin, JOB_FILE, JobFile};
use crate::suggestion::suggestion;

/// Gives the files of another job by its name, for contracts and tables that a job takes from it; `None` where it is not
/// known. The bundled jobs are always known and need not be given.
pub type Others<'a> = &'a dyn Fn(&str) -> Option<Vec<JobFile>>;

/// The contract and the origin of each input, in their order; what leads nowhere is reported and left without columns.
pub(super) fn contracts(
    document: &TomlDocument<'_>,
    job: &UnresolvedJob,
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
                document.wrong(&text.span, message, hint);
                (empty(), InputOrigin::Raw(own.0))
            });
            // A contract taken from elsewhere may refer to datasets that only the other job reads.
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

struct JobLookup<'a> {
    own: &'a UnresolvedJob,
    others: Others<'a>,
}

/// What is wrong, and what to do.
type LinkError = (String, String);

impl JobLookup<'_> {
    /// Follows `contract = "job.input"` until the contract is written out.
    fn input(
        &self,
        link: &JobLink,
        seen: &mut Vec<(String, String)>,
    ) -> Result<(Contract, InputOrigin), LinkError> {
        let step = (link.job.clone(), link.dataset.clone());
        if seen.contains(&step) {
            return Err((
                format!("`{}` leads back to itself", link.text.value),
                "write the contract out in one of the jobs".to_owned(),
            ));
        }
        seen.push(step);
        self.with(&link.job, |job| {
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

    /// The columns of `table = "job.output"`, as its Parquet files and folders hold them.
    fn table(&self, link: &JobLink) -> Result<(Contract, InputOrigin), LinkError> {
        if link.job == self.own.name.value {
            return Err((
                format!("the job reads its own output `{}`", link.dataset),
                "a query sees the outputs above it by name: leave the input out".to_owned(),
            ));
        }
        if let Some(way) = self.way_back(&link.job, &mut Vec::new()) {
            return Err((
                format!(
                    "`{}` reads from this job, which reads from it",
                    way.join("` reads from `")
                ),
                "make one job of them, or read the raw data in one".to_owned(),
            ));
        }
        self.with(&link.job, |job| {
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

    /// The jobs from `job` on that lead to this one over tables, if any do.
    fn way_back(&self, job: &str, seen: &mut Vec<String>) -> Option<Vec<String>> {
        if seen.iter().any(|before| before == job) {
            return None;
        }
        seen.push(job.to_owned());
        let sources = self
            .with(job, |job| {
                job.inputs.iter().filter_map(producer).collect::<Vec<_>>()
            })
            .ok()?;
        if sources.contains(&self.own.name.value) {
            return Some(vec![job.to_owned()]);
        }
        sources.iter().find_map(|source| {
            let mut way = self.way_back(source, seen)?;
            way.insert(0, job.to_owned());
            Some(way)
        })
    }

    fn with<T>(&self, name: &str, read: impl FnOnce(&UnresolvedJob) -> T) -> Result<T, LinkError> {
        if name == self.own.name.value {
            return Ok(read(self.own));
        }
        let files = (self.others)(name).or_else(|| embedded_folders::files(name));
        let unknown = || {
            (
                format!("there is no job `{name}`"),
                format!(
                    "{}, or a folder `{name}` beside this one",
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
        match written(&document, &files) {
            Some(job) => Ok(read(&job)),
            None => Err((
                format!("the `{JOB_FILE}` of `{name}` is no TOML"),
                format!("`drivetrain check` on `{name}` says why"),
            )),
        }
    }
}

fn producer(input: &UnresolvedInput) -> Option<String> {
    match &input.source {
        ContractSource::Table(link) => Some(link.job.clone()),
        _ => None,
    }
}
