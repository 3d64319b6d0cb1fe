//! The stand-ins of an execution: local services that answer its tasks in place of AWS services.

use drivetrain_statemachine::{TaskHandler, TaskRouter};

use crate::machines::buckets::handler::Buckets;

/// The stand-ins of one execution; a service without one is answered by mocks.
///
/// To add a service, add a field here, and in [`StandIns::router`] a route for each name of the service, such as `glue`
/// and `aws-sdk:glue`.
#[derive(Clone, Debug, Default)]
pub struct StandIns {
    /// Local folders that replace the S3 buckets that Map states read and write.
    pub buckets: Buckets,
}

impl StandIns {
    /// Returns stand-ins that keep in memory what tasks write, so that executions can share their folders.
    #[must_use]
    pub fn keeping_writes(self) -> Self {
        Self {
            buckets: self.buckets.keeping_writes(),
        }
    }

    /// Creates a handler that sends each call to the stand-in of its service, or to `mocks` if there is none.
    pub fn router(self, mocks: impl TaskHandler + 'static) -> TaskRouter {
        let router = TaskRouter::new(mocks);
        if self.buckets.is_empty() {
            // Without folders, mocks also answer the S3 calls, under the name of the calling state.
            router
        } else {
            router.service("s3", self.buckets)
        }
    }
}
