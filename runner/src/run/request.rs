//! The request for a run: job, settings, and the ports that the run talks to.

use chrono::{DateTime, Utc};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::Parameters;

use crate::commit::Fence;
use crate::run::roots::Roots;
use crate::run::settings::RunSettings;
use crate::watch::{StageObserver, StopSignal};

/// Request for one run of one job.
pub struct RunRequest<'a> {
    /// Job to run.
    pub job: Job,
    /// Settings of the run.
    pub settings: RunSettings,
    /// Port to the process that decides whether the run may still commit.
    pub fence: &'a dyn Fence,
    /// Request to stop.
    pub stop: &'a StopSignal,
    /// Port to the display of the stages.
    pub stages: &'a dyn StageObserver,
    /// Start date of the run.
    pub started_at: DateTime<Utc>,
}

/// A run in progress: its request, bound parameters and open roots. Every stage takes it.
pub(crate) struct Run<'a> {
    /// Request that is run.
    pub request: &'a RunRequest<'a>,
    /// Parameters with their values and types.
    pub parameters: Parameters,
    /// Stores of the raw data and of the tables.
    pub roots: Roots,
}

impl Run<'_> {
    /// Returns the job that is run.
    pub fn job(&self) -> &Job {
        &self.request.job
    }

    /// Returns the settings of the run.
    pub fn settings(&self) -> &RunSettings {
        &self.request.settings
    }

    /// Returns the request to stop.
    pub fn stop(&self) -> &StopSignal {
        self.request.stop
    }
}
