//! Routes of the tasks of a machine that runs here: each service that has a stand-in, and mocks for everything else.

use drivetrain_statemachine::{TaskHandler, TaskRouter};

use crate::machines::buckets::handler::Buckets;

/// Returns the handler of a machine's calls: folders answer what Map states read and write, `mocks` the rest.
///
/// A stand-in for another service is one more route here.
pub fn task_routes(mocks: impl TaskHandler + 'static, buckets: Buckets) -> TaskRouter {
    let router = TaskRouter::new(mocks);
    if buckets.is_empty() {
        // Mocks answer these calls too, by the states that make them.
        return router;
    }
    router.service("s3", buckets)
}
