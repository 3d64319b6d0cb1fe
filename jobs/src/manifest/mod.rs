//! `job.toml`: from text to a [`Job`], with every problem at its place.

mod check;
mod column_type;
mod columns;
mod dataset;
mod input;
pub mod keys;
mod output;
mod parameter;
pub mod part;
mod place;
mod relations;
mod resolve;
mod section;
mod sql;

use toml::de::{DeTable, DeValue};

use self::input::WrittenInput;
use self::output::WrittenOutput;
use self::part::Part;
use self::section::{Document, Section, Text};
use crate::contract::Contract;
use crate::job::{Check, Job, JobFile, Parameter, Table};
use crate::name::{self, suggestion};
use crate::problem::{Place, Problem, Problems};

pub(crate) use self::place::{place, text_place};

/// The file of a job folder that says what the job is.
pub const JOB_FILE: &str = "job.toml";

/// Gives the files of another job by its name, for contracts and tables that a job takes from it; `None` where it is not
/// known. The bundled jobs are always known and need not be given.
pub type Others<'a> = &'a dyn Fn(&str) -> Option<Vec<JobFile>>;

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
            Place::START,
            format!("the folder has no `{JOB_FILE}`"),
        )
        .hint("`drivetrain new job <name>` writes a working example");
        return Read {
            job: None,
            problems: vec![problem],
        };
    };
    let text = file.text.clone();
    let document = Document::new(JOB_FILE, &text);
    let job = written(&document, &files).map(|written| finish(&document, written, &files, others));
    Read {
        job,
        problems: document.into_problems(),
    }
}

/// A job as its own file has it, before anything is looked up elsewhere.
struct WrittenJob {
    name: Text,
    description: String,
    parameters: Vec<Parameter>,
    inputs: Vec<WrittenInput>,
    tables: Vec<(Table, Text)>,
    outputs: Vec<(WrittenOutput, Text)>,
    checks: Vec<Check>,
}

fn written(document: &Document<'_>, files: &[JobFile]) -> Option<WrittenJob> {
    let (table, errors) = DeTable::parse_recoverable(document.text);
    for error in &errors {
        document.wrong(
            &error.span().unwrap_or_default(),
            error.message().to_owned(),
            "",
        );
    }
    // What recovery made of a broken file would only repeat the problem in other words.
    if !errors.is_empty() {
        return None;
    }
    let top = Section::new(document, Part::Job, table.get_ref(), &(0..0));
    let name = job_name(&top);
    let parameters = parameter::parameters(&top);
    let inputs = top
        .named("inputs", "input")
        .iter()
        .filter_map(|entry| Some(input::input(entry, &entry.section(document, Part::Input)?)))
        .collect();
    let tables = top
        .named("tables", "table")
        .iter()
        .filter_map(|entry| {
            let (sql, description) = match entry.section_or_text(document, Part::Table)? {
                Err(text) => (sql::query_of(&top, &text, files)?, None),
                Ok(section) => (
                    sql::query(&section, "sql", files, Some(entry.name))?,
                    section.text("description").map(|text| text.value),
                ),
            };
            let name = Text {
                value: entry.name.to_owned(),
                span: entry.span.clone(),
            };
            Some((
                Table {
                    name: entry.name.to_owned(),
                    description,
                    sql,
                },
                name,
            ))
        })
        .collect();
    let outputs = top
        .named("outputs", "output")
        .iter()
        .filter_map(|entry| {
            let section = entry.section(document, Part::Output)?;
            let name = Text {
                value: entry.name.to_owned(),
                span: entry.span.clone(),
            };
            Some((output::output(entry, &section, files, &parameters), name))
        })
        .collect();
    for (key, what) in [("inputs", "reads"), ("outputs", "writes")] {
        match top.get(key).map(toml::Spanned::get_ref) {
            None => top.missing(key, format!("a job {what} at least one dataset")),
            Some(DeValue::Table(entries)) if entries.is_empty() => {
                top.missing(key, format!("a job {what} at least one dataset"));
            }
            Some(_) => {}
        }
    }
    Some(WrittenJob {
        name,
        description: top
            .text("description")
            .map_or_else(String::new, |text| text.value),
        parameters,
        inputs,
        tables,
        outputs,
        checks: check::checks(&top, files),
    })
}

fn job_name(top: &Section<'_>) -> Text {
    let Some(text) = top.text("name") else {
        if top.get("name").is_none() {
            top.missing("name", "such as `name = \"daily_sales\"`");
        }
        return Text {
            value: String::new(),
            span: 0..0,
        };
    };
    if !name::is_legal(&text.value) {
        top.wrong(
            &text.span,
            format!("`{}` is no name for a job", text.value),
            format!(
                "write `{}`: a lower-case letter, then lower-case letters, digits and `_`",
                name::legalise(&text.value)
            ),
        );
    } else if text.value == "raw" {
        top.wrong(
            &text.span,
            "a job cannot be called `raw`",
            "`raw/` is the folder of raw data",
        );
    }
    text
}

/// Looks up what comes from other jobs and checks what the parts say about each other.
fn finish(
    document: &Document<'_>,
    written: WrittenJob,
    files: &[JobFile],
    others: Others<'_>,
) -> Job {
    let contracts = resolve::contracts(document, &written, others);
    relations::names_differ(document, &written);
    let mut inputs = Vec::new();
    for (input, (contract, origin)) in written.inputs.iter().zip(contracts) {
        inputs.push(crate::job::Input {
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
        relations::refer(document, own, &input.references, &datasets);
    }
    let mut with_outputs = datasets.clone();
    with_outputs.extend(written.outputs.iter().map(|(written, _)| {
        (
            written.output.name.as_str(),
            written.output.columns.as_slice(),
        )
    }));
    for (output, _) in &written.outputs {
        relations::refer(
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
