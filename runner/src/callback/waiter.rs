//! The port to a process that waits for the end of a run.

use async_trait::async_trait;

use crate::callback::Summary;
use crate::error::Result;

/// Port to a process that waits for the end of a run, such as a state machine's task.
#[async_trait]
pub trait Waiter: Send + Sync {
    /// Receives the end of the run, once.
    ///
    /// # Errors
    /// Any error means that the answer could not be delivered. If the run succeeded, the process exits with the code of
    /// this error.
    async fn ended(&self, summary: &Summary) -> Result<()>;
}

/// The waiter of a run that no process waits for, such as one from a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWaiter;

#[async_trait]
impl Waiter for NoWaiter {
    async fn ended(&self, _summary: &Summary) -> Result<()> {
        Ok(())
    }
}
