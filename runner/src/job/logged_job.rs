//! Jobs that have a log below an output root, found by name or folder.

use drivetrain_jobs::{name, suggestion};

use crate::commit::jobs_with_log;
use crate::error::{Error, ErrorKind, Result};
use crate::job::job_folder::JobFolder;
use crate::store::{Location, S3Settings, Store};

/// A job that has a log below an output root: `runs`, `repair` and `vacuum` work on its log.
#[derive(Debug)]
pub struct LoggedJob {
    /// The store of the output root, which holds the log.
    pub store: Store,
    /// The name of the job, which is also its folder below the output root.
    pub name: String,
}

impl LoggedJob {
    /// Finds a job for `runs`, `repair` and `vacuum`, by its name or by the folder or URL that `run` takes.
    ///
    /// # Errors
    /// `Usage` for a text that is neither a valid name nor a job's folder. `InputMissing` if the job has no log,
    /// because an empty answer would look like a job with nothing to do. Otherwise the kind of the store's failure.
    pub async fn find(job: &str, output: &Location) -> Result<Self> {
        let name = name_of(job).await?;
        let store = Store::open(output, &S3Settings::default()).await?;
        let known = jobs_with_log(&store).await?;
        if known.contains(&name) {
            return Ok(Self { store, name });
        }
        let message = format!("the job `{name}` has no runs in `{}`", store.location());
        let listed = match known.as_slice() {
            [] => {
                "this location has no runs of any job: pass the same `--output` as in `drivetrain run`".to_owned()
            }
            known => format!("the jobs with runs in this location are `{}`", known.join("`, `")),
        };
        let nearest = suggestion::nearest(&name, known.iter().map(String::as_str));
        let hint = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`? {listed}"),
            None => listed,
        };
        Err(Error::new(ErrorKind::InputMissing, message).hint(hint))
    }
}

/// Returns the name of a job. A valid name needs no job folder, because a log can outlive the folder of its job.
async fn name_of(job: &str) -> Result<String> {
    if name::is_legal(job) {
        return Ok(job.to_owned());
    }
    if JobFolder::is_place(job) {
        return Ok(JobFolder::read(job).await?.job().await?.name);
    }
    let message = format!("`{job}` is not a valid job name");
    Err(Error::new(ErrorKind::Usage, message).hint(
        "pass the job's name, such as `my_job`, or the folder that contains its `job.toml`, such as `./my_job`",
    ))
}
