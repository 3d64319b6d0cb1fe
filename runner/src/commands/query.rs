//! `drivetrain query`: runs SQL on the published tables, whose live parts the log lists.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;

use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use drivetrain_jobs::suggestion;
use futures::StreamExt;

use crate::catalog::Catalog;
use crate::cli::{QueryArgs, catalog};
use crate::commit::{Log, jobs_with_log, name_replacer, read_table};
use crate::error::{Error, ErrorKind, Result};
use crate::run::catalog_table::FoldersTable;
use crate::run::published_table::published_table;
use crate::sql::query_error;
use crate::sql::workspace::Workspace;
use crate::store::{Location, S3Settings, Store};
use crate::terminal::print::RowOutput;
use crate::terminal::printer::{Answer, Printer};
use crate::terminal::row_writer::{RowFormat, RowWriter};

/// The most tables that a hint lists, because a hint is one line.
const MOST_LISTED: usize = 20;

/// Prints the rows of a query on standard output.
///
/// # Errors
/// `Usage` for SQL that is invalid or would change data; `TryAgain` if a part was replaced while the query read it.
pub async fn query(args: &QueryArgs, printer: Printer) -> Result<Answer> {
    let asked = args.format.map(RowFormat::from);
    let to_terminal = std::io::stdout().is_terminal();
    let format = require_printable(
        asked.unwrap_or_else(|| printer.rows(to_terminal)),
        to_terminal,
    )?;
    let workspace = Workspace::new(&args.settings()?)?;
    let (tables, store) = match (&args.catalog, &args.output) {
        (Some(place), _) => (register_catalog(place, &workspace).await?, None),
        (None, output) => {
            let location = Location::parse(output.as_deref().unwrap_or_default())?;
            let store = Store::open(&location, &S3Settings::default()).await?;
            (register_all(&store, &workspace).await?, Some(store))
        }
    };
    let rows = RowOutput::default();
    match answer(&workspace.context, &args.sql, format, rows.clone()).await {
        // A reader that closes the pipe, such as `head`, has enough rows: this is not an error.
        Err(_) if rows.reader_left() => Ok(Answer::printed()),
        Err(error) if error.kind() == ErrorKind::Usage => {
            let missing = missing_table(&workspace.context, &args.sql);
            Err(tables.explain(error, missing))
        }
        Err(error) => match store {
            Some(store) => Err(name_replacer(&store, error).await),
            None => Err(error),
        },
        Ok(()) => Ok(Answer::printed()),
    }
}

/// Returns the format of the rows, if it can be printed where standard output leads.
///
/// # Errors
/// `Usage` for Parquet on a terminal.
fn require_printable(format: RowFormat, to_terminal: bool) -> Result<RowFormat> {
    match format {
        RowFormat::Parquet if to_terminal => Err(Error::new(
            ErrorKind::Usage,
            "`--format parquet` cannot be printed on a terminal",
        )
        .hint(
            "redirect the output to a file: `drivetrain query .. --format parquet > rows.parquet`",
        )),
        format => Ok(format),
    }
}

/// Runs one query and writes its rows to `out`.
///
/// # Errors
/// As [`query`].
pub async fn answer<W: std::io::Write + Send>(
    context: &SessionContext,
    sql: &str,
    format: RowFormat,
    out: W,
) -> Result<()> {
    let reads_only = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let frame = context
        .sql_with_options(sql, reads_only)
        .await
        .map_err(|error| Error::new(ErrorKind::Usage, "cannot plan the query").caused_by(error))?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let mut writer = RowWriter::new(format, &schema, out)?;
    let mut rows = frame.execute_stream().await.map_err(query_error)?;
    while let Some(batch) = rows.next().await {
        writer.write(batch.map_err(query_error)?)?;
    }
    writer.finish()
}

/// Returns a query's first table name that has no schema and is not registered; `None` if there is none.
fn missing_table(context: &SessionContext, sql: &str) -> Option<String> {
    let state = context.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).ok()?;
    let named = state.resolve_table_references(&statement).ok()?;
    named
        .into_iter()
        .filter(|table| table.schema().is_none())
        .find(|table| !context.table_exist(table.clone()).unwrap_or(true))
        .map(|table| table.table().to_owned())
}

