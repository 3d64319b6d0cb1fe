//! The two roots of a run: the root of the raw data, and the root of the tables.

use std::collections::BTreeMap;

use drivetrain_jobs::job::{InputOrigin, Job};

use crate::error::{Error, ErrorKind, Result};
use crate::run::settings::RunSettings;
use crate::store::{RAW, S3Settings, Store};

/// The opened stores of a run: one for the raw data, and one for the tables and the log.
#[derive(Clone, Debug)]
pub struct Roots {
    /// The store of the raw data; `None` if the job reads none.
    pub input: Option<Store>,
    /// The store of the tables and of the log.
    pub output: Store,
}

impl Roots {
    /// Checks that no table would be inside the raw data and no raw data inside a table, then opens both roots.
    ///
    /// # Errors
    /// `Usage` for tables inside the raw data, raw data inside a table, or a missing `--input`; otherwise the kind of
    /// the store's failure.
    pub async fn open(job: &Job, settings: &RunSettings) -> Result<Self> {
        let s3 = S3Settings::default();
        let input = match (&settings.input, reads_raw(job)) {
            (Some(location), Some(_)) => {
                require_apart(job, settings)?;
                Some(Store::open(location, &s3).await?)
            }
            (None, Some(dataset)) => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "job `{}` reads the raw dataset `{dataset}`, but `--input` is missing",
                        job.name
                    ),
                )
                .hint("pass `--input` with the folder or URL that contains `raw/`"));
            }
            (_, None) => None,
        };
        let output = Store::create(&settings.output, &s3).await?;
        Ok(Self { input, output })
    }

    /// Returns the number of requests to both stores so far, by kind.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        let mut sum = BTreeMap::new();
        for store in self.input.iter().chain([&self.output]) {
            let requests = store.requests();
            for (kind, count) in [
                ("get", requests.get),
                ("head", requests.head),
                ("put", requests.put),
                ("list", requests.list),
                ("delete", requests.delete),
                ("multipart", requests.multipart),
            ] {
                *sum.entry(kind.to_owned()).or_default() += count;
            }
        }
        sum
    }
}

/// Returns the folder of the first raw dataset that a job reads; `None` if it reads only tables.
fn reads_raw(job: &Job) -> Option<&str> {
    job.inputs.iter().find_map(|input| match &input.origin {
        InputOrigin::Raw(folder) => Some(folder.as_str()),
        InputOrigin::Table { .. } => None,
    })
}

/// Checks that no table would be inside the raw data, where it would be read, and no raw data inside a table, where it
/// would be replaced.
///
/// # Errors
/// `Usage` if the tables would be inside the raw data, or the raw data inside a table.
pub fn require_apart(job: &Job, settings: &RunSettings) -> Result<()> {
    let (Some(input), Some(_)) = (&settings.input, reads_raw(job)) else {
        return Ok(());
    };
    let raw = input.join(RAW)?;
    if settings.output.is_within(&raw) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "the output root `{}` is inside the raw data `{raw}`",
                settings.output
            ),
        )
        .hint("choose an `--output` outside the raw data; inside it, a run would read the published tables as raw data"));
    }
    for output in &job.outputs {
        let table = settings
            .output
            .join(&format!("{}/{}", job.name, output.name))?;
        if raw.is_within(&table) {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the raw data `{raw}` is inside the table `{table}`"),
            )
            .hint("choose another `--output`: a run that replaces the table would delete the raw data"));
        }
    }
    Ok(())
}
