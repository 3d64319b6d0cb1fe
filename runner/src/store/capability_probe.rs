//! Checks that a store has the capabilities that a commit relies on: create-only puts and atomic renames.

use std::path::Path as FolderPath;

use bytes::Bytes;
use object_store::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::store::handle::Store;
use crate::store::location::Location;

/// Checks that a create-only put of an existing key is refused, because some stores accept it and overwrite the object.
///
/// `probe` is a key that no other process uses; it is deleted afterwards.
///
/// # Errors
/// `Failed` if the store ignores conditional puts, or the volume has no hard links; otherwise the kind of the store's
/// failure.
pub async fn require_conditional_put(store: &Store, probe: &Path) -> Result<()> {
    let body = Bytes::from_static(b"{}");
    // Two tries, because another process's clean-up may delete the object between the two puts.
    for _ in 0..2 {
        // A refusal of the first put means nothing: the client may have repeated a put that had already taken effect.
        store
            .put_new(probe, body.clone())
            .await
            .map_err(|error| first_write(store, error))?;
        let written_over = store.put_new(probe, body.clone()).await?;
        store.delete(vec![probe.clone()]).await?;
        if !written_over {
            return Ok(());
        }
    }
    let message = format!(
        "`{}` ignores conditional puts: two runs could commit the same record",
        store.location()
    );
    Err(Error::new(ErrorKind::Failed, message)
        .hint("use a store that honors `If-None-Match: *` (AWS S3, MinIO), or a folder"))
}

/// Adds a hint to the error of a run's first write, because an unwritable output folder fails there.
fn first_write(store: &Store, error: Error) -> Error {
    match store.location() {
        Location::Folder(_) if error.hint_text().is_none() => error.hint(
            "`--output` must be a writable folder on a volume that has free space and supports hard links",
        ),
        _ => error,
    }
}

/// Checks that two keys of a folder are on one volume, so that a rename from one to the other is atomic.
///
/// # Errors
/// `Failed` if the keys are on different volumes, or if a folder cannot be inspected.
pub fn require_one_volume(store: &Store, one: &Path, other: &Path) -> Result<()> {
    let Location::Folder(root) = store.location() else {
        return Ok(());
    };
    if volume(&root.join(one.as_ref()))? == volume(&root.join(other.as_ref()))? {
        return Ok(());
    }
    let message = format!(
        "`{one}` and `{other}` in `{}` are on different volumes",
        root.display()
    );
    Err(Error::new(ErrorKind::Failed, message)
        .hint("put both folders on one volume: a commit renames files from one to the other"))
}

/// Returns the number of the volume that holds a folder, or its nearest existing ancestor.
#[cfg(unix)]
fn volume(folder: &FolderPath) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;

    for folder in folder.ancestors() {
        match folder.metadata() {
            Ok(metadata) => return Ok(metadata.dev()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("cannot inspect `{}`", folder.display());
                return Err(Error::new(ErrorKind::Failed, message).caused_by(error));
            }
        }
    }
    Ok(0)
}

/// Returns the same number for every folder, because systems other than Unix need no check: their rename between
/// volumes fails before it replaces anything.
#[cfg(not(unix))]
fn volume(_folder: &FolderPath) -> Result<u64> {
    Ok(0)
}
