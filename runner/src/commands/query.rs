//! `drivetrain query`: SQL over the published tables, read through the log.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;

use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use drivetrain_jobs::suggestion;
use futures::StreamExt;

use crate::cli::{QueryArgs, QueryFormat};
use crate::commit::{Log, name_replacer, read_table};
use crate::error::{Error, ErrorKind, Result};
use crate::logged_jobs::logged_jobs;
use crate::memory::MemoryLimit;
use crate::print::Rows;
use crate::read::parts_table;
use crate::settings::{Engine, processors};
use crate::sink::collect::query_error;
use crate::store::{Location, S3Settings, Store};
use crate::table_text::RowWriter;
use crate::workspace::Workspace;

/// A hint names no more tables than these: it is one line.
const MOST_LISTED: usize = 20;

/// Answers a query on standard output.
///
/// # Errors
/// `Usage` for SQL that is wrong or changes anything; `TryAgain` where a part was replaced while it was read.
pub async fn query(args: &QueryArgs, json: bool) -> Result<()> {
    let format = format_of(args.format, json, std::io::stdout().is_terminal())?;
    let location = Location::parse(&args.output)?;
    let store = Store::open(&location, &S3Settings::default()).await?;
    let engine = Engine {
        memory: MemoryLimit::resolve(args.memory_limit.as_deref())?,
        threads: processors(),
        spill_dir: std::env::temp_dir(),
    };
    let workspace = Workspace::new(&engine)?;
    let tables = register_all(&store, &workspace).await?;
    let rows = Rows::default();
    match answer(&workspace.context, &args.sql, format, rows.clone()).await {
        // Whoever has seen enough, such as `head`, wants no more of it.
        Err(_) if rows.reader_left() => Ok(()),
        Err(error) if error.kind() == ErrorKind::Usage => Err(tables.explain(error)),
        Err(error) => Err(name_replacer(&store, error).await),
        done => done,
    }
}

fn format_of(asked: Option<QueryFormat>, json: bool, to_terminal: bool) -> Result<QueryFormat> {
    match asked {
        Some(QueryFormat::Parquet) if to_terminal => Err(Error::new(
            ErrorKind::Usage,
            "a terminal cannot show `--format parquet`",
        )
        .hint("write it to a file: `drivetrain query .. --format parquet > rows.parquet`")),
        Some(format) => Ok(format),
        None if json => Ok(QueryFormat::Json),
        None if to_terminal => Ok(QueryFormat::Table),
        None => Ok(QueryFormat::Csv),
    }
}

/// Runs one query and writes its rows.
///
/// # Errors
/// As [`query`].
pub async fn answer<W: std::io::Write + Send>(
    context: &SessionContext,
    sql: &str,
    format: QueryFormat,
    out: W,
) -> Result<()> {
    let reads_only = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let frame = context
        .sql_with_options(sql, reads_only)
        .await
        .map_err(|error| {
            Error::new(ErrorKind::Usage, "the query cannot be planned").caused_by(error)
        })?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let mut writer = RowWriter::new(format, &schema, out)?;
    let mut rows = frame.execute_stream().await.map_err(query_error)?;
    while let Some(batch) = rows.next().await {
        writer.write(batch.map_err(query_error)?)?;
    }
    writer.finish()
}

/// Registers every published table as `job.table`, and by its name alone where no other job has one of that name.
///
/// # Errors
/// As the store says.
pub async fn register_all(store: &Store, workspace: &Workspace) -> Result<Tables> {
    let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for job in logged_jobs(store).await? {
        let log = Log::read(store, &job).await?;
        let names: Vec<String> = log.state().tables().map(|(name, _)| name.clone()).collect();
        for name in names {
            let table = read_table(store, &job, &name).await?;
            let provider = Arc::new(parts_table(
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
            // A second one makes the name alone ambiguous.
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
            format!("`{}` holds no published tables", store.location()),
        )
        .hint("name the `--output` of a run"));
    }
    Ok(Tables(by_name))
}

/// The tables that a query may name, each with the jobs that have one of that name.
#[derive(Debug)]
pub struct Tables(BTreeMap<String, Vec<String>>);

impl Tables {
    /// Says more of a query that cannot be planned: which tables there are, and which was meant.
    fn explain(&self, error: Error) -> Error {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        let wanted = cause
            .split_once("table 'datafusion.public.")
            .and_then(|(_, rest)| rest.split_once("' not found"))
            .map(|(name, _)| name.to_owned());
        let Some(wanted) = wanted else {
            return error.hint(self.list());
        };
        match self.0.get(&wanted) {
            Some(jobs) if jobs.len() > 1 => {
                let full: Vec<String> =
                    jobs.iter().map(|job| format!("`{job}.{wanted}`")).collect();
                let message = format!("`{wanted}` is ambiguous: {} jobs have it", jobs.len());
                Error::new(ErrorKind::Usage, message)
                    .hint(format!("write which one is meant: {}", full.join(", ")))
            }
            _ => match suggestion::nearest(&wanted, self.0.keys().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`? {}", self.list())),
                None => error.hint(self.list()),
            },
        }
    }

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
            0 => format!("the tables there are {shown}"),
            more => format!("the tables there are {shown} and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_a_table_and_never_bytes() {
        let format = |asked, json, to_terminal| format_of(asked, json, to_terminal).ok();
        assert_eq!(format(None, false, true), Some(QueryFormat::Table));
        assert_eq!(format(None, false, false), Some(QueryFormat::Csv));
        assert_eq!(format(None, true, true), Some(QueryFormat::Json));
        let parquet = Some(QueryFormat::Parquet);
        assert_eq!(format(parquet, false, true), None);
        assert_eq!(format(parquet, false, false), parquet);
    }
}
