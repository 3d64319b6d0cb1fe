//! Finds a job that is bundled with the binary, in a folder, or at a URL.

use std::collections::BTreeMap;

use drivetrain_jobs::job::{Job, JobFile};
use drivetrain_jobs::{Problem, bundled};
use object_store::path::Path;
use tracing::debug;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::{Location, S3Settings, Store};

/// The largest number of files in a job folder. People write these files, so a larger folder is a mistake, such as the
/// output root itself.
const MOST_FILES: usize = 1_000;

/// The largest size of a file in a job folder, in bytes. A larger file is data, not text, and is skipped.
const MOST_BYTES: u64 = 1 << 20;

/// The text files of a job, and of the job folders beside it.
#[derive(Debug)]
pub struct JobFolder {
    /// The job as the command line names it: a bundled name, a folder or a URL.
    pub named: String,
    /// The `.toml` and `.sql` files of the job.
    pub files: Vec<JobFile>,
    /// The files of the job folders beside this one, by folder name. The job may take contracts and tables from them.
    pub siblings: BTreeMap<String, Vec<JobFile>>,
}

impl JobFolder {
    /// Reads a bundled job by its name, or any other job from its folder or URL.
    ///
    /// A bundled job takes precedence over a folder with its name. Any other text must contain a `/`, `.` or `\`, or be
    /// the name of a folder in the current directory.
    ///
    /// # Errors
    /// `Usage` for an unknown name, or for a folder that is missing or has files that are not text; otherwise the kind
    /// of the store's failure.
    pub async fn read(named: &str) -> Result<Self> {
        if let Some(files) = bundled::files(named) {
            return Ok(Self {
                named: named.to_owned(),
                files,
                siblings: BTreeMap::new(),
            });
        }
        if !Self::is_place(named) && !std::path::Path::new(named).is_dir() {
            let known = bundled::NAMES.map(|name| format!("`{name}`")).join(", ");
            return Err(Error::new(
                ErrorKind::Usage,
                format!("there is no bundled job `{named}`"),
            )
            .hint(format!(
                "the bundled jobs are {known}; for a folder of your own, write `./{named}`"
            )));
        }
        let location = Location::parse(named)?;
        let (root, folder) = parent(&location)?;
        let unreadable = |error: Error| {
            // A missing folder is a mistake in the command. Any other failure of the store keeps its kind.
            let kind = match error.kind() {
                ErrorKind::InputMissing => ErrorKind::Usage,
                kind => kind,
            };
            let message = format!("cannot read the job folder `{named}`");
            let hint = error.hint_text().map(str::to_owned);
            let unreadable = Error::new(kind, message).caused_by(error);
            match hint {
                Some(hint) => unreadable.hint(hint),
                None => unreadable,
            }
        };
        let store = Store::open(&root, &S3Settings::default())
            .await
            .map_err(unreadable)?;
        let files = files(&store, &folder).await.map_err(unreadable)?;
        if files.is_empty() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "the job folder `{named}` does not exist or has no `.toml` or `.sql` files"
                ),
            )
            .hint("`drivetrain new job <name>` creates a job folder that works"));
        }
        let siblings = siblings(&store, &folder).await.map_err(unreadable)?;
        Ok(Self {
            named: named.to_owned(),
            files,
            siblings,
        })
    }

    /// Returns `true` if the text contains a `/`, `.` or `\`: it is then a folder or URL of a job, and not a name.
    #[must_use]
    pub fn is_place(named: &str) -> bool {
        named.contains(['/', '.', '\\'])
    }

    /// Returns every problem in the job's files, each with its file, line and column; empty if the job is valid.
    pub async fn problems(&self) -> Vec<Problem> {
        let others = |name: &str| self.siblings.get(name).cloned();
        match Job::check(self.files.clone(), &others).await {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().cloned().collect(),
        }
    }

    /// Checks the files and returns the job. The check plans the SQL over empty tables, so that it finds mistakes
    /// before any data is read.
    ///
    /// # Errors
    /// `Usage`, with every problem of the folder and its position.
    pub async fn job(&self) -> Result<Job> {
        let others = |name: &str| self.siblings.get(name).cloned();
        let checked = Job::check(self.files.clone(), &others).await;
        checked.map_err(|problems| {
            let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Error::new(
                ErrorKind::Usage,
                format!("the job `{}` has errors:\n{}", self.named, list.join("\n")),
            )
            .hint("correct the errors; `drivetrain check` lists them without running the job")
        })
    }
}

