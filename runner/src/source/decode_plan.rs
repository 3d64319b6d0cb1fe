//! Contracts prepared for decoding: the columns to hold, the hashes to keep, and the order in which to read datasets.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::Expr;
use drivetrain_jobs::contract::{Contract, CsvFormat, Format, Severity};
use drivetrain_jobs::plan::session_context;

use crate::source::InputObjects;
use crate::source::csv::column_decoder::ColumnReader;
use crate::source::csv::record_grammar::Dialect;
use crate::source::keys::row_hash::comparable;
use crate::source::row_rule::RowRule;
use crate::{Error, ErrorKind, Result};

/// The contract of one dataset, prepared for decoding: decoders, schemas, compiled rules, and names resolved to
/// indices.
#[derive(Debug)]
pub(crate) struct DatasetPlan {
    /// The dataset's name, as SQL and references spell it.
    pub(crate) name: String,
    /// The dataset's contract, with all names unresolved.
    pub(crate) contract: Contract,
    /// The CSV format of the contract, or the default one for Parquet.
    pub(crate) csv: CsvFormat,
    /// The delimiter and the quote of `csv`.
    pub(crate) dialect: Dialect,
    /// The decoder of each column, in contract order.
    pub(crate) readers: Vec<ColumnReader>,
    /// The schema of decoded batches before bad rows are removed: all columns, each nullable even if the contract
    /// forbids NULL.
    pub(crate) loose_schema: SchemaRef,
    /// The indices of the columns that are held for the job's SQL, ascending.
    pub(crate) held: Vec<usize>,
    /// The schema of the held columns.
    pub(crate) held_schema: SchemaRef,
    /// The expression by which held rows are ordered, if any.
    pub(crate) cluster_by: Option<Expr>,
    /// The row rules of the contract, compiled.
    pub(crate) rules: Vec<RowRule>,
    /// Lists of columns over which a hash of each accepted row is kept: the key, and the columns to which references
    /// lead.
    pub(crate) tracked: Vec<Vec<usize>>,
    /// The index of the key's columns in `tracked`, and the severity of a duplicate; `None` if the contract declares no
    /// key.
    pub(crate) key: Option<(usize, Severity)>,
    /// The references of the contract, with names resolved to indices.
    pub(crate) references: Vec<ReferencePlan>,
}

/// A reference with its names resolved to indices.
#[derive(Debug)]
pub(crate) struct ReferencePlan {
    /// The indices of the referring columns.
    pub(crate) columns: Vec<usize>,
    /// The names of the referring columns, joined by commas, for the quarantine.
    pub(crate) column: Arc<str>,
    /// The name of the rule in the quarantine and in the report.
    pub(crate) rule: Arc<str>,
    /// The index of the target dataset among the inputs.
    pub(crate) dataset: usize,
    /// The index of the target columns in the target dataset's `tracked`.
    pub(crate) tracked: usize,
    /// Whether to reject a row whose reference leads to no accepted row, or to warn.
    pub(crate) severity: Severity,
}

/// Prepares the contract of each input for decoding; returns the plans in the order of the inputs.
///
/// # Errors
/// `Usage` if a key or reference names an unknown dataset or column, if a reference compares types that cannot be
/// compared, or if a row rule is not a condition.
pub(crate) fn plan(inputs: &[InputObjects], runtime: &Arc<RuntimeEnv>) -> Result<Vec<DatasetPlan>> {
    let mut plans = inputs
        .iter()
        .map(plan_dataset)
        .collect::<Result<Vec<_>>>()?;
    plan_rules(inputs, runtime, &mut plans)?;
    for (from, input) in inputs.iter().enumerate() {
        for reference in &input.contract.references {
            let missing = |what: String| {
                Error::new(
                    ErrorKind::Usage,
                    format!(
                        "reference `{}` of `{}`: {what}",
                        reference.rule(),
                        input.name
                    ),
                )
            };
            let to = inputs
                .iter()
                .position(|candidate| candidate.name == reference.dataset)
                .ok_or_else(|| missing(format!("`{}` is not an input", reference.dataset)))?;
            let columns = positions(&input.contract, &reference.columns)
                .map_err(|what| missing(format!("{what} in `{}`", input.name)))?;
            let targets = positions(&inputs[to].contract, &reference.to)
                .map_err(|what| missing(format!("{what} in `{}`", reference.dataset)))?;
            if columns.len() != targets.len() {
                return Err(missing(
                    "expected the same number of columns in both datasets".to_owned(),
                ));
            }
            for (column, target) in columns.iter().zip(&targets) {
                let (column, target) = (
                    &input.contract.columns[*column],
                    &inputs[to].contract.columns[*target],
                );
                if !comparable(&column.kind.arrow(), &target.kind.arrow()) {
                    return Err(missing(format!(
                        "`{}` of type {} cannot be compared with `{}` of type {}",
                        column.name, column.kind, target.name, target.kind
                    )));
                }
            }
            let tracked = track(&mut plans[to].tracked, targets);
            plans[from].references.push(ReferencePlan {
                columns,
                column: reference.columns.join(", ").into(),
                rule: reference.rule().into(),
                dataset: to,
                tracked,
                severity: reference.severity,
            });
        }
    }
    Ok(plans)
}

