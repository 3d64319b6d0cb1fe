//! What a store must be able to do before a run relies on it.

use std::path::Path as FolderPath;

use bytes::Bytes;
use object_store::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::store::handle::Store;
use crate::store::location::Location;

/// Makes sure that a create-only put of a key that exists is refused: some stores say yes and write over it.
///
/// `probe` is a key that nobody else uses; it is gone afterwards.
///
/// # Errors
/// `Failed` where the store ignores conditional puts, or the volume has no hard links; otherwise as [`crate::store::explain_error`] says.
pub async fn require_conditional_put(store: &Store, probe: &Path) -> Result<()> {
    let body = Bytes::from_static(b"{}");
    // Twice: somebody who cleans up may have come between the two puts.
    for _ in 0..2 {
        // That the first one is refused says nothing: it may have been sent again after it had landed.
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
        .hint("use a store that honours `If-None-Match: *` (AWS S3, MinIO), or a folder"))
}

/// The first write of a run is where an unwritable output shows.
fn first_write(store: &Store, error: Error) -> Error {
    match store.location() {
        Location::Folder(_) if error.hint_text().is_none() => error.hint(
            "the output must lie on a volume with hard links and free space, in a folder that may be written",
        ),
        _ => error,
    }
}

/// Makes sure that two keys of a folder lie on one volume, so that a rename from one to the other is atomic.
///
/// # Errors
/// `Failed` where they do not, or where a folder cannot be looked at.
pub fn require_one_volume(store: &Store, one: &Path, other: &Path) -> Result<()> {
    let Location::Folder(root) = store.location() else {
        return Ok(());
    };
    if volume(&root.join(one.as_ref()))? == volume(&root.join(other.as_ref()))? {
        return Ok(());
    }
    let message = format!(
        "`{one}` and `{other}` in `{}` lie on different volumes",
        root.display()
    );
    Err(Error::new(ErrorKind::Failed, message)
        .hint("a commit renames files from one to the other: put both on one volume"))
}

/// The number of the volume of a folder, or of what exists above it.
#[cfg(unix)]
fn volume(folder: &FolderPath) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;

    for folder in folder.ancestors() {
        match folder.metadata() {
            Ok(metadata) => return Ok(metadata.dev()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("cannot look at `{}`", folder.display());
                return Err(Error::new(ErrorKind::Failed, message).caused_by(error));
            }
        }
    }
    Ok(0)
}

/// Elsewhere a rename between volumes fails when it is tried, before anything is replaced.
#[cfg(not(unix))]
fn volume(_folder: &FolderPath) -> Result<u64> {
    Ok(0)
}
