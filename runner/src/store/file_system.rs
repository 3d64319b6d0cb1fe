//! A folder of a file system as a store whose answers survive a power failure.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};

use crate::store::objects_port::{Completion, Objects};

/// The most times that a folder is created again because another process's clean-up removed it before a file was in it.
const FOLDER_RACES: usize = 16;

/// The largest number of concurrent fsyncs: a file system flushes several of them together, so they cost little more
/// than one.
const SYNCS_AT_ONCE: usize = 16;

/// A folder as a store. An acknowledged put survives a power failure. An upload is a staged file that a rename
/// completes; it survives once `seal` and `settle` have returned.
///
/// Reads and listings are [`LocalFileSystem`]'s, whose `ETag` is inode, time of change and size. Writes are our own,
/// because that store never syncs, returns an error for the deletion of a missing file, and leaves empty folders
/// behind.
#[derive(Debug)]
pub struct FileStore {
    /// The absolute path of the folder, with symbolic links resolved.
    root: PathBuf,
    /// The file store of the crate `object_store`, which does the reads and listings.
    inner: LocalFileSystem,
}

impl FileStore {
    /// Opens an existing folder as a store.
    ///
    /// # Errors
    /// `NotFound` if it does not exist or is not a folder; `PermissionDenied` or `Generic` if it cannot be reached.
    pub fn open(root: &FilePath) -> Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|source| io_error(root, source))?;
        if !root.is_dir() {
            return Err(io_error(&root, ErrorKind::NotADirectory.into()));
        }
        Ok(Self {
            inner: LocalFileSystem::new_with_prefix(&root)?,
            root,
        })
    }

    /// Returns the path of the file that holds the object with this key.
    fn file(&self, key: &Path) -> Result<PathBuf> {
        self.inner.path_to_filesystem(key)
    }
}

/// Runs work that waits for the disk on one of tokio's blocking threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Converts an I/O error to the variant of the store's error type that callers match.
fn io_error(path: &FilePath, source: io::Error) -> Error {
    let path = path.display().to_string();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NotFound {
            path,
            source: source.into(),
        },
        ErrorKind::AlreadyExists => Error::AlreadyExists {
            path,
            source: source.into(),
        },
        ErrorKind::PermissionDenied => Error::PermissionDenied {
            path,
            source: source.into(),
        },
        _ => Error::Generic {
            store: "file system",
            source: source.into(),
        },
    }
}

/// Creates a folder and its missing ancestors, and syncs each parent, so that the new entries survive a power failure.
fn make_folder(folder: &FilePath) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_folder(folder.parent().ok_or(error)?)?;
            return make_folder(folder);
        }
        Err(error) => return Err(error),
    }
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Syncs a folder, so that the names in it survive a power failure.
fn sync_folder(folder: &FilePath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates a file's folder with `make`, then does `work`. Tries both again if another process removed the folder
/// meanwhile, because it was empty.
fn in_folder<T>(
    file: &FilePath,
    make: impl Fn(&FilePath) -> io::Result<()>,
    mut work: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let folder = file
        .parent()
        .ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
    let mut races = 0;
    loop {
        match make(folder).and_then(|()| work()) {
            Err(error) if error.kind() == ErrorKind::NotFound && races < FOLDER_RACES => {
                races += 1;
            }
            done => return done,
        }
    }
}

/// Returns an unused hidden name in the folder of `file`. Readers of data and of the log skip hidden names.
fn temporary(file: &FilePath) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}-{next}", std::process::id()))
}

/// Writes and syncs a temporary file, then gives it its final name: by a hard link, which never overwrites, if `create`
/// is set, otherwise by a rename.
fn write_whole(file: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let temporary = temporary(file);
    let written = in_folder(file, make_folder, || {
        let mut out = File::create(&temporary)?;
        payload
            .iter()
            .try_for_each(|bytes| out.write_all(bytes))
            .and_then(|()| out.sync_all())
    });
    let named = written.and_then(|()| {
        if create {
            fs::hard_link(&temporary, file).map_err(|error| match error.kind() {
                // The folder was writable a moment ago, so the volume refuses hard links.
                ErrorKind::PermissionDenied | ErrorKind::Unsupported => {
                    ErrorKind::Unsupported.into()
                }
                _ => error,
            })
        } else {
            fs::rename(&temporary, file)
        }
    });
    if create || named.is_err() {
        // The answer matters more than the clean-up: `vacuum` deletes a temporary file that is left.
        fs::remove_file(&temporary).ok();
    }
    named?;
    file.parent().map_or(Ok(()), sync_folder)
}

/// Deletes a file that may be missing, and the folders below `root` that become empty.
fn remove(root: &FilePath, file: &FilePath) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    let above = file.ancestors().skip(1);
    for folder in above.take_while(|folder| *folder != root) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

