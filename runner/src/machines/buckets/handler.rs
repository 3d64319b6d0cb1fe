//! Task handler that answers S3 calls from local folders.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use drivetrain_statemachine::{ResourceKind, TaskCall, TaskFailure, TaskHandler, TaskOutput};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::buckets::listing::{ListedObject, page};
use crate::machines::buckets::parquet_rows;

/// The size of the chunks in which an object's body is read, so that a large object is never in memory as a whole.
const CHUNK_BYTES: usize = 1 << 20;

/// Local folders that replace S3 buckets. As a task handler, it answers `getObject`, `listObjectsV2` and `putObject`.
///
/// Calls are answered synchronously, because virtual time must not advance during disk access. An object's key is its
/// file's path relative to the bucket's folder; a key that would lead out of the folder is refused.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    /// Canonical path of each bucket's folder, by the bucket's name.
    folders: BTreeMap<String, PathBuf>,
    /// Objects that executions have put, if they are kept in memory; `None` if they are written to the folders.
    kept: Option<Arc<Mutex<WrittenObjects>>>,
}

/// Bodies of the objects that executions have put, by bucket and key.
type WrittenObjects = BTreeMap<(String, String), Bytes>;

impl Buckets {
    /// Parses the values of `--s3`, each `BUCKET=DIR`.
    ///
    /// # Errors
    /// `Usage` for a value that is not `BUCKET=DIR`, and the errors of [`Self::add`].
    pub fn parse(given: &[String]) -> Result<Self> {
        let mut buckets = Self::default();
        for one in given {
            let (bucket, folder) = one
                .split_once('=')
                .filter(|(bucket, folder)| !bucket.is_empty() && !folder.is_empty())
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::Usage,
                        format!("expected `BUCKET=DIR` after `--s3`, got `{one}`"),
                    )
                })?;
            buckets.add(bucket, Path::new(folder))?;
        }
        Ok(buckets)
    }

    /// Adds a bucket whose objects are the files of `folder`.
    ///
    /// # Errors
    /// `InputMissing` if the folder does not exist; `Usage` if it is not a folder or the bucket already has one.
    pub fn add(&mut self, bucket: &str, folder: &Path) -> Result<()> {
        let shown = folder.display();
        let whole = folder.canonicalize().context(
            ErrorKind::InputMissing,
            format!("there is no folder `{shown}` for the bucket `{bucket}`"),
        )?;
        if !whole.is_dir() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`{shown}` is not a folder, so it cannot replace the bucket `{bucket}`"),
            ));
        }
        if self.folders.insert(bucket.to_owned(), whole).is_some() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`--s3` names the bucket `{bucket}` more than once"),
            )
            .hint("pass one folder for each bucket"));
        }
        Ok(())
    }

    /// Keeps in memory the objects that executions put, instead of writing them to the folders.
    ///
    /// Test cases run in parallel with the same folders, so they must not change them.
    #[must_use]
    pub fn keeping_writes(mut self) -> Self {
        self.kept = Some(Arc::default());
        self
    }

    /// Returns `true` if no bucket has a folder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Answers an S3 call. Errors have the names and the wording of S3.
    fn answer(&self, call: &TaskCall) -> Result<TaskOutput, TaskFailure> {
        let field = |name: &str| match &call.input[name] {
            Value::String(text) => Ok(text.as_str()),
            _ => Err(TaskFailure::new(
                "S3.InvalidRequest",
                format!("The request has no {name}."),
            )),
        };
        let bucket = field("Bucket")?;
        let folder = self.folders.get(bucket).ok_or_else(|| {
            TaskFailure::new(
                "S3.NoSuchBucketException",
                format!("The specified bucket does not exist: {bucket}"),
            )
        })?;
        let ResourceKind::Integration { call: verb, .. } = call.resource.kind() else {
            return Err(unknown(call.resource.arn()));
        };
        match verb.as_str() {
            "getObject" => self.get(bucket, folder, field("Key")?),
            "listObjectsV2" => Ok(page(bucket, self.list(bucket, folder)?, &call.input).into()),
            "putObject" => self.put(bucket, folder, field("Key")?, call.body.clone()),
            _ => Err(unknown(call.resource.arn())),
        }
    }

    /// Answers `getObject` with the body in chunks. For a Parquet file, the output also has the rows as JSON.
    fn get(&self, bucket: &str, folder: &Path, key: &str) -> Result<TaskOutput, TaskFailure> {
        if let Some(body) = self.kept(bucket, key) {
            return Ok(TaskOutput::object(body));
        }
        let missing = || {
            TaskFailure::new(
                "S3.NoSuchKeyException",
                format!("The specified key does not exist: s3://{bucket}/{key}"),
            )
        };
        let path = below(folder, bucket, key)?;
        // A symbolic link must not lead out of the folder.
        let path = path.canonicalize().map_err(|_| missing())?;
        if !path.starts_with(folder) {
            return Err(outside(bucket, key));
        }
        if !path.is_file() {
            return Err(missing());
        }
        let unreadable = |error: &std::io::Error| {
            TaskFailure::new(
                "S3.InternalError",
                format!(
                    "s3://{bucket}/{key} cannot be read from `{}`: {error}",
                    path.display()
                ),
            )
        };
        let mut file = File::open(&path).map_err(|error| unreadable(&error))?;
        let value = if is_parquet(&mut file) {
            let opened = File::open(&path).map_err(|error| unreadable(&error))?;
            parquet_rows::rows(opened).map_err(|error| {
                TaskFailure::new(
                    "S3.InvalidObject",
                    format!(
                        "s3://{bucket}/{key}, read from `{}`, is not a valid Parquet file: {error}",
                        path.display()
                    ),
                )
            })?
        } else {
            Value::Null
        };
        file.rewind().map_err(|error| unreadable(&error))?;
        let cannot_read = format!(
            "s3://{bucket}/{key} cannot be read from `{}`",
            path.display()
        );
        let chunks = std::iter::from_fn(move || {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let read = Read::by_ref(&mut file)
                .take(CHUNK_BYTES as u64)
                .read_to_end(&mut chunk);
            match read {
                Ok(0) => None,
                Ok(_) => Some(Ok(Bytes::from(chunk))),
                Err(error) => Some(Err(TaskFailure::new(
                    "S3.InternalError",
                    format!("{cannot_read}: {error}"),
                ))),
            }
        });
        let mut output = TaskOutput::from(value);
        output.body = Some(Box::pin(futures::stream::iter(chunks)));
        Ok(output)
    }

    /// Answers `putObject`: writes the body to the folder, or keeps it in memory.
    fn put(
        &self,
        bucket: &str,
        folder: &Path,
        key: &str,
        body: Option<Bytes>,
    ) -> Result<TaskOutput, TaskFailure> {
        let path = below(folder, bucket, key)?;
        let body = body.unwrap_or_default();
        let answer = json!({"ETag": format!("\"{:x}\"", body.len())});
        if let Some(kept) = &self.kept {
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((bucket.to_owned(), key.to_owned()), body);
            return Ok(answer.into());
        }
        let unwritable = |error: std::io::Error| {
            TaskFailure::new(
                "S3.InternalError",
                format!(
                    "s3://{bucket}/{key} cannot be written to `{}`: {error}",
                    path.display()
                ),
            )
        };
        let parent = path.parent().unwrap_or(folder);
        // If the nearest existing ancestor is inside the folder, so are the subfolders that are created below it.
        let existing = parent.ancestors().find(|ancestor| ancestor.exists());
        let inside = existing
            .and_then(|existing| existing.canonicalize().ok())
            .is_some_and(|existing| existing.starts_with(folder));
        // A write follows a symbolic link, even one whose target does not exist yet.
        let is_link = path.is_symlink();
        if !inside || is_link {
            return Err(outside(bucket, key));
        }
        std::fs::create_dir_all(parent).map_err(unwritable)?;
        std::fs::write(&path, body).map_err(unwritable)?;
        Ok(answer.into())
    }

    /// Answers `listObjectsV2` with the files of the folder and the objects that are kept in memory.
    fn list(
        &self,
        bucket: &str,
        folder: &Path,
    ) -> Result<BTreeMap<String, ListedObject>, TaskFailure> {
        let mut found = crate::machines::buckets::listing::files(folder).map_err(|error| {
            TaskFailure::new(
                "S3.InternalError",
                format!(
                    "s3://{bucket} cannot be listed: its folder `{}` cannot be read: {error}",
                    folder.display()
                ),
            )
        })?;
        if let Some(kept) = &self.kept {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let own = kept.iter().filter(|((of, _), _)| of == bucket);
            found.extend(
                own.map(|((_, key), body)| (key.clone(), ListedObject::of_size(body.len()))),
            );
        }
        Ok(found)
    }

    /// Returns the body of an object, if it is kept in memory.
    fn kept(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let kept = self.kept.as_ref()?;
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&(bucket.to_owned(), key.to_owned())).cloned()
    }
}

