//! An object store as the target: uploads that nobody sees until they are completed, all at the end.

use std::process;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::target::{Found, MARKER, RAW, Target, busy, read_marker};
use crate::error::{Context, ErrorKind, Result};
use crate::store::Store;

/// Stands there while uploads are being completed and lists them: whatever a cut left of those is half-made.
const UNDER_WAY: &str = "_generating.json";

/// A part: at 10,000 parts an object a file of any sensible size fits.
const PART_BYTES: usize = 16 << 20;

/// Parts under way at a time.
const PARTS: usize = 4;

/// Writes to `raw/` in a store.
///
/// A generator that is killed before it completes its uploads leaves them to the store, which drops them by its own rules.
#[derive(Debug)]
pub struct Uploads {
    place: Place,
    uploads: Vec<Upload>,
}

#[derive(Clone, Debug)]
struct Place(Store);

#[derive(Debug)]
struct Upload {
    name: String,
    remote: Box<dyn MultipartUpload>,
    buffer: BytesMut,
    parts: JoinSet<object_store::Result<()>>,
}

/// The content of [`UNDER_WAY`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct UnderWay {
    /// Tells one generator from another.
    generator: String,
    names: Vec<String>,
}

impl Uploads {
    /// The store's root is the folder above `raw/`.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            place: Place(store),
            uploads: Vec::new(),
        }
    }
}

#[async_trait]
impl Target for Uploads {
    async fn found(&mut self) -> Result<Found> {
        let store = &self.place.0;
        if let Some(bytes) = store.read(&key(MARKER)).await? {
            return Ok(read_marker(&store.location().url(&key(MARKER)), &bytes));
        }
        let under_way = self.place.under_way().await?;
        let is_half_made = under_way.is_some();
        let mut ours = under_way.map_or_else(Vec::new, |under_way| under_way.keys());
        // A folder marker lists as an empty object at the folder's own key.
        ours.extend([key(UNDER_WAY), Path::from(RAW)]);
        let listed = store.list(&Path::from(RAW)).await?;
        let foreign = listed
            .iter()
            .find(|object| !ours.contains(&object.location));
        Ok(match foreign {
            Some(object) => Found::Foreign(store.location().url(&object.location)),
            None if is_half_made => Found::HalfMade,
            None => Found::Nothing,
        })
    }

    async fn start(&mut self) -> Result<()> {
        if let Some(under_way) = self.place.under_way().await? {
            self.place.0.delete(under_way.keys()).await?;
            // Last, or a cut here would leave files that nobody knows to be half-made.
            self.place.0.delete(vec![key(UNDER_WAY)]).await?;
        }
        Ok(())
    }

    async fn create(&mut self, name: &str) -> Result<()> {
        if let Some(last) = self.uploads.last_mut() {
            last.end().await.map_err(|error| self.place.failed(error))?;
        }
        let remote = self.place.0.reader().put_multipart(&key(name)).await;
        self.uploads.push(Upload {
            name: name.to_owned(),
            remote: remote.map_err(|error| self.place.failed(error))?,
            buffer: BytesMut::new(),
            parts: JoinSet::new(),
        });
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let upload = self
            .uploads
            .last_mut()
            .expect("a file is created before it is written");
        let written = upload.write(&bytes).await;
        written.map_err(|error| self.place.failed(error))
    }

    async fn publish(&mut self, marker: Bytes) -> Result<()> {
        if let Some(last) = self.uploads.last_mut() {
            last.end().await.map_err(|error| self.place.failed(error))?;
        }
        let names = self.uploads.iter().map(|upload| upload.name.clone());
        let names = names.collect();
        self.place.announce(names).await?;
        for upload in &mut self.uploads {
            let completed = upload.remote.complete().await;
            completed.map_err(|error| self.place.failed(error))?;
        }
        self.place.0.put(&key(MARKER), marker).await?;
        self.uploads.clear();
        self.place.0.delete(vec![key(UNDER_WAY)]).await
    }

    async fn size(&mut self, name: &str) -> Result<Option<u64>> {
        let object = self.place.0.look(&key(name)).await?;
        Ok(object.map(|object| object.size))
    }

    async fn abandon(&mut self) {
        for mut upload in std::mem::take(&mut self.uploads) {
            upload.parts.abort_all();
            // The store drops an upload that nobody completes; a completed one is listed as half-made.
            drop(upload.remote.abort().await);
        }
    }
}

impl Place {
    /// Says, once among all generators, what is about to be shown.
    async fn announce(&self, names: Vec<String>) -> Result<()> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let under_way = UnderWay {
            generator: format!("{}-{}", process::id(), now.as_nanos()),
            names,
        };
        let text = serde_json::to_vec(&under_way)
            .context(ErrorKind::Failed, "cannot list the files of the sample")?;
        let key = key(UNDER_WAY);
        // A put that was tried twice finds its own object.
        if self.0.put_new(&key, text.into()).await?
            || self.under_way().await?.as_ref() == Some(&under_way)
        {
            Ok(())
        } else {
            Err(busy(&self.0.location().to_string()))
        }
    }

    /// What an earlier generator was showing when it was cut off, if one was.
    async fn under_way(&self) -> Result<Option<UnderWay>> {
        let key = key(UNDER_WAY);
        let Some(bytes) = self.0.read(&key).await? else {
            return Ok(None);
        };
        let url = self.0.location().url(&key);
        let under_way = serde_json::from_slice(&bytes)
            .context(ErrorKind::Conflict, format!("cannot understand `{url}`"))?;
        Ok(Some(under_way))
    }

    fn failed(&self, error: object_store::Error) -> crate::error::Error {
        let url = self.0.location().url(&Path::from(RAW));
        self.0.explain(error, format!("upload below `{url}`"))
    }
}

impl UnderWay {
    fn keys(&self) -> Vec<Path> {
        self.names.iter().map(|name| key(name)).collect()
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

fn key(name: &str) -> Path {
    name.split('/').fold(Path::from(RAW), Path::join)
}
