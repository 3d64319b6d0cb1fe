//! The catalog: what a run published, as tables that other engines find by name.
//!
//! ```text
//!  head of the log ──> wanted tables ──┐
//!  (live parts)        of the contract │ difference ──> create, update, delete ──> record number into
//!  catalog ──────────> found tables ───┘   partitions, in batches                  the table, by its version
//!         └──────────────── again, if the log has moved meanwhile or the version is stale
//! ```
//!
//! [`register`] sets the catalog to the live parts of the log. It never counts what earlier registrations did, so a late,
//! lost or doubled one is mended by the next.

mod definition;
mod file_catalog;
mod port;
mod registration;
mod shapes;

pub use file_catalog::FileCatalog;
pub use port::{Catalog, Written};
pub use registration::{Head, Registration, SchemaChange, register};
pub use shapes::{
    CatalogColumn, CatalogPartition, CatalogTable, Serde, StorageDescriptor, StoredTable,
};
