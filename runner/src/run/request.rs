//! The request for a run: job, settings, and the ports that the run talks to.

use chrono::{DateTime, Utc};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::Parameters;

use crate::catalog::{Catalog, SchemaChange};
use crate::commit::Fence;
use crate::run::roots::Roots;
use crate::run::settings::RunSettings;
use crate::watch::{StageObserver, StopSignal};

/// All that [`outcome::execute`](crate::run::outcome::execute) needs for one run: the job, its settings, and the ports
/// that stop, fence and observe it.
pub struct RunRequest<'a> {
    /// The job to run, already checked.
    pub job: Job,
    /// The settings of the run, with all flags resolved.
    pub settings: RunSettings,
    /// The port to the process that decides whether the run may still commit.
    pub fence: &'a dyn Fence,
    /// The signal that asks the run to stop.
    pub stop: &'a StopSignal,
    /// The observer that shows each stage and its progress.
    pub stages: &'a dyn StageObserver,
    /// The time at which the run started, as its report shows it.
    pub started_at: DateTime<Utc>,
    /// The catalog in which the run registers its tables; `None` for a run that registers nothing.
    pub register: Option<Register<'a>>,
}

/// The catalog in which a run registers its tables, and how.
#[derive(Clone, Copy)]
pub struct Register<'a> {
    /// The port to the catalog.
    pub catalog: &'a dyn Catalog,
    /// What to do if the columns of a table have changed.
    pub schema_change: SchemaChange,
    /// Whether to take over a table at our location that another tool has made.
    pub adopts: bool,
}

/// A run in progress: its request, bound parameters and open roots. Every stage takes it.
pub(crate) struct RunInProgress<'a> {
    /// The request that the run executes; it holds the job, the settings and the ports.
    pub request: &'a RunRequest<'a>,
    /// The job's parameters with the values that queries bind, given or default.
    pub parameters: Parameters,
    /// The stores of the raw data and of the tables.
    pub roots: Roots,
}

impl RunInProgress<'_> {
    /// Returns the job that the run executes.
    pub fn job(&self) -> &Job {
        &self.request.job
    }

    /// Returns the settings, with all flags resolved.
    pub fn settings(&self) -> &RunSettings {
        &self.request.settings
    }

    /// Returns the signal that asks the run to stop.
    pub fn stop(&self) -> &StopSignal {
        self.request.stop
    }
}
