//! The inputs to read, and the settings for reading them.

use std::sync::Arc;

use datafusion::logical_expr::Expr;
use drivetrain_jobs::contract::Contract;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde::{Deserialize, Serialize};

/// One dataset to read: its contract and its objects, which were listed once and must not change.
#[derive(Clone, Debug)]
pub struct InputObjects {
    /// The dataset's name, as SQL and references spell it.
    pub name: String,
    /// The format, columns and rules that its rows must conform to.
    pub contract: Contract,
    /// The store that holds the objects. It must reject the read of an object that was replaced after the listing
    /// (`If-Match`).
    pub store: Arc<dyn ObjectStore>,
    /// The objects as they were listed. `source::read` skips folder markers and hidden objects among
    /// them.
    pub objects: Vec<ObjectMeta>,
    /// The dataset's folder; `name=value` folders below it are path columns.
    pub table_root: Path,
    /// The name of `table_root` in messages and in the quarantine, such as `s3://bucket/raw/users`.
    pub display_root: String,
    /// The names of the columns that the job's SQL needs; `None` for all.
    pub columns_needed: Option<Vec<String>>,
    /// The expression by which rows are ordered if they all fit in memory. It uses only columns of `columns_needed`.
    pub cluster_by: Option<Expr>,
}

/// The treatment of a row that breaks its contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRow {
    /// The row goes to the quarantine; the run fails if too large a share of the lines is rejected.
    #[default]
    Quarantine,
    /// The first row that breaks its contract fails the run.
    Fail,
}

/// The settings for reading the inputs of a run.
#[derive(Clone, Debug)]
pub struct ReadSettings {
    /// The number of decoder threads, which is also the number of partitions of each table.
    pub threads: usize,
    /// The largest number of rows in a decoded batch.
    pub batch_rows: usize,
    /// The treatment of a row that breaks its contract.
    pub on_bad_row: OnBadRow,
    /// The largest share of a dataset's lines that may be rejected without failing the run, from 0 to 1.
    pub max_bad_share: f64,
    /// The number of bytes per block, which is fetched and decoded as a whole; `None` derives it from the memory limit.
    pub block_bytes: Option<usize>,
}

impl Default for ReadSettings {
    fn default() -> Self {
        Self {
            threads: 1,
            // DataFusion's default.
            batch_rows: 8192,
            on_bad_row: OnBadRow::default(),
            max_bad_share: 0.01,
            block_bytes: None,
        }
    }
}
