//! Sets a catalog to the live parts of a job's log.

use std::collections::BTreeMap;

use async_trait::async_trait;
use drivetrain_jobs::job::{Job, Output};

use crate::catalog::definition::{JOB, RECORD, Wanted, wanted};
use crate::catalog::port::{Catalog, Written};
use crate::catalog::shapes::{CatalogColumn, CatalogPartition, CatalogTable, StoredTable};
use crate::commit::{State, published_log};
use crate::error::{Error, ErrorKind, Result};
use crate::report::{Registered, RegisteredTable};
use crate::store::{Location, Store};

/// The largest number of rounds. Each round but the last finds that another process has changed the log or the table.
const MOST_ROUNDS: usize = 20;

/// Port to the head of a job's log.
#[async_trait]
pub trait Head: Send + Sync {
    /// Returns the number of the last record, and the live state after it.
    ///
    /// # Errors
    /// The kind of the store's failure.
    async fn read(&self) -> Result<(u64, State)>;
}

/// The head of the log in a store. Its record is published first, so that the catalog never shows files that are not
/// there yet.
#[async_trait]
impl Head for (&Store, &str) {
    async fn read(&self) -> Result<(u64, State)> {
        let (store, job) = self;
        let log = published_log(store, job).await?;
        Ok((log.last(), log.state().clone()))
    }
}

/// What to do if the columns of a table have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaChange {
    /// The registration fails.
    #[default]
    Fail,
    /// New columns are added to the table and to its partitions; a column whose type has changed still fails.
    Add,
}

/// The tables to register, and how.
pub struct Registration<'a> {
    /// The job that writes the tables.
    pub job: &'a Job,
    /// The output root of the job.
    pub root: &'a Location,
    /// What to do if the columns of a table have changed.
    pub schema_change: SchemaChange,
    /// Whether to take over a table at our location that another tool, such as a crawler, has made.
    pub adopts: bool,
}

/// Sets the tables of a job in a catalog to the live parts of the job's log, and goes on until the log has not moved
/// meanwhile.
///
/// # Errors
/// `Conflict` for a table that is not ours, or that shows a record that the log does not have; `Usage` for columns that have changed against the policy; `TryAgain` if other
/// processes change the log or the catalog all the time; otherwise the kind of the catalog's or the store's failure.
pub async fn register(
    registration: &Registration<'_>,
    head: &dyn Head,
    catalog: &dyn Catalog,
) -> Result<Registered> {
    let mut registered = Registered {
        catalog: catalog.place(),
        ..Registered::default()
    };
    let outputs = &registration.job.outputs;
    registered.tables = outputs
        .iter()
        .map(|output| RegisteredTable {
            name: output.name.clone(),
            ..RegisteredTable::default()
        })
        .collect();
    let mut at = head.read().await?;
    for _ in 0..MOST_ROUNDS {
        let (number, state) = &at;
        let (mut is_stale, mut ahead) = (false, None);
        for (output, done) in outputs.iter().zip(&mut registered.tables) {
            if state.table(&output.name).is_none() {
                // A table that no run has written has no columns in the log, and may be renamed before its first run.
                continue;
            }
            let wanted = wanted(
                &registration.job.name,
                output,
                registration.root,
                *number,
                state,
            );
            match set(registration, output, wanted, catalog, done).await? {
                Round::Done => {}
                Round::Stale => is_stale = true,
                Round::Ahead(number) => ahead = Some((&output.name, number)),
            }
        }
        let now = head.read().await?;
        if now.0 == *number {
            if let Some((table, shown)) = ahead {
                return Err(log_is_behind(table, shown, *number, catalog));
            }
            if !is_stale {
                registered.record = *number;
                return Ok(registered);
            }
        }
        at = now;
    }
    let message = format!(
        "job `{}` could not be registered in `{}`: other processes change its log or its tables all the time",
        registration.job.name,
        catalog.place()
    );
    Err(Error::new(ErrorKind::TryAgain, message)
        .hint("register again with `drivetrain register` once they have ended"))
}

/// The result of one round for one table.
enum Round {
    /// The table shows the record.
    Done,
    /// Another process has changed the table meanwhile.
    Stale,
    /// The table shows this later record already.
    Ahead(u64),
}

