//! The last questions before a commit: whether the run is still wanted, and the notice that its record is about to be put.

use async_trait::async_trait;

use crate::error::Result;

/// Port to the process that decides whether a run may still commit.
#[async_trait]
pub trait Fence: Send + Sync {
    /// Reports that the run is alive and asks whether it may commit.
    ///
    /// # Errors
    /// Any error means that it may not: nothing is committed, and this error is the run's.
    async fn may_commit(&self) -> Result<()>;

    /// Announces that the record is put next: from then on only the log says whether the run was committed. Called once per
    /// number that the run aims at.
    ///
    /// # Errors
    /// Any error means that the announcement was not received: nothing is put, and this error is the run's.
    async fn about_to_put(&self) -> Result<()>;
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
