//! Routes the task calls of a simulated machine to local services, or to mocks if there is no local service.

use drivetrain_statemachine::{TaskHandler, TaskRouter};

use crate::machines::buckets::handler::Buckets;

/// Creates the router of a machine's calls: folders answer the S3 calls of Map states, and `mocks` all other calls.
///
/// To add a local replacement for another service, add a route here.
pub fn task_routes(mocks: impl TaskHandler + 'static, buckets: Buckets) -> TaskRouter {
    let router = TaskRouter::new(mocks);
    if buckets.is_empty() {
        // Without folders, mocks also answer the S3 calls, under the name of the calling state.
        router
    } else {
        router.service("s3", buckets)
    }
}
