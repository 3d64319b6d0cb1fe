//! Which run took a part away from under its reader.

use object_store::path::Path;

use crate::commit::layout::Layout;
use crate::commit::log::{Log, read_records};
use crate::commit::record::{Output, Record, RunId};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{self, Store};

/// Names the run that replaced the part of a table over which a reader failed; any other failure stays as it is.
pub async fn name_replacer(store: &Store, error: Error) -> Error {
    let Some(replaced) = store::replaced(&error) else {
        return error;
    };
    let url = replaced.url;
    let root = store.location().url(&Path::default());
    // A raw object lies elsewhere: no log speaks of those.
    let Some(key) = url.strip_prefix(root.trim_end_matches('/')) else {
        return error;
    };
    let key = key.trim_start_matches('/');
    let fate = Fate::of(store, key).await;
    error
        .reworded(format!("`{url}` was {} after it was listed", fate.was))
        .hint(fate.way_out)
}

/// What became of a part that is not where the log said.
pub(crate) struct Fate {
    /// In the words that follow "was".
    pub was: String,
    /// What the reader can do.
    pub way_out: String,
}

impl Fate {
    pub async fn of(store: &Store, key: &str) -> Self {
        let again = "nothing was mixed; run the same command again: it starts from the new version";
        match replacer(store, key).await {
            Ok(Some((number, run))) => Self {
                was: format!("replaced by run `{run}` (record {number})"),
                way_out: again.to_owned(),
            },
            Ok(None) => Self {
                was: "changed or deleted by no run in the log,".to_owned(),
                way_out: format!(
                    "restore it from the bucket's versions, or write its table again: `drivetrain run {} --force`",
                    key.split('/').next().unwrap_or_default()
                ),
            },
            // The reader's failure is what counts; the log only says more about it.
            Err(_) => Self {
                was: "replaced or deleted".to_owned(),
                way_out: again.to_owned(),
            },
        }
    }
}

/// The live run that deletes a part; records are read from the last one back to the one that wrote it.
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
            Error::new(ErrorKind::Failed, format!("record {number} cannot be read"))
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
