//! The search for the run that replaced a part while it was read.
//!
//! The read itself fails in `store/frozen_store` with `Replaced`. This module then finds the replacing run in the log.

use object_store::path::Path;

use crate::commit::layout::Layout;
use crate::commit::log::{Log, read_records};
use crate::commit::record::{Output, Record, RunId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{self, Store};

/// Names the run in the error of a read that failed because a run had replaced the part. Returns any other error
/// unchanged.
pub async fn name_replacer(store: &Store, error: Error) -> Error {
    let Some(replaced) = store::replaced(&error) else {
        return error;
    };
    let url = replaced.url;
    let root = store.location().url(&Path::default());
    // A raw object is outside the output root, and no log lists it.
    let Some(key) = url.strip_prefix(root.trim_end_matches('/')) else {
        return error;
    };
    let key = key.trim_start_matches('/');
    let fate = Fate::of(store, key).await;
    error
        .reworded(format!("`{url}` was {} after it was listed", fate.was))
        .hint(fate.way_out)
}

/// The reason why a part is not in the store as the log lists it.
pub(crate) struct Fate {
    /// The event, as a phrase that follows "was" in a message.
    pub was: String,
    /// The hint of the error: what the user can do about the lost part.
    pub way_out: String,
}

impl Fate {
    /// Finds the reason in the log. If the log cannot be read, returns a general reason instead of an error.
    pub async fn of(store: &Store, key: &str) -> Self {
        let again =
            "run the same command again to read the new version; a result never mixes two versions";
        match replacer(store, key).await {
            Ok(Some((number, run))) => Self {
                was: format!("replaced by run `{run}` (record {number})"),
                way_out: again.to_owned(),
            },
            Ok(None) => Self {
                was: "changed or deleted outside Drivetrain".to_owned(),
                way_out: format!(
                    "restore the file from a backup or the bucket's versions, or write its table again: `drivetrain run {} --force`",
                    key.split('/').next().unwrap_or_default()
                ),
            },
            // The caller reports its own failure, to which the log only adds details.
            Err(_) => Self {
                was: "replaced or deleted".to_owned(),
                way_out: again.to_owned(),
            },
        }
    }
}

/// Returns the live run that deleted a part, and its record number. Reads the records backwards, from the last one to
/// the one that wrote the part.
async fn replacer(store: &Store, key: &str) -> Result<Option<(u64, RunId)>> {
    let Some((job, _)) = key.split_once('/') else {
        return Ok(None);
    };
    let layout = Layout::new(job);
    let log = Log::read_layout(store, &layout).await?;
    let mut later: Option<Record> = None;
    for number in (1..=log.last).rev() {
        let mut records = read_records(store, &layout, number..=number).await?;
        let record = records.pop().ok_or_else(|| {
            let message = format!("record {number} of the log cannot be read");
            Error::new(ErrorKind::Failed, message)
        })?;
        let voided = later.as_ref().is_some_and(|next| next.voids(number));
        if let (Some(run), false) = (record.as_run(), voided) {
            let deletes = |output: &Output| output.deletes.iter().any(|one| one == key);
            if run.outputs.iter().any(deletes) {
                return Ok(Some((number, run.run.clone())));
            }
            if run.parts().any(|part| part.key == key) {
                return Ok(None);
            }
        }
        later = Some(record);
    }
    Ok(None)
}
