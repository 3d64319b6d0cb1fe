//! One file on its way up.

use std::sync::Arc;

use bytes::Bytes;
use object_store::PutPayload;
use object_store::path::Path;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use crate::commit::partition::Partition;
use crate::commit::pending_fsyncs::PendingFsyncs;
use crate::commit::record::{Part, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;

/// The least that S3 takes as a part that is not the last; more would cost memory for each open file.
const PIECE_BYTES: usize = 5 * 1024 * 1024;

/// Takes the bytes of one part and sends them on in pieces; holds two pieces at most, one of them under way.
#[derive(Debug)]
pub struct PartWriter {
    store: Store,
    /// As the attempt's.
    requests: Arc<RwLock<()>>,
    seals: Arc<PendingFsyncs>,
    table: String,
    partition: Partition,
    key: Path,
    upload: String,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    size_bytes: u64,
    sent: usize,
    tags: Vec<String>,
    under_way: Option<JoinHandle<object_store::Result<String>>>,
}

/// A part whose bytes are all up, and that nobody sees yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedPart {
    table: String,
    part: Part,
}

impl StagedPart {
    /// What the record will say of it.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The table that it belongs to.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn into_part(self) -> (String, Part) {
        (self.table, self.part)
    }
}

impl PartWriter {
    pub(crate) fn new(
        store: Store,
        requests: Arc<RwLock<()>>,
        seals: Arc<PendingFsyncs>,
        table: String,
        partition: Partition,
        key: Path,
        upload: String,
    ) -> Self {
        Self {
            store,
            requests,
            seals,
            table,
            partition,
            key,
            upload,
            waiting: Vec::new(),
            waiting_bytes: 0,
            size_bytes: 0,
            sent: 0,
            tags: Vec::new(),
            under_way: None,
        }
    }

    /// The key that the part will have.
    #[must_use]
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// How much has been written.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Takes bytes; waits while the piece before is still under way.
    ///
    /// # Errors
    /// As the store says; the part is then of no use.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        while self.waiting_bytes + bytes.len() >= PIECE_BYTES {
            // Pieces of one size: some stores insist on it.
            let piece = bytes.split_to(PIECE_BYTES - self.waiting_bytes);
            self.hold(piece);
            self.send().await?;
        }
        self.hold(bytes);
        Ok(())
    }

    fn hold(&mut self, bytes: Bytes) {
        self.waiting_bytes += bytes.len();
        if !bytes.is_empty() {
            self.waiting.push(bytes);
        }
    }

    async fn send(&mut self) -> Result<()> {
        self.arrived().await?;
        let payload = PutPayload::from_iter(std::mem::take(&mut self.waiting));
        self.waiting_bytes = 0;
        let (objects, key, upload, index) = (
            self.store.objects(),
            self.key.clone(),
            self.upload.clone(),
            self.sent,
        );
        self.sent += 1;
        // Taken before anybody can give up, and until the store has answered.
        let request = Arc::clone(&self.requests).read_owned().await;
        self.under_way = Some(tokio::spawn(async move {
            let _request = request;
            objects.put_part(&key, &upload, index, payload).await
        }));
        Ok(())
    }

    /// Waits for the piece that is under way.
    async fn arrived(&mut self) -> Result<()> {
        let Some(piece) = self.under_way.take() else {
            return Ok(());
        };
        let tag = piece.await.unwrap_or_else(|error| Err(error.into()));
        self.tags.push(tag.map_err(|error| self.explain(error))?);
        Ok(())
    }

    fn explain(&self, error: object_store::Error) -> Error {
        let url = self.store.location().url(&self.key);
        let explained = self.store.explain(error, format!("write `{url}`"));
        // A missing upload is no missing input: somebody aborted it, or the store dropped it.
        if explained.kind() == ErrorKind::InputMissing {
            let message = format!("the upload of `{url}` is gone");
            return Error::new(ErrorKind::TryAgain, message)
                .caused_by(explained)
                .hint("run the same command again; it starts anew");
        }
        explained
    }

    /// Sends the rest, and begins to make the part last: a disk can do that while the next part is computed.
    ///
    /// # Errors
    /// As the store says.
    pub async fn finish(mut self, rows: u64) -> Result<StagedPart> {
        if self.waiting_bytes > 0 || self.sent == 0 {
            self.send().await?;
        }
        self.arrived().await?;
        let (key, upload) = (self.key.clone(), self.upload.clone());
        self.seals.begin(&self.store, key, upload, self.size_bytes);
        Ok(StagedPart {
            table: self.table,
            part: Part {
                key: self.key.to_string(),
                size_bytes: self.size_bytes,
                rows,
                partition: self.partition,
                upload: Upload {
                    id: self.upload,
                    tags: self.tags,
                },
            },
        })
    }
}
