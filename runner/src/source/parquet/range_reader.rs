//! Fetches the byte ranges of one object that the Parquet reader requests.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::watch::Progress;

/// A listed object whose reads count as progress.
pub(crate) struct ParquetObject {
    /// The store that holds the object. It rejects the read of an object that was replaced after the listing.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The object as it was listed; because its size is known, no request is needed for it.
    pub(crate) meta: ObjectMeta,
    /// The progress to which fetched bytes are added.
    pub(crate) progress: Progress,
}

impl AsyncFileReader for ParquetObject {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let bytes = self
                .store
                .get_range(&self.meta.location, range)
                .await
                .map_err(|error| ParquetError::External(Box::new(error)))?;
            self.progress.add_bytes(bytes.len() as u64);
            Ok(bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let chunks = self
                .store
                .get_ranges(&self.meta.location, &ranges)
                .await
                .map_err(|error| ParquetError::External(Box::new(error)))?;
            let bytes = chunks.iter().map(Bytes::len).sum::<usize>();
            self.progress.add_bytes(bytes as u64);
            Ok(chunks)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.meta.size;
            let metadata = ParquetMetaDataReader::new()
                .load_and_finish(self, size)
                .await?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}
