//! A job: its inputs, parameters, outputs and checks, as data.

use serde::Serialize;

use crate::contract::{Column, Contract, Key, Reference};

/// The file of a job folder that says what the job is.
pub(crate) const JOB_FILE: &str = "job.toml";

/// A parsed job folder: says what is computed, never where it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// `[a-z][a-z0-9_]*`, not `raw`; the folder of its tables under the output root.
    pub name: String,
    /// One sentence for a reader of `drivetrain jobs`.
    pub description: String,
    /// Values that a run may set with `--param`.
    pub parameters: Vec<Parameter>,
    /// The datasets it reads, in file order.
    pub inputs: Vec<Input>,
    /// Intermediate results, computed once before the outputs, in file order; never published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// The tables it writes, in file order.
    pub outputs: Vec<Output>,
    /// Conditions over inputs and outputs that must hold before anything is committed.
    pub checks: Vec<Check>,
    /// Every file of the folder as read, sorted by name: what the run id covers.
    #[serde(skip)]
    pub files: Vec<JobFile>,
}

/// One file of a job folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// The path below the folder, with `/`.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// A value that a run may set; SQL names it `$name`.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// `[a-z][a-z0-9_]*`.
    pub name: String,
    /// How its text is read.
    #[serde(rename = "type")]
    pub kind: crate::contract::ColumnType,
    /// The text used where a run sets none; without one the parameter is NULL in SQL unless `required`.
    pub default: Option<String>,
    /// Whether a run must set it.
    pub required: bool,
    /// What it means.
    pub description: Option<String>,
}

/// A dataset that a job reads, visible in SQL as a table of its name.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    /// The table's name in SQL.
    pub name: String,
    /// Where its objects come from.
    pub origin: InputOrigin,
    /// What its rows must look like.
    pub contract: Contract,
}

/// Where an input's objects come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputOrigin {
    /// The folder `raw/<name>/` under the input root.
    Raw(String),
    /// The live parts of a table that another job produces, by that job's log under the output root.
    Table {
        /// The producing job.
        job: String,
        /// Its output.
        table: String,
    },
}

/// A result that several queries of a job share: computed once, held for the run, visible in SQL under its name to the
/// tables and outputs after it and to the checks.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The table's name in SQL.
    pub name: String,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The query that computes it, over the inputs and the tables declared before it.
    pub sql: Sql,
}

/// A table that a job writes.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// The table's name; its root is `<output>/<job>/<name>/`.
    pub name: String,
    /// What it holds.
    pub description: Option<String>,
    /// The query that computes it, over the inputs and the outputs declared before it.
    pub sql: Sql,
    /// Columns of the Parquet files and, after them or among them, those of `partition_by`.
    pub columns: Vec<Column>,
    /// Names of the columns that become `name=value/` folders, outermost first.
    pub partition_by: Vec<String>,
    /// Columns by which the rows of a partition are ordered, each ascending unless it ends in ` desc`.
    pub order_by: Vec<String>,
    /// Columns whose values together occur once: a check.
    pub key: Option<Key>,
    /// Columns whose values must occur in an input or output of this job: checks.
    pub references: Vec<Reference>,
    /// How a run changes the table.
    pub mode: Mode,
    /// Parameters that bound the partition column: a run that sets one replaces just the window's partitions.
    pub window: Option<Window>,
    /// The input of which each accepted row gives one row here, less those that `filter` or the window leave out.
    pub rows_of: Option<String>,
    /// A condition in SQL over the query's columns; rows for which it is not true are left out and counted.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Boolean columns whose true values are counted and reported, and published all the same.
    pub warnings: Vec<String>,
}

/// How a run changes a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The whole table, or the window, becomes what the run computed.
    #[default]
    Replace,
    /// The run's rows are added; each input object is consumed once.
    Append,
}

/// Parameters that bound one partition column, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// A partition column.
    pub column: String,
    /// The parameter that holds the least value.
    pub from: String,
    /// The parameter that holds the greatest value.
    pub to: String,
}

/// A query and the file of the job folder that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sql {
    /// The file's name below the job folder; `job.toml` where the text stands in it.
    pub file: String,
    /// The line of that file on which the text begins, from 1.
    pub line: usize,
    /// The query.
    pub text: String,
}

/// A condition over inputs and outputs that must hold before anything is committed.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Unique in the job, `[a-z][a-z0-9_]*`.
    pub name: String,
    /// What is checked.
    pub kind: CheckKind,
    /// Whether a failure stops the run or is only reported.
    pub severity: crate::contract::Severity,
    /// Whether it runs unless a run asks for it; `false`: only with `--check <name>`.
    pub enabled: bool,
}

/// What a check compares.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Two queries of one row each must give the same values, exactly.
    Equal {
        /// Gives what must come out.
        expected: Sql,
        /// Gives what came out.
        got: Sql,
    },
    /// A query whose every row is a violation; the first ones are shown.
    NoRows(Sql),
}
