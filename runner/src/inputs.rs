//! What a run reads, frozen: objects by name, version and size, or the live parts of another job's table.

use std::collections::BTreeMap;

use drivetrain_jobs::job::{Input, InputOrigin, Job, Mode};

use crate::catalog::type_name;
use crate::commit::{Columns, Opened, TableInput};
use crate::error::{Error, ErrorKind, Result};
use crate::store::FrozenObject;
use crate::stores::{RAW, Stores};

/// One input of a job, frozen.
#[derive(Clone, Debug)]
pub enum FrozenInput {
    /// Raw objects.
    Raw {
        /// All of them: the run's id covers these.
        all: Vec<FrozenObject>,
        /// Those that are read: all, or what no earlier append took.
        fresh: Vec<FrozenObject>,
        /// Whether the run takes them once and for all.
        consumes: bool,
    },
    /// The live parts of a table.
    Table(TableInput),
}

impl FrozenInput {
    /// Every object that the run's result depends on.
    #[must_use]
    pub fn objects(&self) -> &[FrozenObject] {
        match self {
            Self::Raw { all, .. } => all,
            Self::Table(table) => &table.objects,
        }
    }
}

/// All inputs of a job by name.
pub type FrozenInputs = BTreeMap<String, FrozenInput>;

/// Lists every input of a job; raw data only after the log was read, as the protocol wants it.
///
/// # Errors
/// `InputMissing` for a dataset without objects or a table that was never written; `Usage` for a table whose recorded columns
/// are not what this job expects; `Conflict` for an appended object that has changed.
///
/// # Panics
/// Without an input store for a job that reads raw data: [`Stores::open`] opens it.
pub async fn freeze(job: &Job, opened: &Opened, stores: &Stores) -> Result<FrozenInputs> {
    let mut inputs = FrozenInputs::new();
    for input in &job.inputs {
        let frozen = match &input.origin {
            InputOrigin::Raw(folder) => {
                let store = stores
                    .input
                    .as_ref()
                    .expect("a job that reads raw data has an input store");
                let all = opened.list(store, &format!("{RAW}/{folder}")).await?;
                let consumes = consumes(job, input);
                let fresh = if consumes {
                    opened.unconsumed(all.clone())?
                } else {
                    all.clone()
                };
                FrozenInput::Raw {
                    all,
                    fresh,
                    consumes,
                }
            }
            InputOrigin::Table {
                job: producer,
                table,
            } => {
                let found = opened.table(&stores.output, producer, table).await?;
                require_columns(input, &format!("{producer}.{table}"), &found.columns)?;
                FrozenInput::Table(found)
            }
        };
        inputs.insert(input.name.clone(), frozen);
    }
    Ok(inputs)
}

/// Whether an append takes this input's objects once: the input whose rows become the output's, or every raw one.
fn consumes(job: &Job, input: &Input) -> bool {
    job.outputs
        .iter()
        .filter(|output| output.mode == Mode::Append)
        .any(|output| {
            output
                .rows_of
                .as_ref()
                .is_none_or(|rows_of| *rows_of == input.name)
        })
}

/// The table must have each column that the job reads, of the type that it expects.
fn require_columns(input: &Input, table: &str, recorded: &Columns) -> Result<()> {
    let mut differences = Vec::new();
    for column in &input.contract.columns {
        let expected = type_name(&column.kind);
        match recorded
            .columns
            .iter()
            .find(|recorded| recorded.name == column.name)
        {
            None => differences.push(format!("no column `{}`", column.name)),
            Some(found) if found.kind != expected => {
                differences.push(format!(
                    "`{}` is {}, expected {expected}",
                    column.name, found.kind
                ));
            }
            Some(_) => {}
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!(
            "table `{table}` is not what input `{}` expects: {}",
            input.name,
            differences.join("; ")
        ),
    )
    .hint("run the job that writes the table again with its present contract"))
}