/// Orders the datasets so that each comes after those to which it refers.
///
/// # Errors
/// `Usage` if the references form a cycle; a dataset may refer to itself.
pub(crate) fn reading_order(plans: &[DatasetPlan]) -> Result<Vec<usize>> {
    let mut order = Vec::with_capacity(plans.len());
    while order.len() < plans.len() {
        let ready = |index: usize| {
            plans[index]
                .references
                .iter()
                .all(|reference| reference.dataset == index || order.contains(&reference.dataset))
        };
        let next = (0..plans.len()).find(|index| !order.contains(index) && ready(*index));
        let Some(next) = next else {
            let rest = (0..plans.len())
                .filter(|index| !order.contains(index))
                .map(|index| format!("`{}`", plans[index].name))
                .collect::<Vec<_>>();
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the references among {} contain a cycle", rest.join(", ")),
            )
            .hint("remove one of these references from the contract of its input, and check it in the job's SQL instead"));
        };
        order.push(next);
    }
    Ok(order)
}

/// Prepares the contract of one dataset, without its row rules and references.
fn plan_dataset(input: &InputObjects) -> Result<DatasetPlan> {
    let contract = &input.contract;
    let csv = match &contract.format {
        Format::Csv(format) => format.clone(),
        Format::Parquet => CsvFormat::default(),
    };
    let readers = contract
        .columns
        .iter()
        .map(|column| ColumnReader::new(column, &csv))
        .collect::<Result<Vec<_>>>()
        .map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!("the contract of input `{}` is invalid", input.name),
            )
            .caused_by(error)
        })?;
    let schema = contract.schema();
    let loose = schema
        .fields()
        .iter()
        .map(|field| Field::new(field.name(), field.data_type().clone(), true))
        .collect::<Vec<_>>();
    let loose_schema: SchemaRef = Schema::new(loose).into();
    let held = match &input.columns_needed {
        None => (0..contract.columns.len()).collect(),
        Some(names) => contract
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| names.contains(&column.name))
            .map(|(index, _)| index)
            .collect::<Vec<_>>(),
    };
    let held_fields = held
        .iter()
        .map(|index| schema.field(*index).clone())
        .collect::<Vec<_>>();
    let mut tracked = Vec::new();
    let key = match &contract.key {
        None => None,
        Some(key) => {
            let columns = positions(contract, &key.columns).map_err(|what| {
                Error::new(
                    ErrorKind::Usage,
                    format!("the key of input `{}` is invalid: {what}", input.name),
                )
            })?;
            Some((track(&mut tracked, columns), key.severity))
        }
    };
    Ok(DatasetPlan {
        name: input.name.clone(),
        contract: contract.clone(),
        dialect: Dialect {
            delimiter: csv.delimiter,
            quote: csv.quote,
        },
        csv,
        readers,
        loose_schema,
        held,
        held_schema: Schema::new(held_fields).into(),
        cluster_by: input.cluster_by.clone(),
        rules: Vec::new(),
        tracked,
        key,
        references: Vec::new(),
    })
}

/// Compiles the row rules of all datasets.
fn plan_rules(
    inputs: &[InputObjects],
    runtime: &Arc<RuntimeEnv>,
    plans: &mut [DatasetPlan],
) -> Result<()> {
    if inputs.iter().all(|input| input.contract.rules.is_empty()) {
        return Ok(());
    }
    // Rules may use the same functions as the SQL of jobs, so they are planned in the same kind of session.
    let context = session_context(Arc::clone(runtime), 1);
    for (input, plan) in inputs.iter().zip(plans) {
        let contract = &input.contract;
        let rules = contract.rules.iter();
        plan.rules = rules
            .map(|rule| RowRule::new(&context, &input.name, contract, rule))
            .collect::<Result<_>>()?;
    }
    Ok(())
}

/// Resolves the names of columns to indices; the error is the message for an unknown column.
fn positions(contract: &Contract, names: &[String]) -> Result<Vec<usize>, String> {
    names
        .iter()
        .map(|name| {
            contract
                .columns
                .iter()
                .position(|column| column.name == *name)
                .ok_or_else(|| format!("there is no column `{name}`"))
        })
        .collect()
}

/// Returns the index of a list of columns in `tracked`; appends the list if it is new.
fn track(tracked: &mut Vec<Vec<usize>>, columns: Vec<usize>) -> usize {
    tracked
        .iter()
        .position(|known| *known == columns)
        .unwrap_or_else(|| {
            tracked.push(columns);
            tracked.len() - 1
        })
}
