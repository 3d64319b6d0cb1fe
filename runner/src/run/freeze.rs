//! Freezes the inputs of a run: objects by key, ETag and size, or the live parts of another job's table.

use std::collections::BTreeMap;

use drivetrain_jobs::job::{Input, InputOrigin, Job, Mode, Output};
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::commit::{Columns, Opened, TableInput};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::run::roots::Roots;
use crate::sql::column_types::type_name;
use crate::store::{
    FrozenObject, FrozenStore, RAW, Store, sample_announcement_key, sample_manifest_key,
};

/// An input of a job, with the objects that one run reads.
#[derive(Clone, Debug)]
pub enum FrozenInput {
    /// Raw objects that were listed in the dataset's folder below the input root.
    Raw {
        /// All listed objects, which the run's id covers.
        all: Vec<FrozenObject>,
        /// Objects to read: all, or, for an append, those that no earlier run consumed.
        fresh: Vec<FrozenObject>,
        /// `true` if the run consumes the objects, so that no later append reads them.
        consumes: bool,
    },
    /// The live parts of a table that another job wrote.
    Table(TableInput),
}

impl FrozenInput {
    /// Returns the objects that the run's id covers: all listed raw objects, or the live parts of a table.
    #[must_use]
    pub fn objects(&self) -> &[FrozenObject] {
        match self {
            Self::Raw { all, .. } => all,
            Self::Table(table) => &table.objects,
        }
    }
}

/// The frozen inputs of a job, by the names that its queries use.
pub type FrozenInputs = BTreeMap<String, FrozenInput>;

/// Freezes every input of a job; raw data is listed only after the log was read, as the commit protocol requires.
///
/// # Errors
/// `TryAgain` if the files of a generated sample are becoming visible, or if the generator was interrupted then;
/// `InputMissing` for a dataset without objects or a table that was never written; `Usage` for a table whose recorded
/// columns differ from what this job expects; `Conflict` for an object that has changed since a run consumed it.
///
/// # Panics
/// If the job reads raw data and `roots` has no input store; [`Roots::open`] opens one for such a job.
pub async fn freeze(job: &Job, opened: &Opened, roots: &Roots) -> Result<FrozenInputs> {
    if let Some(store) = &roots.input {
        require_complete_sample(store).await?;
    }
    let mut inputs = FrozenInputs::new();
    for input in &job.inputs {
        let frozen = match &input.origin {
            InputOrigin::Raw(folder) => {
                let store = roots
                    .input
                    .as_ref()
                    .expect("a job that reads raw data has an input store");
                let all = opened.list(store, &format!("{RAW}/{folder}")).await?;
                raw_input(job, input, all, Some(opened))?
            }
            InputOrigin::Table {
                job: producer,
                table,
            } => {
                let found = opened.table(&roots.output, producer, table).await?;
                table_input(input, &format!("{producer}.{table}"), found)?
            }
        };
        inputs.insert(input.name.clone(), frozen);
    }
    // A generator that began after the first check may have completed only some of the listed files. The second check
    // misses it only if it also ended in between, but a generator takes more requests than the listings.
    if let Some(store) = &roots.input {
        require_complete_sample(store).await?;
    }
    Ok(inputs)
}

/// Checks that the raw data is not an incomplete sample. The files of a sample become visible one by one while its
/// announcement exists; an announcement beside the manifest is a leftover of a complete sample.
///
/// # Errors
/// `TryAgain` if there is an announcement without a manifest; otherwise the kind of the store's failure.
pub async fn require_complete_sample(store: &Store) -> Result<()> {
    let announcement = sample_announcement_key();
    if store.look_if_permitted(&announcement).await?.is_none()
        || store.look(&sample_manifest_key()).await?.is_some()
    {
        return Ok(());
    }
    let url = store.location().url(&announcement);
    Err(Error::new(
        ErrorKind::TryAgain,
        format!("the raw data is incomplete: `{url}` says that `drivetrain generate` is still writing it or was interrupted"),
    )
    .hint(format!("wait until `drivetrain generate` ends; if it was interrupted, run it again with the same arguments, or delete the folder `{RAW}`")))
}

/// Chooses the objects to read from those that were listed. An append reads only those that no earlier run consumed. A
/// run that appends, or that replaces every table, consumes what it reads, so that later appends skip it. A run in a
/// window reads only a piece of each object, so it consumes none. `opened` is `None` if `drivetrain plan` plans a job
/// whose output root does not exist yet.
///
/// # Errors
/// `Conflict` for an object that has changed since a run consumed it.
pub fn raw_input(
    job: &Job,
    input: &Input,
    all: Vec<FrozenObject>,
    opened: Option<&Opened>,
) -> Result<FrozenInput> {
    let becomes = |output: &&Output| becomes_rows(output, input);
    let appends = job
        .outputs
        .iter()
        .filter(becomes)
        .any(|output| output.mode == Mode::Append);
    let fresh = match opened {
        Some(opened) if appends => opened.unconsumed(all.clone())?,
        _ => all.clone(),
    };
    let starts_over = opened.is_some_and(Opened::starts_over);
    let consumes = appends || (starts_over && job.outputs.iter().any(|output| becomes(&output)));
    Ok(FrozenInput::Raw {
        all,
        fresh,
        consumes,
    })
}

/// Returns a table as a frozen input, after checking that it has the columns that the job expects.
///
/// # Errors
/// `Usage` for a table whose recorded columns differ from what the job expects.
pub fn table_input(input: &Input, table: &str, found: TableInput) -> Result<FrozenInput> {
    require_columns(input, table, &found.columns)?;
    Ok(FrozenInput::Table(found))
}

/// Returns `true` if this input's rows become the output's rows: the output names this input, or no input at all.
fn becomes_rows(output: &Output, input: &Input) -> bool {
    output
        .rows_of
        .as_ref()
        .is_none_or(|rows_of| *rows_of == input.name)
}

/// Checks that the table has each column that the job reads, with the expected type.
fn require_columns(input: &Input, table: &str, recorded: &Columns) -> Result<()> {
    let mut differences = Vec::new();
    for column in &input.contract.columns {
        let expected = type_name(&column.kind);
        match recorded
            .columns
            .iter()
            .find(|recorded| recorded.name == column.name)
        {
            None => differences.push(format!("column `{}` is missing", column.name)),
            Some(found) if found.kind != expected => {
                differences.push(format!(
                    "column `{}` has type {}, expected {expected}",
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
            "the columns of table `{table}` are not those that input `{}` expects: {}",
            input.name,
            differences.join("; ")
        ),
    )
    .hint("run the job that writes the table again if its contract has changed; otherwise correct the columns of the input in this job"))
}

/// Returns a store that contains exactly these objects, each in its frozen version.
///
/// # Errors
/// `Failed` for an object with an invalid key.
pub(crate) fn frozen_store(store: &Store, objects: &[FrozenObject]) -> Result<FrozenStore> {
    FrozenStore::new(store.reader(), objects.iter().cloned())
        .context(ErrorKind::Failed, "an input object has an invalid name")
}

/// Converts a frozen object to the `ObjectMeta` by which readers of files identify it.
///
/// # Errors
/// `Failed` for an object with an invalid key.
pub(crate) fn object_meta(object: &FrozenObject) -> Result<ObjectMeta> {
    let location = Path::parse(&object.key)
        .map_err(object_store::Error::from)
        .context(
            ErrorKind::Failed,
            format!("`{}` is not a valid object name", object.key),
        )?;
    Ok(ObjectMeta {
        location,
        last_modified: object.modified,
        size: object.size_bytes,
        e_tag: object.etag.clone(),
        version: None,
    })
}