/// Returns the error of a table that shows a record that the log does not have.
fn log_is_behind(table: &str, shown: u64, last: u64, catalog: &dyn Catalog) -> Error {
    let message = format!(
        "table `{table}` of `{}` shows record {shown}, but the log ends at record {last}",
        catalog.place()
    );
    Error::new(ErrorKind::Conflict, message).hint(
        "restore the log if records are lost; if this is another log, delete the table from the catalog and register again",
    )
}

/// Makes one round for one table: creates or reads it, applies the difference of the partitions, then writes the record's
/// number into it. A table that shows a later record stays as it is.
async fn set(
    registration: &Registration<'_>,
    output: &Output,
    mut wanted: Wanted,
    catalog: &dyn Catalog,
    done: &mut RegisteredTable,
) -> Result<Round> {
    let mut found = catalog.table(&output.name).await?;
    if found.is_none() {
        // The number follows once the partitions are there.
        let mut begun = wanted.table.clone();
        begun.parameters.insert(RECORD.to_owned(), "0".to_owned());
        if catalog.create_table(&begun).await? == Written::Done {
            found = catalog.table(&output.name).await?;
        }
    }
    let Some(found) = found else {
        return Ok(Round::Stale);
    };
    require_ours(registration, &found, &wanted.table, catalog)?;
    let number = |table: &CatalogTable| -> u64 {
        let number = table.parameters.get(RECORD);
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let shown = number(&found.table);
    if shown > number(&wanted.table) {
        return Ok(Round::Ahead(shown));
    }
    agree_on_columns(registration, &found, &mut wanted, catalog)?;
    let partitions = catalog.partitions(&output.name).await?;
    let difference = Difference::between(&registration.job.name, partitions, &wanted);
    let Difference {
        created,
        updated,
        deleted,
        foreign,
    } = difference;
    done.foreign = foreign;
    if !created.is_empty() {
        catalog.create_partitions(&output.name, &created).await?;
        done.created += created.len() as u64;
    }
    if !updated.is_empty() {
        catalog.update_partitions(&output.name, &updated).await?;
        done.updated += updated.len() as u64;
    }
    if !deleted.is_empty() {
        catalog.delete_partitions(&output.name, &deleted).await?;
        done.deleted += deleted.len() as u64;
    }
    let mut described = wanted.table;
    let parameters = std::mem::take(&mut described.parameters);
    described.parameters.clone_from(&found.table.parameters);
    described.parameters.extend(parameters);
    if found.table == described {
        return Ok(Round::Done);
    }
    Ok(
        match catalog.update_table(&described, &found.version_id).await? {
            Written::Done => Round::Done,
            Written::Stale => Round::Stale,
        },
    )
}

/// Checks that a table is one of this job at this location, or may be taken over.
fn require_ours(
    registration: &Registration<'_>,
    found: &StoredTable,
    wanted: &CatalogTable,
    catalog: &dyn Catalog,
) -> Result<()> {
    let location = |table: &CatalogTable| {
        let location = &table.storage_descriptor.location;
        location.trim_end_matches('/').to_owned()
    };
    let (theirs, ours) = (location(&found.table), location(wanted));
    let is_marked = found.table.parameters.get(JOB) == Some(&registration.job.name);
    if theirs == ours && (is_marked || registration.adopts) {
        return Ok(());
    }
    let place = catalog.place();
    let name = &wanted.name;
    let conflict = |message: String| Error::new(ErrorKind::Conflict, message);
    if theirs != ours {
        return Err(conflict(format!(
            "table `{name}` of `{place}` is at `{theirs}`, not at `{ours}`"
        ))
        .hint("register in another database, or delete that table if nobody needs it"));
    }
    Err(conflict(format!(
        "table `{name}` of `{place}` is at our location, but was not made by `drivetrain register`"
    ))
    .hint(
        "pass `--adopt` to take the table over, for example from a crawler, which must then stop",
    ))
}

/// Compares the columns of a table with those that it should have, and keeps the ones that it has in its order.
fn agree_on_columns(
    registration: &Registration<'_>,
    found: &StoredTable,
    wanted: &mut Wanted,
    catalog: &dyn Catalog,
) -> Result<()> {
    let name = &wanted.table.name;
    let differs = |what: String| {
        let message = format!(
            "the columns of table `{name}` of `{}` have changed: {what}",
            catalog.place()
        );
        Error::new(ErrorKind::Usage, message)
    };
    let rename = "types and partition columns never change in place: give the output another name, and drop the old table once nobody reads it";
    let kinds = |columns: &[CatalogColumn]| -> Vec<(String, String)> {
        let pairs = columns.iter();
        pairs
            .map(|column| (column.name.clone(), column.kind.clone()))
            .collect()
    };
    let keys = kinds(&wanted.table.partition_keys);
    if kinds(&found.table.partition_keys) != keys {
        return Err(differs("it is partitioned by other columns".to_owned()).hint(rename));
    }
    let old = &found.table.storage_descriptor.columns;
    let new = &wanted.table.storage_descriptor.columns;
    for column in new {
        let before = old.iter().find(|before| before.name == column.name);
        if let Some(before) = before.filter(|before| before.kind != column.kind) {
            let what = format!(
                "`{}` was `{}` and is `{}`",
                column.name, before.kind, column.kind
            );
            return Err(differs(what).hint(rename));
        }
    }
    let is_new = |column: &&CatalogColumn| !old.iter().any(|before| before.name == column.name);
    let added: Vec<&CatalogColumn> = new.iter().filter(is_new).collect();
    let is_gone = |column: &&CatalogColumn| !new.iter().any(|now| now.name == column.name);
    let gone: Vec<&CatalogColumn> = old.iter().filter(is_gone).collect();
    if let (SchemaChange::Fail, Some(column)) =
        (registration.schema_change, added.iter().chain(&gone).next())
    {
        let how = if gone.contains(column) { "gone" } else { "new" };
        let what = format!("`{}` is {how}", column.name);
        return Err(differs(what).hint("pass `--schema-change add` to add new columns, and to keep those that are gone as NULL"));
    }
    // Readers match the columns of Parquet files by name, and the table keeps its order.
    let described = |before: &CatalogColumn| {
        let now = new.iter().find(|now| now.name == before.name);
        now.unwrap_or(before).clone()
    };
    let columns: Vec<CatalogColumn> = old
        .iter()
        .map(described)
        .chain(added.into_iter().cloned())
        .collect();
    wanted.table.storage_descriptor.columns.clone_from(&columns);
    for partition in wanted.partitions.values_mut() {
        partition.storage_descriptor.columns.clone_from(&columns);
    }
    Ok(())
}

/// The difference between the partitions that a table has and those that it should have.
#[derive(Debug, Default)]
struct Difference {
    /// Partitions that are missing.
    created: Vec<CatalogPartition>,
    /// Our partitions whose description is another one.
    updated: Vec<CatalogPartition>,
    /// The values of our partitions that have no live part.
    deleted: Vec<Vec<String>>,
    /// The values of partitions of others, which stay as they are.
    foreign: Vec<Vec<String>>,
}

impl Difference {
    /// Compares the partitions of a table with those that it should have.
    fn between(job: &str, found: Vec<CatalogPartition>, wanted: &Wanted) -> Self {
        let mut difference = Self::default();
        let mut missing: BTreeMap<&Vec<String>, &CatalogPartition> =
            wanted.partitions.iter().collect();
        let root = &wanted.table.storage_descriptor.location;
        for partition in found {
            let should = missing.remove(&partition.values);
            let is_marked = partition
                .parameters
                .get(JOB)
                .is_some_and(|name| name == job);
            let is_ours = is_marked && partition.storage_descriptor.location.starts_with(root);
            let location = &partition.storage_descriptor.location;
            match should {
                Some(should) if is_up_to_date(&partition, should) => {}
                Some(should) if is_ours || *location == should.storage_descriptor.location => {
                    difference.updated.push(merged(&partition, should));
                }
                None if is_ours => difference.deleted.push(partition.values),
                _ => difference.foreign.push(partition.values),
            }
        }
        difference.created = missing.into_values().cloned().collect();
        difference
    }
}

/// Returns `true` if a partition has all that it should have; parameters of others do not matter.
fn is_up_to_date(found: &CatalogPartition, should: &CatalogPartition) -> bool {
    let mut ours = should.parameters.iter();
    found.storage_descriptor == should.storage_descriptor
        && ours.all(|(name, value)| found.parameters.get(name) == Some(value))
}

/// Returns a partition as it should be, with the parameters of others.
fn merged(found: &CatalogPartition, should: &CatalogPartition) -> CatalogPartition {
    let mut merged = should.clone();
    merged.parameters.clone_from(&found.parameters);
    merged.parameters.extend(should.parameters.clone());
    merged
}
