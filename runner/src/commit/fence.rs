//! The last question before a commit: is this run still wanted?

use async_trait::async_trait;

use crate::error::Result;

/// The port to whoever waits for the run.
#[async_trait]
pub trait Fence: Send + Sync {
    /// Tells that the run is alive, and hears whether it is still wanted.
    ///
    /// # Errors
    /// Any error means that it is not: nothing is committed, and this error is the run's.
    async fn beat(&self) -> Result<()>;
}

/// Nobody waits: a run from a terminal is always wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unfenced;

#[async_trait]
impl Fence for Unfenced {
    async fn beat(&self) -> Result<()> {
        Ok(())
    }
}
