//! Folders that stand in for S3 buckets, for what Map states read and write.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use drivetrain_statemachine::{ResourceKind, TaskCall, TaskFailure, TaskHandler, TaskOutput};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::bucket_listing::{Listed, page};
use super::parquet_rows;
use crate::error::{Context, Error, ErrorKind, Result};

/// So many bytes of an object are in memory at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Answers `getObject`, `listObjectsV2` and `putObject`, each at once: in virtual time nothing may wait for a disk.
///
/// A key is the name of a file below the bucket's folder, as it is. A key that would lead anywhere else is refused.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    folders: BTreeMap<String, PathBuf>,
    /// What was put, where the folders must stay as they are.
    kept: Option<Arc<Mutex<Objects>>>,
}

type Objects = BTreeMap<(String, String), Bytes>;

impl Buckets {
    /// Reads `BUCKET=DIR`, several times over.
    ///
    /// # Errors
    /// `Usage` for anything else, `InputMissing` if a folder is not there.
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

    /// Lets a folder stand in for a bucket.
    ///
    /// # Errors
    /// `InputMissing` if it is not there, `Usage` if the bucket has one already.
    pub fn add(&mut self, bucket: &str, folder: &Path) -> Result<()> {
        let shown = folder.display();
        let whole = folder.canonicalize().context(
            ErrorKind::InputMissing,
            format!("there is no folder `{shown}` for the bucket `{bucket}`"),
        )?;
        if !whole.is_dir() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`{shown}` is no folder"),
            ));
        }
        if self.folders.insert(bucket.to_owned(), whole).is_some() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the bucket `{bucket}` has two folders"),
            ));
        }
        Ok(())
    }

    /// Keeps what is put in memory instead of writing it to the folders.
    #[must_use]
    pub fn keeping_writes(mut self) -> Self {
        self.kept = Some(Arc::default());
        self
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

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
        // A link must not lead out of the folder either.
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
                format!("s3://{bucket}/{key} cannot be read: {error}"),
            )
        };
        let mut file = File::open(&path).map_err(|error| unreadable(&error))?;
        let value = if is_parquet(&mut file) {
            let opened = File::open(&path).map_err(|error| unreadable(&error))?;
            parquet_rows::rows(opened).map_err(|error| {
                TaskFailure::new(
                    "S3.InvalidObject",
                    format!("s3://{bucket}/{key} is no Parquet file: {error}"),
                )
            })?
        } else {
            Value::Null
        };
        file.rewind().map_err(|error| unreadable(&error))?;
        let chunks = std::iter::from_fn(move || {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let read = Read::by_ref(&mut file)
                .take(CHUNK_BYTES as u64)
                .read_to_end(&mut chunk);
            match read {
                Ok(0) => None,
                Ok(_) => Some(Ok(Bytes::from(chunk))),
                Err(error) => Some(Err(TaskFailure::new("S3.InternalError", error.to_string()))),
            }
        });
        let mut output = TaskOutput::from(value);
        output.body = Some(Box::pin(futures::stream::iter(chunks)));
        Ok(output)
    }

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
                format!("s3://{bucket}/{key} cannot be written: {error}"),
            )
        };
        let parent = path.parent().unwrap_or(folder);
        // The nearest folder that is there must be inside; what is made below it then is too.
        let existing = parent.ancestors().find(|ancestor| ancestor.exists());
        let inside = existing
            .and_then(|existing| existing.canonicalize().ok())
            .is_some_and(|existing| existing.starts_with(folder));
        // A link would be written through, also one to a file that is still to be made.
        let is_link = path.is_symlink();
        if !inside || is_link {
            return Err(outside(bucket, key));
        }
        std::fs::create_dir_all(parent).map_err(unwritable)?;
        std::fs::write(&path, body).map_err(unwritable)?;
        Ok(answer.into())
    }

    fn list(&self, bucket: &str, folder: &Path) -> Result<BTreeMap<String, Listed>, TaskFailure> {
        let mut found = super::bucket_listing::files(folder).map_err(|error| {
            TaskFailure::new(
                "S3.InternalError",
                format!("the bucket {bucket} cannot be listed: {error}"),
            )
        })?;
        if let Some(kept) = &self.kept {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let own = kept.iter().filter(|((of, _), _)| of == bucket);
            found.extend(own.map(|((_, key), body)| (key.clone(), Listed::of_size(body.len()))));
        }
        Ok(found)
    }

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

/// Finds the file of a key; a key that is no plain path below the folder has none.
fn below(folder: &Path, bucket: &str, key: &str) -> Result<PathBuf, TaskFailure> {
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains('\0');
    if key.split('/').all(is_plain) {
        Ok(folder.join(key))
    } else {
        Err(outside(bucket, key))
    }
}

fn outside(bucket: &str, key: &str) -> TaskFailure {
    TaskFailure::new(
        "S3.InvalidRequest",
        format!("The key '{key}' leads out of the folder of the bucket {bucket}."),
    )
}

fn unknown(resource: &str) -> TaskFailure {
    TaskFailure::new(
        "S3.InvalidRequest",
        format!("The folder of a bucket cannot answer {resource}."),
    )
}

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