impl TaskHandler for Buckets {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        let answer = self.answer(&call);
        Box::pin(std::future::ready(answer))
    }
}

/// Returns the path of an object's file; refuses keys that are not plain relative paths.
fn below(folder: &Path, bucket: &str, key: &str) -> Result<PathBuf, TaskFailure> {
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('\0');
    if key.split('/').all(is_plain) {
        Ok(folder.join(key))
    } else {
        Err(outside(bucket, key))
    }
}

/// Returns the failure for a key that leads out of its bucket's folder.
fn outside(bucket: &str, key: &str) -> TaskFailure {
    TaskFailure::new(
        "S3.InvalidRequest",
        format!("The key '{key}' leads out of the folder of the bucket {bucket}."),
    )
}

/// Returns the failure for an S3 action that folders do not support.
fn unknown(resource: &str) -> TaskFailure {
    TaskFailure::new(
        "S3.InvalidRequest",
        format!(
            "A local folder can answer getObject, listObjectsV2 and putObject, but not {resource}."
        ),
    )
}

/// Returns `true` if a file begins and ends with the magic bytes of Parquet. Changes the read position of the file.
fn is_parquet(file: &mut File) -> bool {
    let mut first = [0; parquet_rows::MAGIC.len()];
    let mut last = first;
    let length = i64::try_from(first.len()).unwrap_or_default();
    file.read_exact(&mut first).is_ok()
        && file.seek(SeekFrom::End(-length)).is_ok()
        && file.read_exact(&mut last).is_ok()
        && first == parquet_rows::MAGIC
        && last == parquet_rows::MAGIC
}
