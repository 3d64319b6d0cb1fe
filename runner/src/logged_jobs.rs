//! Which jobs have a log below an output root, and which of them a command means.

use drivetrain_jobs::{name, suggestion};
use object_store::path::Path;

use crate::cli::LogArgs;
use crate::error::{Error, ErrorKind, Result};
use crate::job_folder::JobFolder;
use crate::store::{Location, S3Settings, Store};

/// A job whose log was found.
#[derive(Debug)]
pub struct LoggedJob {
    /// The root of its tables.
    pub store: Store,
    /// Its name.
    pub name: String,
}

impl LoggedJob {
    /// Finds the job that `runs`, `repair` and `vacuum` are told: by its name, or by the folder or URL that `run` takes.
    ///
    /// # Errors
    /// `Usage` for what is neither a name nor a job's folder; `InputMissing` where no such job ever ran, which is otherwise
    /// taken for one that needs nothing; else as the store says.
    pub async fn find(args: &LogArgs) -> Result<Self> {
        let name = name_of(&args.job).await?;
        let store = Store::open(&Location::parse(&args.output)?, &S3Settings::default()).await?;
        let known = logged_jobs(&store).await?;
        if known.contains(&name) {
            return Ok(Self { store, name });
        }
        let message = format!(
            "no run of the job `{name}` is known in `{}`",
            store.location()
        );
        let listed = match known.as_slice() {
            [] => "no job ever ran there; name the `--output` of a run".to_owned(),
            known => format!("the jobs with a log there are `{}`", known.join("`, `")),
        };
        let nearest = suggestion::nearest(&name, known.iter().map(String::as_str));
        let hint = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`? {listed}"),
            None => listed,
        };
        Err(Error::new(ErrorKind::InputMissing, message).hint(hint))
    }
}

/// The jobs that have a log below an output root.
///
/// # Errors
/// As the store says.
pub async fn logged_jobs(store: &Store) -> Result<Vec<String>> {
    let listed = store
        .reader()
        .list_with_delimiter(Some(&Path::from("_drivetrain")))
        .await
        .map_err(|error| store.explain(error, "list the jobs"))?;
    Ok(listed
        .common_prefixes
        .iter()
        .filter_map(|prefix| prefix.filename().map(str::to_owned))
        .collect())
}

/// A log outlives its job's folder, so that a name needs none.
async fn name_of(job: &str) -> Result<String> {
    if name::is_legal(job) {
        return Ok(job.to_owned());
    }
    if JobFolder::is_place(job) {
        return Ok(JobFolder::read(job).await?.job().await?.name);
    }
    let message = format!("`{job}` is no name of a job");
    Err(Error::new(ErrorKind::Usage, message).hint(
        "name the job as its tables' folder is named, or name its folder with a `/`, such as `./my_job`",
    ))
}
