//! A catalog in a folder of the local file system: a file for each table, in Glue's shapes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::catalog::port::{Catalog, Written};
use crate::catalog::shapes::{CatalogPartition, CatalogTable, StoredTable};
use crate::error::{Context, Error, ErrorKind, Result};

/// The suffix of a table's file.
const SUFFIX: &str = ".json";
/// The file that a process locks while it changes a table.
const LOCK: &str = ".lock";

/// A catalog in a folder. Processes that change it take turns; a reader sees a table before or after a change.
#[derive(Clone, Debug)]
pub struct FileCatalog {
    /// The folder, which is the database.
    folder: PathBuf,
}

/// The content of a table's file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableFile {
    /// The table with its version.
    table: StoredTable,
    /// The partitions, in the order of their values.
    partitions: Vec<CatalogPartition>,
}

impl FileCatalog {
    /// Returns the catalog in a folder, which its first table creates.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Returns the path of a table's file.
    fn path(&self, table: &str) -> PathBuf {
        self.folder.join(format!("{table}{SUFFIX}"))
    }

    /// Reads the file of a table; `None` if there is none.
    fn read(&self, table: &str) -> Result<Option<TableFile>> {
        let path = self.path(table);
        let cannot = || format!("cannot read the catalog's table `{}`", path.display());
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.context(ErrorKind::Failed, cannot())?,
        };
        let file = serde_json::from_str(&text).context(ErrorKind::Failed, cannot());
        file.map(Some).map_err(|error| {
            error.hint("delete the file: `drivetrain register` makes it again from the job's log")
        })
    }

    /// Changes the file of a table while no other process does. `change` gets the content, `None` if there is no such
    /// table, and returns the new content with a result; without content, nothing is written.
    fn change<T>(
        &self,
        table: &str,
        change: impl FnOnce(Option<TableFile>) -> Result<(Option<TableFile>, T)>,
    ) -> Result<T> {
        let cannot = format!("cannot write to the catalog `{}`", self.folder.display());
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Failed, cannot.clone())
                .caused_by(error)
                .hint("name a folder that this user may create and write to")
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let lock = File::create(self.folder.join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let (changed, result) = change(self.read(table)?)?;
        if let Some(changed) = changed {
            let text = serde_json::to_vec_pretty(&changed).context(
                ErrorKind::Failed,
                "a catalog's table cannot be converted to JSON; this is a bug",
            )?;
            let path = self.path(table);
            let new = path.with_extension("new");
            let written = File::create(&new).and_then(|mut file| {
                file.write_all(&text)?;
                file.sync_all()
            });
            written
                .and_then(|()| fs::rename(&new, &path))
                .map_err(failed)?;
        }
        Ok(result)
    }

    /// Changes the partitions of a table, which must exist.
    fn change_partitions(
        &self,
        table: &str,
        change: impl FnOnce(&mut BTreeMap<Vec<String>, CatalogPartition>),
    ) -> Result<()> {
        self.change(table, |file| {
            let Some(file) = file else {
                return Err(no_table(&self.path(table)));
            };
            let partitions = file.partitions.into_iter();
            let mut partitions = partitions
                .map(|partition| (partition.values.clone(), partition))
                .collect();
            change(&mut partitions);
            let changed = TableFile {
                table: file.table,
                partitions: partitions.into_values().collect(),
            };
            Ok((Some(changed), ()))
        })
    }
}

/// Returns the error for a table that another process has deleted.
fn no_table(path: &Path) -> Error {
    let message = format!("the catalog has no table `{}` any more", path.display());
    Error::new(ErrorKind::TryAgain, message)
}

#[async_trait]
impl Catalog for FileCatalog {
    fn place(&self) -> String {
        format!("file:{}", self.folder.display())
    }

    async fn tables(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder);
        let cannot = format!("cannot read the catalog `{}`", self.folder.display());
        let entries = match entries {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context(ErrorKind::Failed, &cannot)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.context(ErrorKind::Failed, &cannot)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            names.extend(name.map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    async fn table(&self, name: &str) -> Result<Option<StoredTable>> {
        Ok(self.read(name)?.map(|file| file.table))
    }

    async fn create_table(&self, table: &CatalogTable) -> Result<Written> {
        self.change(&table.name, |file| {
            if file.is_some() {
                return Ok((None, Written::Stale));
            }
            let created = TableFile {
                table: StoredTable {
                    table: table.clone(),
                    version_id: "0".to_owned(),
                },
                partitions: Vec::new(),
            };
            Ok((Some(created), Written::Done))
        })
    }

    async fn update_table(&self, table: &CatalogTable, version_id: &str) -> Result<Written> {
        self.change(&table.name, |file| {
            let Some(mut file) = file.filter(|file| file.table.version_id == version_id) else {
                return Ok((None, Written::Stale));
            };
            let version: u64 = file.table.version_id.parse().unwrap_or_default();
            file.table = StoredTable {
                table: table.clone(),
                version_id: (version + 1).to_string(),
            };
            Ok((Some(file), Written::Done))
        })
    }

    async fn partitions(&self, table: &str) -> Result<Vec<CatalogPartition>> {
        let file = self.read(table)?;
        Ok(file.map(|file| file.partitions).unwrap_or_default())
    }

    async fn create_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()> {
        self.change_partitions(table, |found| {
            for partition in partitions {
                let entry = found.entry(partition.values.clone());
                entry.or_insert_with(|| partition.clone());
            }
        })
    }

    async fn update_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()> {
        self.change_partitions(table, |found| {
            for partition in partitions {
                if let Some(entry) = found.get_mut(&partition.values) {
                    *entry = partition.clone();
                }
            }
        })
    }

    async fn delete_partitions(&self, table: &str, values: &[Vec<String>]) -> Result<()> {
        self.change_partitions(table, |found| {
            for values in values {
                found.remove(values);
            }
        })
    }
}
