//! `drivetrain register`: sets the tables of a job in a catalog to the live parts of the job's log.

use crate::catalog::{self, Registration};
use crate::cli::{RegisterArgs, catalog as catalog_of};
use crate::error::{Error, ErrorKind, Result};
use crate::job::job_folder::JobFolder;
use crate::report::{Registered, RegisteredTable, grouped};
use crate::store::{Location, S3Settings, Store};
use crate::terminal::printer::{Answer, ToText};

/// Registers the tables of a job.
///
/// # Errors
/// As [`catalog::register`]; `InputMissing` if no run of the job is in the log.
pub async fn register(args: &RegisterArgs) -> Result<Answer> {
    let catalog = catalog_of("--catalog", &args.catalog)?;
    let job = JobFolder::read(&args.job).await?.job().await?;
    let root = Location::parse(&args.output)?;
    let store = Store::open(&root, &S3Settings::default()).await?;
    let registration = Registration {
        job: &job,
        root: store.location(),
        schema_change: args.registration.schema_change.into(),
        adopts: args.registration.adopt,
    };
    let head = (&store, job.name.as_str());
    let registered = catalog::register(&registration, &head, &catalog).await?;
    if registered.record == 0 {
        let message = format!(
            "the job `{}` has no runs in `{}`",
            job.name,
            store.location()
        );
        return Err(Error::new(ErrorKind::InputMissing, message)
            .hint("pass the same `--output` as in `drivetrain run`"));
    }
    Ok(Answer::done(registered))
}

impl ToText for Registered {
    fn text(&self) -> String {
        let mut text = format!("record {} in {}\n", self.record, self.catalog);
        for table in &self.tables {
            let RegisteredTable {
                name,
                created,
                updated,
                deleted,
                foreign,
            } = table;
            let counts = [
                (*created, "created"),
                (*updated, "updated"),
                (*deleted, "deleted"),
                (foreign.len() as u64, "not ours, left alone"),
            ];
            let changed: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{} {what}", grouped(*count)))
                .collect();
            let partitions = match changed.as_slice() {
                [] => "no partition changed".to_owned(),
                changed => format!("partitions: {}", changed.join(", ")),
            };
            text += &format!("  {name:<22} {partitions}\n");
        }
        text
    }
}
