//! The port that a run asks, right before its commit, whether it may still commit.

use async_trait::async_trait;

use crate::error::Result;

/// Port to the process that decides whether a run may still commit.
#[async_trait]
pub trait Fence: Send + Sync {
    /// Reports that the run is alive and asks whether it may commit.
    ///
    /// # Errors
    /// Any error means that the run may not commit: nothing is committed, and the run fails with this error.
    async fn may_commit(&self) -> Result<()>;

    /// Announces that the run is about to put its record. From then on, only the log says whether the run was
    /// committed.
    ///
    /// The run calls this function before each record number that it tries.
    ///
    /// # Errors
    /// Any error means that the announcement was not received: no record is written, and the run fails with this error.
    async fn about_to_put(&self) -> Result<()>;

    /// Reports that the announced put has not landed, or that its record is void, and that the run starts over: until
    /// the next announcement, nothing of it can be committed.
    ///
    /// # Errors
    /// Any error means that the run may not start over, and it fails with this error.
    async fn starts_over(&self) -> Result<()> {
        Ok(())
    }
}

/// The fence of a run that may always commit, such as one from a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unfenced;

#[async_trait]
impl Fence for Unfenced {
    async fn may_commit(&self) -> Result<()> {
        Ok(())
    }

    async fn about_to_put(&self) -> Result<()> {
        Ok(())
    }
}
