//! Routes of the task calls of a simulated machine: local services where one exists, and mocks for everything else.

use drivetrain_statemachine::{TaskHandler, TaskRouter};

use crate::machines::buckets::handler::Buckets;

/// Returns the handler of a machine's calls: folders answer the S3 calls of Map states, `mocks` all others.
///
/// A local replacement for another service is one more route here.
pub fn task_routes(mocks: impl TaskHandler + 'static, buckets: Buckets) -> TaskRouter {
    let router = TaskRouter::new(mocks);
    if buckets.is_empty() {
        // Without folders, mocks answer S3 calls too, by the name of the calling state.
        router
    } else {
        router.service("s3", buckets)
    }
}
