//! Plans the tables that a run writes: the rows that it replaces in each table, and the files that it writes.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use drivetrain_jobs::contract::ColumnType as Type;
use drivetrain_jobs::job::{Job, Mode, Output};
use drivetrain_jobs::plan::{Bounds, Parameters};

use crate::commit::{ColumnType, Columns, Order, OutputPlan, Replaces, Window};
use crate::run::settings::Shape;
use crate::sink::table_files::TableFiles;
use crate::sql::column_types::type_name;
use crate::sql::workspace::Workspace;

/// Returns the plan of each output: its columns, and the rows that a run with these parameters replaces.
#[must_use]
pub fn plans(job: &Job, parameters: &Parameters) -> Vec<OutputPlan> {
    job.outputs
        .iter()
        .map(|output| OutputPlan {
            table: output.name.clone(),
            columns: columns(output),
            replaces: replaces(output, parameters),
            summed: summed(output),
        })
        .collect()
}

/// Returns the columns of which the log keeps the sums: those of the control totals, each once.
#[must_use]
pub fn summed(output: &Output) -> Vec<String> {
    let columns: BTreeSet<&String> = output.totals.iter().map(|total| &total.column).collect();
    columns.into_iter().cloned().collect()
}

/// Returns the columns of an output as the log records them.
fn columns(output: &Output) -> Columns {
    let columns = output.columns.iter().map(|column| ColumnType {
        name: column.name.clone(),
        kind: type_name(&column.kind),
    });
    Columns {
        columns: columns.collect(),
        partition_by: output.partition_by.clone(),
    }
}

/// Returns the rows of an output that a run replaces: all, those of a window, or none.
fn replaces(output: &Output, parameters: &Parameters) -> Replaces {
    if output.mode == Mode::Append {
        return Replaces::Append;
    }
    let Some(Bounds { column, from, to }) = parameters.bounds(output) else {
        return Replaces::Table;
    };
    let kind = output
        .columns
        .iter()
        .find(|candidate| candidate.name == column);
    let order = match kind.map(|column| &column.kind) {
        Some(Type::Int | Type::Bigint) => Order::Integer,
        _ => Order::Text,
    };
    let text = |value: Option<ScalarValue>| value.map(|value| value.to_string());
    Replaces::Window(Window {
        column,
        from: text(from),
        to: text(to),
        order,
    })
}

/// Returns the settings for writing an output's files: their columns and format, and the limits of memory and threads.
#[must_use]
pub fn table(output: &Output, shape: &Shape, workspace: &Workspace) -> TableFiles {
    let in_file = |column: &str| {
        !output
            .partition_by
            .iter()
            .any(|partition| partition == column)
    };
    let file_columns = output
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| in_file(&column.name))
        .map(|(index, _)| index)
        .collect();
    TableFiles {
        name: output.name.clone(),
        file_columns,
        ordered: !output.order_by.is_empty(),
        summed: summed(output),
        files: shape.files,
        row_group_bytes: workspace.row_group_bytes,
        threads: workspace.threads,
    }
}
