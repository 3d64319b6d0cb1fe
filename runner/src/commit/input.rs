//! Inputs of a run, frozen in the versions that they have when the run begins.

use std::collections::BTreeMap;

use chrono::DateTime;
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::commit::layout::Layout;
use crate::commit::log::Log;
use crate::commit::publish::{Settled, settle};
use crate::commit::record::{Part, RunId, path};
use crate::commit::replaced_part::Fate;
use crate::commit::table_columns::Columns;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{FrozenObject, Store};
use crate::watch::StopSignal;

/// A table that another job wrote, frozen as an input of a run.
#[derive(Clone, Debug)]
pub struct TableInput {
    /// The live run that changed the table last; never `None` for a table that a run has written.
    pub run: Option<RunId>,
    /// The table's columns and types, as its log records them.
    pub columns: Columns,
    /// The live parts in the versions that a listing showed; keys are relative to the store's root.
    pub objects: Vec<FrozenObject>,
    /// The log's entry for each part in `objects`, in the same order.
    pub parts: Vec<Part>,
}

/// Lists the objects below a prefix in key order; skips hidden names and folder markers.
///
/// # Errors
/// `InputMissing` if no object is left; otherwise the kind of the store's failure.
pub async fn list_input(store: &Store, prefix: &str) -> Result<Vec<FrozenObject>> {
    let root = path(prefix)?;
    let listed = store.list(&root).await?;
    let found = listed.len();
    let data = listed.into_iter().filter(|object| is_data(object, &root));
    let frozen = data.map(|object| freeze(store, object)).collect::<Vec<_>>();
    if frozen.is_empty() {
        let url = store.location().url(&root);
        let what = match found {
            0 => "no objects".to_owned(),
            found => format!("only hidden objects or folder markers ({found} in all)"),
        };
        let message = format!("`{url}/` holds {what}");
        return Err(Error::new(ErrorKind::InputMissing, message)
            .hint("check `--input`; a dataset's files belong in `<input>/raw/<dataset>/`, and names that begin with `_` or `.` are skipped"));
    }
    Ok(frozen)
}

/// Lists the data objects below a folder, in key order.
///
/// # Errors
/// The kind of the store's failure.
pub async fn list_data(store: &Store, folder: &Path) -> Result<Vec<ObjectMeta>> {
    let mut listed = store.list(folder).await?;
    listed.retain(|object| is_data(object, folder));
    Ok(listed)
}

/// Builds a frozen object with the version and size that a listing shows.
fn freeze(store: &Store, object: ObjectMeta) -> FrozenObject {
    FrozenObject {
        url: store.location().url(&object.location),
        key: object.location.to_string(),
        etag: object.e_tag,
        size_bytes: object.size,
        modified: object.last_modified,
    }
}

/// Finishes the last publish of a job's log if necessary, then returns the live parts that the log lists for a table.
///
/// # Errors
/// `InputMissing` if the job has not written the table; `TryAgain` if a part was just replaced; otherwise the kind of
/// the store's failure.
pub async fn read_table(store: &Store, job: &str, table: &str) -> Result<TableInput> {
    let layout = Layout::new(job);
    let log = published_log(store, job).await?;
    let Some(found) = log.state.table(table) else {
        let message = format!(
            "job `{job}` has not written table `{table}` in `{}`",
            store.location()
        );
        return Err(Error::new(ErrorKind::InputMissing, message).hint(format!(
            "first run job `{job}` with `--output {}`",
            store.location()
        )));
    };
    // The log decides which parts are live. Their versions come from a listing, which returns a thousand objects per
    // request.
    let mut versions = versions(store, &layout, table).await?;
    let mut objects = Vec::with_capacity(found.parts.len());
    for part in &found.parts {
        let object = versions.remove(&part.key);
        let Some(object) = object.filter(|object| object.size == part.size_bytes) else {
            let fate = Fate::of(store, &part.key).await;
            let message = format!("part `{}` of table `{table}` was {}", part.key, fate.was);
            return Err(Error::new(ErrorKind::TryAgain, message).hint(fate.way_out));
        };
        objects.push(freeze(store, object));
    }
    Ok(TableInput {
        run: found.run.clone(),
        columns: found.columns.clone(),
        objects,
        parts: found.parts.clone(),
    })
}

/// Reads a job's log, after finishing its last publish if necessary: the files of all live parts are then visible.
///
/// # Errors
/// `TryAgain` if the last publish cannot be finished now; otherwise the kind of the store's failure.
pub async fn published_log(store: &Store, job: &str) -> Result<Log> {
    let layout = Layout::new(job);
    loop {
        let log = Log::read_layout(store, &layout).await?;
        match log.last_record() {
            Some(record) if !log.marked => {
                if settle(store, &layout, record, &StopSignal::never()).await? == Settled::Published
                {
                    return Ok(log);
                }
            }
            _ => return Ok(log),
        }
    }
}

/// Lists the objects under a table's root and returns their metadata by key.
async fn versions(
    store: &Store,
    layout: &Layout,
    table: &str,
) -> Result<BTreeMap<String, ObjectMeta>> {
    let listed = store.list(&layout.table(table)).await?;
    let by_key = |object: ObjectMeta| (object.location.to_string(), object);
    Ok(listed.into_iter().map(by_key).collect())
}

/// Returns the live parts of a job's table for `drivetrain plan`: it neither finishes a publish nor reads a part.
///
/// A part that is not published yet has no ETag. Returns `None` if the job has not written the table.
///
/// # Errors
/// The kind of the store's failure.
pub async fn foresee_table(store: &Store, job: &str, table: &str) -> Result<Option<TableInput>> {
    let layout = Layout::new(job);
    let log = Log::read_layout(store, &layout).await?;
    let Some(found) = log.state.table(table) else {
        return Ok(None);
    };
    let mut versions = versions(store, &layout, table).await?;
    let object = |part: &Part| {
        if let Some(object) = versions.remove(&part.key) {
            return Ok(freeze(store, object));
        }
        Ok(FrozenObject {
            url: store.location().url(&part.path()?),
            key: part.key.clone(),
            etag: None,
            size_bytes: part.size_bytes,
            modified: DateTime::UNIX_EPOCH,
        })
    };
    Ok(Some(TableInput {
        run: found.run.clone(),
        columns: found.columns.clone(),
        objects: found.parts.iter().map(object).collect::<Result<_>>()?,
        parts: found.parts.clone(),
    }))
}

/// Returns `true` if a listed object is data: no hidden name in its path below the root, and not a folder marker.
pub(super) fn is_data(object: &ObjectMeta, root: &Path) -> bool {
    let Some(mut below) = object.location.prefix_match(root) else {
        return false;
    };
    let hidden = below.any(|part| part.as_ref().starts_with(['_', '.']));
    !hidden && !is_marker(object, root)
}

/// Returns `true` for the empty object that the command "create folder" of an S3 console creates. A listing omits the
/// slash at the end of its name.
fn is_marker(object: &ObjectMeta, root: &Path) -> bool {
    let name = object.location.filename().unwrap_or_default();
    let folder = object.location == *root || !name.contains('.') || name.contains('=');
    object.size == 0 && folder
}
