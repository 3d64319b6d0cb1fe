//! Converts a query's failure into an error with a kind and a hint.

use datafusion::common::DataFusionError;

use crate::error::{Cause, Error, ErrorKind};
use crate::sql::bad_value::BadValue;
use crate::store;

/// Converts a query's failure. A lack of memory becomes `OutOfMemory` and a lack of disk `Failed`, with a hint that
/// names the setting to raise. An error of this crate keeps its kind.
#[must_use]
pub fn query_error(error: DataFusionError) -> Error {
    if let Some(replaced) = store::replaced(&error) {
        let message = format!("{replaced}, by a later run or another writer");
        return Error::new(ErrorKind::TryAgain, message)
            .caused_by(error)
            .hint("run the same command again, which reads the new version: nothing was published, and rows that were already printed are of the old version");
    }
    let root = error.find_root();
    if let DataFusionError::ResourcesExhausted(_) = root {
        return Error::new(
            ErrorKind::OutOfMemory,
            "the query needs more memory than the limit allows",
        )
        .caused_by(error)
        .hint("raise `--memory-limit`, or point `--spill-dir` to a disk with more space");
    }
    if let DataFusionError::External(external) = root
        && let Some(own) = external.downcast_ref::<Error>()
    {
        return Error::new(own.kind(), own.to_string()).caused_by(error);
    }
    if let Some(bad) = BadValue::of(root) {
        return bad.error(error);
    }
    let no_space = |error: &std::io::Error| error.kind() == std::io::ErrorKind::StorageFull;
    if matches!(root, DataFusionError::IoError(io) if no_space(io)) {
        return Error::new(ErrorKind::Failed, "the spill directory is full")
            .caused_by(error)
            .hint("point `--spill-dir` to a disk with more space, or raise `--memory-limit`");
    }
    Error::new(ErrorKind::Failed, "the query failed").caused_by(Cause::from(error))
}
