//! Finds the data that already exists at the destination of a sample, and names the objects of a sample.

use object_store::path::Path;

use crate::error::{Context, ErrorKind, Result};
use crate::generate::sample_manifest::{FileManifest, SampleManifest};
use crate::store::{RAW, Store, sample_announcement_key, sample_manifest_key};

/// The folder in which a file system keeps the files of a sample until they are completed; readers skip names that begin with a dot.
const STAGING: &str = ".raw-half-made";

/// The hint of every error that unusable raw data at the destination causes.
pub const REMEDY: &str = "choose another folder, or delete the existing folder `raw` first";

/// The data at the destination of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum ExistingData {
    /// No data, or only the leftovers of an interrupted generator.
    Nothing,
    /// A complete sample.
    Sample(Box<SampleManifest>),
    /// Data that this version of the generator did not write; the field is the URL of one of the objects.
    Other(String),
}

impl ExistingData {
    /// Looks for a sample or other raw data below the store's root.
    ///
    /// # Errors
    /// `Conflict` if the announcement of an interrupted publish cannot be parsed; otherwise the kind of the store's
    /// error.
    pub async fn find(store: &Store) -> Result<Self> {
        let url = |key| store.location().url(&key);
        if let Some(text) = store.read(&sample_manifest_key()).await? {
            let manifest = serde_json::from_slice(&text);
            let other = |_| Self::Other(url(sample_manifest_key()));
            return Ok(manifest.map_or_else(other, Self::Sample));
        }
        let mut known = announced_files(store).await?;
        known.push(sample_announcement_key());
        let other = raw_keys(store).await?.find(|key| !known.contains(key));
        Ok(other.map_or(Self::Nothing, |key| Self::Other(url(key))))
    }
}

/// Lists the keys of all objects in the folder of raw data, the hidden ones included.
///
/// # Errors
/// The kind of the store's error.
pub async fn raw_keys(store: &Store) -> Result<impl Iterator<Item = Path>> {
    let raw = Path::from(RAW);
    let listed = store.list(&raw).await?.into_iter();
    // A folder that was created in the S3 console lists as an empty object at its own key.
    let keys = listed.map(|object| object.location);
    Ok(keys.filter(move |key| *key != raw))
}

/// Removes the leftovers of an interrupted generator; the caller must have locked the store.
///
/// # Errors
/// As [`ExistingData::find`].
pub async fn remove_incomplete(store: &Store) -> Result<()> {
    if store.objects().lists_staging() {
        let staged = store.list(&Path::from(STAGING)).await?.into_iter();
        let keys = staged.map(|object| object.location).collect();
        store.delete(keys).await?;
    }
    store.delete(announced_files(store).await?).await?;
    // Last, because without the announcement the files would count as other data.
    store.delete(vec![sample_announcement_key()]).await
}

/// Returns the files that the announcement of an interrupted publish lists; none if there is no announcement.
async fn announced_files(store: &Store) -> Result<Vec<Path>> {
    let announcement = sample_announcement_key();
    let Some(text) = store.read(&announcement).await? else {
        return Ok(Vec::new());
    };
    let url = store.location().url(&announcement);
    let parsed: Result<SampleManifest> = serde_json::from_slice(&text).context(
        ErrorKind::Conflict,
        format!("cannot parse `{url}`, which an interrupted `generate` left behind"),
    );
    let manifest = parsed.map_err(|error| error.hint(REMEDY))?;
    Ok(manifest.files().map(|file| file_key(&file.name)).collect())
}

/// Returns the first file of a sample that is missing or does not have its recorded size.
///
/// # Errors
/// The kind of the store's error.
pub async fn first_damaged<'a>(
    manifest: &'a SampleManifest,
    store: &Store,
) -> Result<Option<&'a FileManifest>> {
    for file in manifest.files() {
        let found = store.look(&file_key(&file.name)).await?;
        if found.is_none_or(|object| object.size != file.bytes) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Returns the object key of the file `<dataset>/<name>`.
pub fn file_key(name: &str) -> Path {
    name.split('/').fold(Path::from(RAW), Path::join)
}

/// Returns the object key under which a file system keeps the file `<dataset>/<name>` until it is completed.
pub fn staging_key(name: &str) -> Path {
    name.split('/').fold(Path::from(STAGING), Path::join)
}
