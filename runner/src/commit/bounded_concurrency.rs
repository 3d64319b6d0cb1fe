//! Several requests at once.

use std::vec;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, Iter, StreamExt};

/// Requests that are under way at once hide the store's latency; more than this only queue.
const AT_ONCE: usize = 16;

/// Pieces of work as one stream of their results, 16 at a time, in order.
///
/// They are boxed before they are a stream: closures that lend to their futures would make the caller's future one that no
/// other thread can take over.
pub(crate) fn together<'a, T: 'a>(
    work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'a>,
) -> stream::Buffered<Iter<vec::IntoIter<BoxFuture<'a, T>>>> {
    let work: Vec<_> = work.into_iter().map(FutureExt::boxed).collect();
    stream::iter(work).buffered(AT_ONCE)
}
