//! Concurrent requests to a store, with a fixed limit.

use std::vec;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, Iter, StreamExt};

/// The largest number of requests in flight: enough to hide the store's latency; more would only queue.
const AT_ONCE: usize = 16;

/// Returns the results of `work` as a stream, in order, with at most 16 futures in flight.
///
/// The futures are boxed before they become a stream. A stream over closures that borrow would make the caller's future
/// not `Send`.
pub(crate) fn together<'a, T: 'a>(
    work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'a>,
) -> stream::Buffered<Iter<vec::IntoIter<BoxFuture<'a, T>>>> {
    let work: Vec<_> = work.into_iter().map(FutureExt::boxed).collect();
    stream::iter(work).buffered(AT_ONCE)
}
