//! What is already at the place where a sample is to be written.

use object_store::path::Path;

use crate::error::{Context, ErrorKind, Result};
use crate::generate::sample_manifest::{Account, FileAccount};
use crate::store::Store;

/// The folder of the raw datasets below the output root.
const RAW: &str = "raw";

/// The folder where a file system keeps files that are not visible yet; readers skip names that begin with a dot.
const STAGING: &str = ".raw-half-made";

/// The object that makes a sample complete; readers skip names that begin with `_`.
const MANIFEST: &str = "_generated.json";

/// The object that lists the files of a sample while they become visible; its content is the manifest's.
const ANNOUNCEMENT: &str = "_generating.json";

/// The content of a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Existing {
    /// No data, or only files of a sample whose publish was interrupted.
    Free,
    /// A complete sample and its account.
    Sample(Box<Account>),
    /// Data that this version of the generator did not write: the URL of one of its objects.
    OtherData(String),
}

impl Existing {
    /// Looks below the store's root for a sample or for other raw data.
    ///
    /// # Errors
    /// As the store says; `Conflict` if the list of an interrupted publish cannot be understood.
    pub async fn find(store: &Store) -> Result<Self> {
        let url = |key| store.location().url(&key);
        if let Some(text) = store.read(&manifest_key()).await? {
            let account = serde_json::from_slice(&text);
            return Ok(account.map_or_else(|_| Self::OtherData(url(manifest_key())), Self::Sample));
        }
        let mut known = announced_files(store).await?;
        // A folder that a console made lists as an empty object at the folder's own key.
        known.extend([announcement_key(), Path::from(RAW)]);
        let listed = store.list(&Path::from(RAW)).await?.into_iter();
        let mut keys = listed.map(|object| object.location);
        let other = keys.find(|key| !known.contains(key));
        Ok(other.map_or(Self::Free, |key| Self::OtherData(url(key))))
    }
}

/// Removes what an interrupted generator left; the caller holds the store's lock.
///
/// # Errors
/// As [`Existing::find`].
pub async fn remove_incomplete(store: &Store) -> Result<()> {
    if store.objects().lists_staging() {
        let staged = store.list(&Path::from(STAGING)).await?.into_iter();
        store
            .delete(staged.map(|object| object.location).collect())
            .await?;
    }
    store.delete(announced_files(store).await?).await?;
    // Last: without it, files that are still there would count as other data.
    store.delete(vec![announcement_key()]).await
}

/// Returns the files of a publish that is under way or was interrupted.
async fn announced_files(store: &Store) -> Result<Vec<Path>> {
    let Some(text) = store.read(&announcement_key()).await? else {
        return Ok(Vec::new());
    };
    let url = store.location().url(&announcement_key());
    let account: Account = serde_json::from_slice(&text)
        .context(ErrorKind::Conflict, format!("cannot understand `{url}`"))?;
    Ok(account.files().map(|file| file_key(&file.name)).collect())
}

/// Returns a file of a sample that is missing or does not have its recorded size.
///
/// # Errors
/// As the store says.
pub async fn first_damaged<'a>(
    account: &'a Account,
    store: &Store,
) -> Result<Option<&'a FileAccount>> {
    for file in account.files() {
        let found = store.look(&file_key(&file.name)).await?;
        if found.is_none_or(|object| object.size != file.bytes) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The key of a file, `<dataset>/<name>`.
pub fn file_key(name: &str) -> Path {
    name.split('/').fold(Path::from(RAW), Path::join)
}

/// The key at which a file system keeps that file until it becomes visible.
pub fn staging_key(name: &str) -> Path {
    name.split('/').fold(Path::from(STAGING), Path::join)
}

pub fn manifest_key() -> Path {
    file_key(MANIFEST)
}

pub fn announcement_key() -> Path {
    file_key(ANNOUNCEMENT)
}
