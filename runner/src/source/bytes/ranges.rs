//! Reads an object as a stream of ranges, several of them in flight at once.
//!
//! Large ranges are used for every kind of store: the file store's own stream changes threads every 8 KiB, which took
//! longer than the reading itself.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::runtime::SpawnedTask;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::store::{Location, explain};
use crate::{Error, ErrorKind, Result};

/// Streams a whole object in ranges of `range_bytes`, at most `ahead` of them in flight.
pub(crate) fn fetch(
    store: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    file: &Arc<str>,
    range_bytes: usize,
    ahead: usize,
) -> BoxStream<'static, Result<Bytes>> {
    let (store, path, file) = (Arc::clone(store), meta.location.clone(), Arc::clone(file));
    let (size, step) = (meta.size, range_bytes as u64);
    stream::iter((0..size).step_by(range_bytes))
        .map(move |start| {
            let (store, path, file) = (Arc::clone(&store), path.clone(), Arc::clone(&file));
            async move {
                // A separate task lets the request proceed while the consumer does not poll this stream.
                let request = SpawnedTask::spawn(async move {
                    store
                        .get_range(&path, start..size.min(start + step))
                        .await
                        .map_err(|error| store_error(error, &file))
                });
                request.join().await.unwrap_or_else(|error| {
                    Err(Error::new(
                        ErrorKind::Failed,
                        format!("reading an input file ended unexpectedly: {error}"),
                    ))
                })
            }
        })
        .buffered(ahead)
        .boxed()
}

/// Converts an error of the store into one that names the object and suggests a remedy.
pub(crate) fn store_error(error: object_store::Error, file: &str) -> Error {
    let location = Location::parse(file).unwrap_or(Location::Memory);
    explain(error, format!("read `{file}`"), &location)
}
