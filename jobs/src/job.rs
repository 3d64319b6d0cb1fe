//! A job as data: its inputs, parameters, tables, outputs and checks.

use serde::Serialize;

use crate::contract::{Column, Contract, Key, Reference};

/// Name of the file in a job folder that declares the job.
pub(crate) const JOB_FILE: &str = "job.toml";

/// A parsed job folder. It says what is computed, never where it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// Name of the job, and of the folder under the output root that holds its tables. It matches `[a-z][a-z0-9_]*` and
    /// is not `raw`.
    pub name: String,
    /// One sentence about the job, which `drivetrain jobs` prints; may be empty.
    pub description: String,
    /// Values that a run may set with `--param`.
    pub parameters: Vec<Parameter>,
    /// Datasets that the job reads, in the order of the file.
    pub inputs: Vec<Input>,
    /// Intermediate results in the order of the file: computed once, before the outputs, and never published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Tables that the job writes, in the order of the file.
    pub outputs: Vec<Output>,
    /// Conditions over inputs, tables and outputs that a run checks before it commits anything.
    pub checks: Vec<Check>,
    /// All files of the folder, sorted by name. Their names and texts are part of the hash that is the run id.
    #[serde(skip)]
    pub files: Vec<JobFile>,
}

/// A file of a job folder, which the caller has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// Path relative to the folder, with `/` as separator.
    pub name: String,
    /// Content of the file as text.
    pub text: String,
}

/// A value that a run may set; SQL names it `$name`.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// Name of the parameter; it matches `[a-z][a-z0-9_]*`.
    pub name: String,
    /// Type of the value, which determines how its text is parsed.
    #[serde(rename = "type")]
    pub kind: crate::contract::ColumnType,
    /// Text of the value that applies if a run does not set the parameter. Without a default, a parameter that is not
    /// set is NULL in SQL.
    pub default: Option<String>,
    /// `true` if a run must set a value.
    pub required: bool,
    /// Meaning of the parameter, for readers of the job.
    pub description: Option<String>,
}

/// A dataset that a job reads, visible in SQL as a table of the same name.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// Name of the table in SQL.
    pub name: String,
    /// Source of the input's objects: a folder of raw data, or a table of another job.
    pub origin: InputOrigin,
    /// Contract that the input's rows must satisfy to be accepted.
    pub contract: Contract,
}

/// Source of an input's objects: raw data, or a table of another job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputOrigin {
    /// The folder `raw/<name>/` under the input root.
    Raw(String),
    /// A table that another job produces. Its current parts follow from that job's log under the output root.
    Table {
        /// Name of the job that produces the table.
        job: String,
        /// Name of the table, which is an output of `job`.
        table: String,
    },
}

/// An intermediate result that several queries of a job share. It is computed once and kept until the run ends. The
/// checks, and the tables and outputs declared after it, can read it by name.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// Name of the table in SQL.
    pub name: String,
    /// Description of the table's content, for readers of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Query that computes the table from the inputs and the tables declared before it.
    pub sql: Sql,
}

/// A table that a job writes.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// Name of the table; its root is `<output>/<job>/<name>/`.
    pub name: String,
    /// Description of the table's content, for readers of the job.
    pub description: Option<String>,
    /// Query that computes the table from the inputs, the tables and the outputs declared before it.
    pub sql: Sql,
    /// All columns: those of the Parquet files and those of `partition_by`, in any order.
    pub columns: Vec<Column>,
    /// Names of the columns that become `name=value/` folders, outermost first.
    pub partition_by: Vec<String>,
    /// Columns by which the rows of a partition are sorted, each ascending unless it ends in ` desc`.
    pub order_by: Vec<String>,
    /// Columns whose values are unique together. A run checks this before it publishes anything.
    pub key: Option<Key>,
    /// Columns whose values must occur in an input or output of this job. A run checks this before it publishes
    /// anything.
    pub references: Vec<Reference>,
    /// Whether a run replaces the table's existing rows or adds to them.
    pub mode: Mode,
    /// Window of partitions, bounded by two parameters. A run that sets at least one of them replaces only the
    /// partitions in the window; any other run replaces the whole table.
    pub window: Option<Window>,
    /// Name of an input. Each of its accepted rows must give exactly one row of the output, unless `filter` or the
    /// window leaves that row out.
    pub rows_of: Option<String>,
    /// Condition in SQL over the query's columns. Rows for which it is not true are left out; they are counted if
    /// `rows_of` is set.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Boolean columns whose true values a run counts and reports. It publishes their rows like all others.
    pub warnings: Vec<String>,
    /// Sums over all rows of the table, which a run reports, so that its reader can compare them with another source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub totals: Vec<Total>,
}

/// A control total: the sum of a column over all rows of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Name of the total in reports.
    pub name: String,
    /// Name of the column, which has an integer or a decimal type and is not a partition column.
    pub column: String,
}

/// Effect of a run on the existing rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The run's rows replace the whole table, or only the partitions in the window.
    #[default]
    Replace,
    /// The run's rows are added to the existing ones. Of the inputs whose rows the output takes, a run reads only the
    /// objects that no earlier run has consumed; it reads other inputs whole.
    Append,
}

/// Range of a partition column's values, bounded by two parameters. Both ends are included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Name of the partition column.
    pub column: String,
    /// Name of the parameter that holds the lowest value.
    pub from: String,
    /// Name of the parameter that holds the highest value.
    pub to: String,
}

/// A query, and the position in the job folder at which it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sql {
    /// Name of the file, relative to the job folder; `job.toml` if the query is a string in it.
    pub file: String,
    /// Line of the file on which the text begins, counted from 1.
    pub line: usize,
    /// SQL text of the query, without parameters filled in.
    pub text: String,
}

/// A condition over inputs, tables and outputs that a run checks before it commits anything.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Name of the check; it matches `[a-z][a-z0-9_]*` and is unique in the job.
    pub name: String,
    /// Condition of the check, stated as what its queries must return.
    pub kind: CheckKind,
    /// Consequence if the condition does not hold: the run fails, or only reports it.
    pub severity: crate::contract::Severity,
    /// `true` if every run performs the check; `false` if only runs with `--check <name>` do.
    pub enabled: bool,
}

/// Condition of a check, stated as what its queries must return.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Two queries of one row each must return exactly the same values.
    Equal {
        /// Query whose single row is the expected one.
        expected: Sql,
        /// Query whose single row is compared with the expected one.
        got: Sql,
    },
    /// Each row that the query returns is a violation. A run reports the first of these rows.
    NoRows(Sql),
}
