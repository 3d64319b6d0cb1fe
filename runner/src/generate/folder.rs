//! A folder of the file system as the target: written beside, renamed at the end.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::target::{Found, MARKER, RAW, Target, busy, read_marker};
use crate::error::{Context, ErrorKind, Result};

/// Where the files lie until they are whole; readers skip names that begin with a dot.
const STAGING: &str = ".raw-half-made";

/// The file that a generator at work holds locked.
const LOCK: &str = ".lock";

/// Writes to `<root>/raw/`, by way of a hidden folder beside it.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    lock: Option<File>,
    file: Option<Arc<File>>,
}

impl Folder {
    /// The folder of that path; it need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            lock: None,
            file: None,
        }
    }

    fn raw(&self) -> PathBuf {
        self.root.join(RAW)
    }

    fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    /// Syncs the file in hand, so that a rename never shows a file whose bytes a power cut would lose.
    async fn close(&mut self) -> Result<()> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let staging = self.staging();
        blocking(move || file.sync_all())
            .await
            .context(ErrorKind::Failed, cannot("sync a file in", &staging))
    }
}

#[async_trait]
impl Target for Folder {
    async fn found(&mut self) -> Result<Found> {
        let (raw, staging) = (self.raw(), self.staging());
        let message = cannot("read", &raw);
        blocking(move || look(&raw, &staging))
            .await
            .context(ErrorKind::Failed, message)
    }

    async fn start(&mut self) -> Result<()> {
        let staging = self.staging();
        let message = cannot("write", &staging);
        let lock = blocking(move || make_staging(&staging))
            .await
            .context(ErrorKind::Failed, message)?;
        self.lock = Some(lock.ok_or_else(|| busy(&self.root.display().to_string()))?);
        Ok(())
    }

    async fn create(&mut self, name: &str) -> Result<()> {
        self.close().await?;
        let path = self.staging().join(name);
        let message = cannot("create", &path);
        let file = blocking(move || {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            File::create_new(&path)
        })
        .await
        .context(ErrorKind::Failed, message)?;
        self.file = Some(Arc::new(file));
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let file = self
            .file
            .clone()
            .expect("a file is created before it is written");
        blocking(move || (&*file).write_all(&bytes))
            .await
            .context(ErrorKind::Failed, cannot("write below", &self.staging()))
    }

    async fn publish(&mut self, marker: Bytes) -> Result<()> {
        self.create(MARKER).await?;
        self.write(marker).await?;
        self.close().await?;
        let (root, raw, staging) = (self.root.clone(), self.raw(), self.staging());
        let message = cannot("rename the finished files to", &raw);
        blocking(move || {
            fs::remove_file(staging.join(LOCK))?;
            fs::rename(&staging, &raw)?;
            File::open(root)?.sync_all()
        })
        .await
        .context(ErrorKind::Failed, message)?;
        self.lock = None;
        Ok(())
    }

    async fn abandon(&mut self) {
        self.file = None;
        if self.lock.is_some() {
            let staging = self.staging();
            // What stays is hidden and removed by the next generator.
            drop(blocking(move || fs::remove_dir_all(staging)).await);
            self.lock = None;
        }
    }
}

fn look(raw: &Path, staging: &Path) -> io::Result<Found> {
    let marker = raw.join(MARKER);
    match fs::read(&marker) {
        Ok(bytes) => return Ok(read_marker(&marker.display().to_string(), &bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let first = match fs::read_dir(raw) {
        Ok(mut entries) => entries.next().transpose()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(match first {
        Some(entry) => Found::Foreign(entry.path().display().to_string()),
        None if staging.try_exists()? => Found::HalfMade,
        None => Found::Nothing,
    })
}

/// Makes the staging folder anew and locks it; `None` if another generator holds it.
fn make_staging(staging: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(staging)?;
    let lock = File::create(staging.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for entry in fs::read_dir(staging)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(Some(lock))
}

fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} `{}`", path.display())
}

/// Runs what waits for the disk where waiting is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => Err(io::Error::other(failure)),
    }
}

/// A generator that is stopped half-way leaves nothing behind if it can help it.
impl Drop for Folder {
    fn drop(&mut self) {
        if self.lock.is_some() {
            drop(fs::remove_dir_all(self.staging()));
        }
    }
}
