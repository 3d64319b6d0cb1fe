//! The writer of one output file, which it sends to the store as an upload.

use std::sync::Arc;

use bytes::Bytes;
use object_store::PutPayload;
use object_store::path::Path;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use crate::commit::partition::Partition;
use crate::commit::pending_fsyncs::PendingFsyncs;
use crate::commit::record::{Part, Sums, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;

/// The size of a piece, in bytes: the smallest that S3 accepts, except for the last piece of an upload. Larger pieces
/// would need more memory for each open file.
const PIECE_BYTES: usize = 5 * 1024 * 1024;

/// A writer that sends the bytes of one file in pieces; it holds at most two pieces, one of them in flight.
#[derive(Debug)]
pub struct PartWriter {
    /// The store that receives the file as a multipart upload.
    store: Store,
    /// The lock `in_flight` of the attempt, held for reading while a request is in flight.
    requests: Arc<RwLock<()>>,
    /// The attempt's pending fsyncs, to which `finish` adds the fsync of this file.
    fsyncs: Arc<PendingFsyncs>,
    /// The table that the file belongs to.
    table: String,
    /// The partition that the file belongs to.
    partition: Partition,
    /// The key that the file will have.
    key: Path,
    /// The id that the store gave the upload; every request to it needs the id.
    upload: String,
    /// Bytes that wait until they fill the next piece.
    waiting: Vec<Bytes>,
    /// The total number of bytes in `waiting`; between two calls of `write` it is less than a piece.
    waiting_bytes: usize,
    /// The number of bytes passed to `write` so far, sent or waiting.
    size_bytes: u64,
    /// The number of pieces sent, which is the index of the next one.
    sent: usize,
    /// The store's tag of each piece that arrived, in order; the completion of the upload needs the tags.
    tags: Vec<String>,
    /// The task that sends the piece in flight; it returns the piece's tag.
    in_flight: Option<JoinHandle<object_store::Result<String>>>,
}

/// A file whose bytes are all sent. It stays invisible until a publish completes its upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedPart {
    /// The table that the file belongs to.
    table: String,
    /// The entry by which a record lists the file: key, size, rows, partition and upload.
    part: Part,
}

impl StagedPart {
    /// Returns the entry by which a record lists the file: key, size, rows, partition and upload.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Returns the table that the file belongs to.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Returns the table's name, and the entry by which a record lists the file.
    pub(crate) fn into_part(self) -> (String, Part) {
        (self.table, self.part)
    }
}

impl PartWriter {
    /// Returns a writer for an upload that was just opened.
    pub(crate) fn new(
        store: Store,
        requests: Arc<RwLock<()>>,
        fsyncs: Arc<PendingFsyncs>,
        table: String,
        partition: Partition,
        key: Path,
        upload: String,
    ) -> Self {
        Self {
            store,
            requests,
            fsyncs,
            table,
            partition,
            key,
            upload,
            waiting: Vec::new(),
            waiting_bytes: 0,
            size_bytes: 0,
            sent: 0,
            tags: Vec::new(),
            in_flight: None,
        }
    }

    /// Returns the key that the file will have.
    #[must_use]
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Returns the number of bytes passed to `write` so far, sent or waiting.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Adds bytes to the file. If they complete a piece, sends it, after waiting for the piece in flight.
    ///
    /// # Errors
    /// The kind of the store's failure; the writer cannot be used afterwards.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.size_bytes += bytes.len() as u64;
        while self.waiting_bytes + bytes.len() >= PIECE_BYTES {
            // All pieces have the same size, because some stores require it.
            let piece = bytes.split_to(PIECE_BYTES - self.waiting_bytes);
            self.hold(piece);
            self.send().await?;
        }
        self.hold(bytes);
        Ok(())
    }

    /// Appends bytes to `waiting`.
    fn hold(&mut self, bytes: Bytes) {
        self.waiting_bytes += bytes.len();
        if !bytes.is_empty() {
            self.waiting.push(bytes);
        }
    }

    /// Sends the waiting bytes as the next piece, once the previous one has arrived.
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
        // The lock is held from before the request starts until the store answers, so that an abandoned attempt can
        // wait for the request.
        let request = Arc::clone(&self.requests).read_owned().await;
        self.in_flight = Some(tokio::spawn(async move {
            let _request = request;
            objects.put_part(&key, &upload, index, payload).await
        }));
        Ok(())
    }

    /// Waits for the piece in flight and keeps its tag.
    async fn arrived(&mut self) -> Result<()> {
        let Some(piece) = self.in_flight.take() else {
            return Ok(());
        };
        let tag = piece.await.unwrap_or_else(|error| Err(error.into()));
        self.tags.push(tag.map_err(|error| self.explain(error))?);
        Ok(())
    }

    /// Converts an error of the store to one that names the file and the remedy.
    fn explain(&self, error: object_store::Error) -> Error {
        let url = self.store.location().url(&self.key);
        let explained = self.store.explain(error, format!("write `{url}`"));
        // A missing upload is not a missing input: another process aborted it, or the store dropped it.
        if explained.kind() == ErrorKind::InputMissing {
            let message = format!("the upload of `{url}` no longer exists");
            return Error::new(ErrorKind::TryAgain, message)
                .caused_by(explained)
                .hint("run the same command again: the run starts over");
        }
        explained
    }

    /// Sends the rest of the file, which holds `rows` rows, and starts its fsync in the background. The disk then works
    /// while the next file is computed.
    ///
    /// # Errors
    /// The kind of the store's failure.
    pub async fn finish(self, rows: u64) -> Result<StagedPart> {
        self.finish_with_sums(rows, Sums::new()).await
    }

    /// As [`PartWriter::finish`], for a file of which the record keeps the sums of some columns.
    ///
    /// # Errors
    /// The kind of the store's failure.
    pub async fn finish_with_sums(mut self, rows: u64, sums: Sums) -> Result<StagedPart> {
        if self.waiting_bytes > 0 || self.sent == 0 {
            self.send().await?;
        }
        self.arrived().await?;
        let (key, upload) = (self.key.clone(), self.upload.clone());
        self.fsyncs.begin(&self.store, key, upload, self.size_bytes);
        Ok(StagedPart {
            table: self.table,
            part: Part {
                key: self.key.to_string(),
                size_bytes: self.size_bytes,
                rows,
                partition: self.partition,
                sums,
                upload: Upload {
                    id: self.upload,
                    tags: self.tags,
                },
            },
        })
    }
}