impl fmt::Display for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for FileStore {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return self.inner.put_opts(key, payload, options).await;
            }
        };
        let file = self.file(key)?;
        blocking(move || {
            write_whole(&file, &payload, create).map_err(|source| io_error(&file, source))
        })
        .await?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(key, options).await
    }

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(key, ranges).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let root = self.root.clone();
        let files = self.inner.clone();
        keys.map(move |key| {
            let (root, files) = (root.clone(), files.clone());
            blocking(move || {
                let key = key?;
                let file = files.path_to_filesystem(&key)?;
                remove(&root, &file).map_err(|source| io_error(&file, source))?;
                Ok(key)
            })
        })
        .buffered(10)
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// The uploads of a folder: the id of an upload is the key of its staged file.
#[async_trait]
impl Objects for FileStore {
    async fn open_upload(&self, _key: &Path, staging: &Path) -> Result<String> {
        let file = self.file(staging)?;
        blocking(move || {
            in_folder(
                &file,
                |folder| fs::create_dir_all(folder),
                || File::create_new(&file),
            )
            .map_err(|source| io_error(&file, source))
        })
        .await?;
        Ok(staging.to_string())
    }

    async fn put_part(
        &self,
        _key: &Path,
        upload: &str,
        _index: usize,
        payload: PutPayload,
    ) -> Result<String> {
        let file = self.file(&Path::parse(upload)?)?;
        blocking(move || {
            let mut out = OpenOptions::new()
                .append(true)
                .open(&file)
                .map_err(|source| io_error(&file, source))?;
            payload
                .iter()
                .try_for_each(|bytes| out.write_all(bytes))
                .map_err(|source| io_error(&file, source))
        })
        .await?;
        Ok(String::new())
    }

    async fn seal(&self, _key: &Path, upload: &str, size_bytes: u64) -> Result<()> {
        let file = self.file(&Path::parse(upload)?)?;
        blocking(move || {
            let sealed = File::open(&file).and_then(|open| {
                open.sync_all()?;
                Ok(open.metadata()?.len())
            });
            let found_bytes = sealed.map_err(|source| io_error(&file, source))?;
            if found_bytes == size_bytes {
                return Ok(());
            }
            let text = format!(
                "expected {size_bytes} bytes in the staged file `{}`, got {found_bytes}",
                file.display()
            );
            Err(io_error(&file, io::Error::other(text)))
        })
        .await
    }

    async fn settle(&self, folders: &[Path]) -> Result<()> {
        // The entry of a new folder survives only if the folder above it is synced too.
        let mut all = BTreeSet::new();
        for folder in folders {
            let folder = self.root.join(folder.as_ref());
            let above = folder
                .ancestors()
                .take_while(|at| at.starts_with(&self.root));
            all.extend(above.map(FilePath::to_owned));
        }
        let syncs = all.into_iter().map(|folder| {
            blocking(move || match sync_folder(&folder) {
                // Another process removed the folder because it became empty.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                synced => synced.map_err(|source| io_error(&folder, source)),
            })
        });
        let mut syncs = stream::iter(syncs.collect::<Vec<_>>()).buffer_unordered(SYNCS_AT_ONCE);
        while let Some(synced) = syncs.next().await {
            synced?;
        }
        Ok(())
    }

    fn lists_staging(&self) -> bool {
        true
    }

    async fn complete(&self, key: &Path, upload: &str, _tags: &[String]) -> Result<Completion> {
        let from = self.file(&Path::parse(upload)?)?;
        let to = self.file(key)?;
        let root = self.root.clone();
        blocking(move || {
            if !from
                .try_exists()
                .map_err(|source| io_error(&from, source))?
            {
                return Ok(Completion::NoSuchUpload);
            }
            let renamed = in_folder(
                &to,
                |folder| fs::create_dir_all(folder),
                || {
                    fs::rename(&from, &to).map_err(|error| {
                        // A missing staged file ends the tries of `in_folder`; a missing folder is worth another try.
                        if error.kind() == ErrorKind::NotFound && !from.exists() {
                            return ErrorKind::NotADirectory.into();
                        }
                        error
                    })
                },
            );
            match renamed {
                Ok(()) => {}
                Err(_) if !from.exists() => return Ok(Completion::NoSuchUpload),
                Err(error) => return Err(io_error(&to, error)),
            }
            for folder in from.ancestors().skip(1).take_while(|at| *at != root) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
            Ok(Completion::Done)
        })
        .await
    }

    async fn abort(&self, _key: &Path, upload: &str) -> Result<()> {
        self.delete(&Path::parse(upload)?).await
    }
}
