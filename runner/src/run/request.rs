//! What a run is asked to do, and the ports that it talks to.

use chrono::{DateTime, Utc};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::Parameters;

use crate::commit::Fence;
use crate::run::roots::Roots;
use crate::run::settings::RunSettings;
use crate::watch::{StageObserver, StopSignal};

/// One run of one job, as it is asked for.
pub struct RunRequest<'a> {
    /// The job to run.
    pub job: Job,
    /// Where the run reads and writes, and how it decides.
    pub settings: RunSettings,
    /// Port to the process that decides whether the run may still commit.
    pub fence: &'a dyn Fence,
    /// Request to stop.
    pub stop: &'a StopSignal,
    /// Port to the display of the stages.
    pub stages: &'a dyn StageObserver,
    /// The date at which the run began.
    pub started_at: DateTime<Utc>,
}

/// A request with its parameters bound and its roots open, as every stage takes it.
pub(crate) struct Run<'a> {
    pub request: &'a RunRequest<'a>,
    pub parameters: Parameters,
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
