//! What is read, and how.

use std::sync::Arc;

use datafusion::logical_expr::Expr;
use drivetrain_jobs::contract::Contract;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde::{Deserialize, Serialize};

/// One dataset's frozen objects.
#[derive(Clone, Debug)]
pub struct InputObjects {
    /// The dataset's name; references name it.
    pub name: String,
    /// What its rows must look like.
    pub contract: Contract,
    /// Where its objects are; its reads must notice an object that was replaced (`If-Match`).
    pub store: Arc<dyn ObjectStore>,
    /// The objects as they were listed; folder markers and hidden ones are passed over.
    pub objects: Vec<ObjectMeta>,
    /// The folder of the dataset: `name=value` folders below it are path columns.
    pub table_root: Path,
    /// What stands for `table_root` in messages and in the quarantine, such as `s3://bucket/raw/users`.
    pub display_root: String,
    /// The columns that are handed on; `None`: all.
    pub columns_needed: Option<Vec<String>>,
    /// Rows are handed on in the order of this value, where memory holds them all; it reads only columns that are handed on.
    pub cluster_by: Option<Expr>,
}

/// What becomes of a row that breaks its contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRow {
    /// It goes to the quarantine; the run fails when they are too many.
    #[default]
    Quarantine,
    /// The first one fails the run.
    Fail,
}

/// How to read.
#[derive(Clone, Debug)]
pub struct ReadSettings {
    /// Threads that decode at once, and partitions of each table.
    pub threads: usize,
    /// Rows in a batch.
    pub batch_rows: usize,
    /// What becomes of a row that breaks its contract.
    pub on_bad_row: OnBadRow,
    /// The share of a dataset's lines, 0 to 1, that may be rejected.
    pub max_bad_share: f64,
    /// Bytes that are fetched and decoded at once; `None`: by the memory there is.
    pub block_bytes: Option<usize>,
}

impl Default for ReadSettings {
    fn default() -> Self {
        Self {
            threads: 1,
            // What DataFusion works with.
            batch_rows: 8192,
            on_bad_row: OnBadRow::default(),
            max_bad_share: 0.01,
            block_bytes: None,
        }
    }
}
