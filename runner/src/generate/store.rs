//! An object store as the target: uploads that nobody sees until they are completed, all at the end.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use super::target::{Found, MARKER, RAW, Target, read_marker};
use crate::error::{Context, ErrorKind, Result};

/// Stands there while uploads are being completed and lists them: whatever else a cut left, they are half-made.
const UNDER_WAY: &str = "_generating.json";

/// A part: at 10,000 parts an object a file of any sensible size fits.
const PART_BYTES: usize = 16 << 20;

/// Parts under way at a time.
const PARTS: usize = 4;

/// Writes to `<prefix>/raw/` of a store.
#[derive(Debug)]
pub struct Store {
    place: Place,
    uploads: Vec<Upload>,
}

#[derive(Clone, Debug)]
struct Place {
    store: Arc<dyn ObjectStore>,
    raw: Path,
}

#[derive(Debug)]
struct Upload {
    name: String,
    remote: Box<dyn MultipartUpload>,
    buffer: BytesMut,
    parts: JoinSet<object_store::Result<()>>,
}

impl Store {
    /// That prefix of that store.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &Path) -> Self {
        let raw = prefix.clone().join(RAW);
        Self {
            place: Place { store, raw },
            uploads: Vec::new(),
        }
    }
}

impl Place {
    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.raw.clone(), Path::join)
    }

    async fn read(&self, name: &str) -> Result<Option<Bytes>> {
        let path = self.path(name);
        let read = async { self.store.get(&path).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).context(ErrorKind::TryAgain, cannot("read", &path)),
        }
    }

    async fn put(&self, name: &str, bytes: Bytes) -> Result<()> {
        let path = self.path(name);
        let put = self.store.put(&path, PutPayload::from(bytes)).await;
        put.map(drop)
            .context(ErrorKind::TryAgain, cannot("write", &path))
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).context(ErrorKind::TryAgain, cannot("delete", &path)),
        }
    }

    /// The objects that an earlier generator was showing when it was cut off, if one was.
    async fn half_made(&self) -> Result<Option<Vec<String>>> {
        let Some(bytes) = self.read(UNDER_WAY).await? else {
            return Ok(None);
        };
        let names = serde_json::from_slice(&bytes).context(
            ErrorKind::Conflict,
            cannot("understand", &self.path(UNDER_WAY)),
        )?;
        Ok(Some(names))
    }

    fn failed(&self) -> String {
        cannot("upload below", &self.raw)
    }
}

#[async_trait]
impl Target for Store {
    async fn found(&mut self) -> Result<Found> {
        if let Some(bytes) = self.place.read(MARKER).await? {
            return Ok(read_marker(self.place.path(MARKER).as_ref(), &bytes));
        }
        let ours = self.place.half_made().await?;
        let is_half_made = ours.is_some();
        let mut ours = ours.unwrap_or_default();
        ours.push(UNDER_WAY.to_owned());
        let ours = ours
            .iter()
            .map(|name| self.place.path(name))
            .collect::<Vec<_>>();
        let raw = &self.place.raw;
        let foreign = self
            .place
            .store
            .list(Some(raw))
            .try_filter(|object| {
                // A folder marker lists as an empty object at the folder's own path.
                let is_foreign = !ours.contains(&object.location) && object.location != *raw;
                std::future::ready(is_foreign)
            })
            .boxed()
            .try_next()
            .await
            .context(ErrorKind::TryAgain, cannot("list", raw))?;
        Ok(match foreign {
            Some(object) => Found::Foreign(object.location.to_string()),
            None if is_half_made => Found::HalfMade,
            None => Found::Nothing,
        })
    }

    async fn start(&mut self) -> Result<()> {
        for name in self.place.half_made().await?.unwrap_or_default() {
            self.place.delete(&name).await?;
        }
        self.place.delete(UNDER_WAY).await
    }

    async fn create(&mut self, name: &str) -> Result<()> {
        if let Some(last) = self.uploads.last_mut() {
            let ended = last.end().await;
            ended.context(ErrorKind::TryAgain, self.place.failed())?;
        }
        let upload = self.place.store.put_multipart(&self.place.path(name)).await;
        self.uploads.push(Upload {
            name: name.to_owned(),
            remote: upload.context(ErrorKind::TryAgain, self.place.failed())?,
            buffer: BytesMut::new(),
            parts: JoinSet::new(),
        });
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let message = self.place.failed();
        let upload = self
            .uploads
            .last_mut()
            .expect("a file is created before it is written");
        upload
            .write(&bytes)
            .await
            .context(ErrorKind::TryAgain, message)
    }

    async fn publish(&mut self, marker: Bytes) -> Result<()> {
        let message = self.place.failed();
        if let Some(last) = self.uploads.last_mut() {
            last.end().await.context(ErrorKind::TryAgain, &message)?;
        }
        let names = self
            .uploads
            .iter()
            .map(|upload| &upload.name)
            .collect::<Vec<_>>();
        let names = serde_json::to_vec(&names).context(ErrorKind::Failed, &message)?;
        self.place.put(UNDER_WAY, names.into()).await?;
        for upload in &mut self.uploads {
            let completed = upload.remote.complete().await;
            completed.context(ErrorKind::TryAgain, &message)?;
        }
        self.place.put(MARKER, marker).await?;
        self.uploads.clear();
        self.place.delete(UNDER_WAY).await
    }

    async fn abandon(&mut self) {
        for mut upload in std::mem::take(&mut self.uploads) {
            upload.parts.abort_all();
            // The store drops an upload that nobody completes; a completed one is listed as half-made.
            drop(upload.remote.abort().await);
        }
    }
}

impl Upload {
    async fn write(&mut self, bytes: &[u8]) -> object_store::Result<()> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= PART_BYTES {
            let part = self.buffer.split_to(PART_BYTES).freeze();
            self.send(part).await?;
        }
        Ok(())
    }

    async fn send(&mut self, part: Bytes) -> object_store::Result<()> {
        while self.parts.len() >= PARTS {
            self.join_one().await?;
        }
        self.parts.spawn(self.remote.put_part(part.into()));
        Ok(())
    }

    /// Sends what is left and waits for all parts.
    async fn end(&mut self) -> object_store::Result<()> {
        let rest = self.buffer.split().freeze();
        if !rest.is_empty() {
            self.send(rest).await?;
        }
        while !self.parts.is_empty() {
            self.join_one().await?;
        }
        Ok(())
    }

    async fn join_one(&mut self) -> object_store::Result<()> {
        match self.parts.join_next().await {
            None => Ok(()),
            Some(result) => result?,
        }
    }
}

fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} `{path}`")
}