/// Splits the location of a job folder into the location of its parent folder and the name of the job folder.
fn parent(location: &Location) -> Result<(Location, Path)> {
    let no_parent = || {
        Error::new(
            ErrorKind::Usage,
            format!("`{location}` is not a job folder"),
        )
        .hint("pass the folder that contains `job.toml`")
    };
    match location {
        Location::Folder(folder) => {
            let name = folder
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(no_parent)?;
            let parent = folder.parent().ok_or_else(no_parent)?;
            let name = Path::parse(name)
                .map_err(object_store::Error::from)
                .context(
                    ErrorKind::Usage,
                    format!("`{location}` is not a valid folder name"),
                )?;
            Ok((Location::Folder(parent.to_owned()), name))
        }
        Location::S3 { bucket, prefix } => {
            let mut parts: Vec<_> = prefix.parts().collect();
            let name = parts.pop().ok_or_else(no_parent)?;
            let parent = Location::S3 {
                bucket: bucket.clone(),
                prefix: parts.into_iter().collect(),
            };
            Ok((parent, Path::from_iter([name])))
        }
        Location::Memory => Err(no_parent()),
    }
}

/// Reads the `.toml` and `.sql` files of a job folder, sorted by name.
async fn files(store: &Store, folder: &Path) -> Result<Vec<JobFile>> {
    let listed = store.list(folder).await?;
    if listed.len() > MOST_FILES {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "`{}` has {} files, but a job folder can have at most {MOST_FILES}",
                store.location().url(folder),
                listed.len()
            ),
        )
        .hint("pass the folder that contains `job.toml`"));
    }
    let mut files = Vec::new();
    for object in listed {
        let Some(name) = below(folder, &object.location) else {
            continue;
        };
        let is_text = std::path::Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "toml" || extension == "sql");
        if !is_text || object.size > MOST_BYTES {
            continue;
        }
        let url = store.location().url(&object.location);
        let bytes = store.read(&object.location).await?.unwrap_or_default();
        let text = String::from_utf8(bytes.into())
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
            .context(ErrorKind::Usage, format!("`{url}` is not UTF-8"))
            .map_err(|error| error.hint("save the file as UTF-8"))?;
        files.push(JobFile { name, text });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Reads the folders beside a job that have a `job.toml`, by folder name.
async fn siblings(store: &Store, folder: &Path) -> Result<BTreeMap<String, Vec<JobFile>>> {
    let listed = store
        .reader()
        .list_with_delimiter(None)
        .await
        .map_err(|error| store.explain(error, "list the folders beside the job folder"))?;
    let mut siblings = BTreeMap::new();
    for sibling in listed.common_prefixes {
        if sibling == *folder {
            continue;
        }
        let manifest = Path::parse(format!("{sibling}/job.toml"))
            .map_err(object_store::Error::from)
            .context(
                ErrorKind::Usage,
                format!(
                    "`{}` is not a valid folder name",
                    store.location().url(&sibling)
                ),
            )
            .map_err(|error| error.hint("rename this folder, which is beside the job folder"))?;
        if store.look(&manifest).await?.is_some()
            && let Some(name) = sibling.filename()
        {
            match files(store, &sibling).await {
                Ok(files) => {
                    siblings.insert(name.to_owned(), files);
                }
                // The job may not need this folder. If it does, the check reports the folder as missing.
                Err(error) if error.kind() == ErrorKind::Usage => {
                    debug!(folder = name, %error, "a folder beside the job cannot be read and is ignored");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(siblings)
}

/// Returns the key relative to a folder; `None` if the key is not below the folder or has a hidden name in its path.
fn below(folder: &Path, key: &Path) -> Option<String> {
    let parts: Vec<String> = key
        .prefix_match(folder)?
        .map(|part| part.as_ref().to_owned())
        .collect();
    let hidden = parts.iter().any(|part| part.starts_with(['.', '_']));
    (!hidden && !parts.is_empty()).then(|| parts.join("/"))
}