/// Registers every published table as `job.table`, and also as `table` if no other job has a table of this name.
///
/// # Errors
/// `InputMissing` if the store has no published table; otherwise the kind of the store's error.
pub async fn register_all(store: &Store, workspace: &Workspace) -> Result<Tables> {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for job in jobs_with_log(store).await? {
        let log = Log::read(store, &job).await?;
        let names: Vec<String> = log.state().tables().map(|(name, _)| name.clone()).collect();
        for name in names {
            let table = read_table(store, &job, &name).await?;
            let provider = Arc::new(published_table(
                &format!("{job}-{name}"),
                None,
                &table,
                store,
                workspace,
            )?);
            let schema = workspace.context.catalog("datafusion").and_then(|catalog| {
                if catalog.schema(&job).is_none() {
                    let empty = Arc::new(datafusion::catalog::MemorySchemaProvider::new());
                    catalog.register_schema(&job, empty).ok()?;
                }
                catalog.schema(&job)
            });
            if let Some(schema) = schema {
                schema
                    .register_table(name.clone(), provider.clone())
                    .map_err(query_error)?;
            }
            let jobs = by_name.entry(name.clone()).or_default();
            jobs.push(job.clone());
            // If a second job has a table of this name, the name alone is ambiguous.
            if jobs.len() == 1 {
                workspace
                    .context
                    .register_table(&name, provider)
                    .map_err(query_error)?;
            } else {
                workspace
                    .context
                    .deregister_table(&name)
                    .map_err(query_error)?;
            }
        }
    }
    if by_name.is_empty() {
        return Err(Error::new(
            ErrorKind::InputMissing,
            format!("`{}` has no published tables", store.location()),
        )
        .hint("pass the same `--output` as in `drivetrain run`"));
    }
    Ok(Tables(by_name))
}

/// Registers every table of a catalog by its name.
///
/// # Errors
/// `InputMissing` if the catalog has no table; otherwise as [`FoldersTable::open`].
async fn register_catalog(place: &str, workspace: &Workspace) -> Result<Tables> {
    let catalog = catalog("--catalog", place)?;
    let mut by_name = BTreeMap::new();
    for name in catalog.tables().await? {
        let Some(found) = catalog.table(&name).await? else {
            continue;
        };
        let partitions = catalog.partitions(&name).await?;
        let table = FoldersTable::open(&found.table, &partitions, workspace).await?;
        workspace
            .context
            .register_table(&name, Arc::new(table))
            .map_err(query_error)?;
        by_name.insert(name, vec![place.to_owned()]);
    }
    if by_name.is_empty() {
        let message = format!("the catalog `{}` has no tables", catalog.place());
        return Err(Error::new(ErrorKind::InputMissing, message)
            .hint("register some with `drivetrain register` or `drivetrain run --register`"));
    }
    Ok(Tables(by_name))
}

/// The tables that a query may use: for each table name, the jobs that have published a table of this name.
#[derive(Debug)]
pub struct Tables(BTreeMap<String, Vec<String>>);

impl Tables {
    /// Adds a hint to the error of a query: the available tables, and the one that the user probably meant.
    fn explain(&self, error: Error, missing: Option<String>) -> Error {
        let Some(missing) = missing else {
            return error.hint(self.list());
        };
        match self.0.get(&missing) {
            Some(jobs) if jobs.len() > 1 => {
                let full: Vec<String> = jobs
                    .iter()
                    .map(|job| format!("`{job}.{missing}`"))
                    .collect();
                let message = format!(
                    "`{missing}` is ambiguous: {} jobs have a table of this name",
                    jobs.len()
                );
                Error::new(ErrorKind::Usage, message)
                    .hint(format!("use one of {}", full.join(", ")))
            }
            _ => match suggestion::nearest(&missing, self.0.keys().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`? {}", self.list())),
                None => error.hint(self.list()),
            },
        }
    }

    /// Returns a hint that lists the tables; a name that several jobs share is written as `job.table`.
    fn list(&self) -> String {
        let names = self.0.iter().flat_map(|(table, jobs)| {
            let is_shared = jobs.len() > 1;
            jobs.iter().map(move |job| {
                if is_shared {
                    format!("`{job}.{table}`")
                } else {
                    format!("`{table}`")
                }
            })
        });
        let names: Vec<String> = names.collect();
        let more = names.len().saturating_sub(MOST_LISTED);
        let shown = names[..names.len() - more].join(", ");
        match more {
            0 => format!("the available tables are {shown}"),
            more => format!("the available tables are {shown} and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_a_table_and_never_bytes() {
        use crate::terminal::printer::AnswerFormat;

        assert_eq!(AnswerFormat::Text.rows(true), RowFormat::Table);
        assert_eq!(AnswerFormat::Text.rows(false), RowFormat::Csv);
        assert_eq!(AnswerFormat::Json.rows(true), RowFormat::Json);
        let parquet = RowFormat::Parquet;
        assert!(require_printable(parquet, true).is_err());
        assert_eq!(require_printable(parquet, false).ok(), Some(parquet));
    }
}
