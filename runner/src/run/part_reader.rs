//! Reads columns of one part of a table, without the rest of the file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// Reader of one part, which asks the store for the ranges of bytes that are needed.
pub(crate) struct PartReader {
    /// The store of the part.
    pub objects: Arc<dyn ObjectStore>,
    /// The key of the part.
    pub key: Path,
    /// The size of the part in bytes.
    pub size_bytes: u64,
}

impl AsyncFileReader for PartReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        let read = async move {
            let bytes = self.objects.get_range(&self.key, range).await;
            bytes.map_err(|error| ParquetError::External(Box::new(error)))
        };
        read.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        let size_bytes = self.size_bytes;
        let read = async move {
            let reader = ParquetMetaDataReader::new();
            reader.load_and_finish(self, size_bytes).await.map(Arc::new)
        };
        read.boxed()
    }
}
