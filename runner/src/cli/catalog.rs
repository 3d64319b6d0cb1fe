//! Converts the flags for a catalog.

use std::path::Path;

use crate::catalog::{FileCatalog, SchemaChange};
use crate::cli::SchemaChangeAction;
use crate::error::{Error, ErrorKind, Result};

/// Returns the catalog that a flag names: `file:<folder>`.
///
/// # Errors
/// `Usage` for any other text.
pub fn catalog(flag: &str, text: &str) -> Result<FileCatalog> {
    match text.strip_prefix("file:") {
        Some(folder) if !folder.is_empty() => Ok(FileCatalog::new(Path::new(folder))),
        _ => Err(Error::new(
            ErrorKind::Usage,
            format!("`{flag} {text}` does not name a catalog"),
        )
        .hint(format!(
            "write `{flag} file:./catalog` for a catalog in a folder"
        ))),
    }
}

impl From<SchemaChangeAction> for SchemaChange {
    fn from(action: SchemaChangeAction) -> Self {
        match action {
            SchemaChangeAction::Fail => Self::Fail,
            SchemaChangeAction::Add => Self::Add,
        }
    }
}
