//! The port to a catalog of tables.

use async_trait::async_trait;

use crate::catalog::shapes::{CatalogPartition, CatalogTable, StoredTable};
use crate::error::Result;

/// The outcome of a request that changes a table under a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a table that was not written must be read again"]
pub enum Written {
    /// The table was written.
    Done,
    /// Another process has written the table meanwhile; nothing was written.
    Stale,
}

/// Port to one database of a catalog. Each function is one or more requests; requests of several processes may come in
/// any order.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Returns the place of the catalog, as `--register` names it, for messages.
    fn place(&self) -> String;

    /// Returns the names of all tables.
    ///
    /// # Errors
    /// The kind of the catalog's failure.
    async fn tables(&self) -> Result<Vec<String>>;

    /// Returns a table; `None` if there is no such table.
    ///
    /// # Errors
    /// The kind of the catalog's failure.
    async fn table(&self, name: &str) -> Result<Option<StoredTable>>;

    /// Creates a table, unless there is one of this name.
    ///
    /// # Errors
    /// The kind of the catalog's failure.
    async fn create_table(&self, table: &CatalogTable) -> Result<Written>;

    /// Replaces the description of a table, unless its version is another one.
    ///
    /// # Errors
    /// The kind of the catalog's failure.
    async fn update_table(&self, table: &CatalogTable, version_id: &str) -> Result<Written>;

    /// Returns all partitions of a table.
    ///
    /// # Errors
    /// The kind of the catalog's failure.
    async fn partitions(&self, table: &str) -> Result<Vec<CatalogPartition>>;

    /// Creates partitions. Those that exist already stay as they are.
    ///
    /// # Errors
    /// The kind of the catalog's failure; the message names the first partition that was refused.
    async fn create_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()>;

    /// Replaces the descriptions of partitions. Those that no longer exist are left out.
    ///
    /// # Errors
    /// As [`Catalog::create_partitions`].
    async fn update_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()>;

    /// Deletes the partitions with these values. Those that no longer exist are left out.
    ///
    /// # Errors
    /// As [`Catalog::create_partitions`].
    async fn delete_partitions(&self, table: &str, values: &[Vec<String>]) -> Result<()>;
}
