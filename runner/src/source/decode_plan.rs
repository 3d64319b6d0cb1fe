//! Contracts made ready for decoding: which columns are held, which hashes are taken, in which order datasets are read.

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

/// What decoding one dataset needs to know.
#[derive(Debug)]
pub(crate) struct DatasetPlan {
    pub(crate) name: String,
    pub(crate) contract: Contract,
    pub(crate) csv: CsvFormat,
    pub(crate) dialect: Dialect,
    pub(crate) readers: Vec<ColumnReader>,
    /// All columns, each nullable: rows that break the contract are still among them.
    pub(crate) loose_schema: SchemaRef,
    /// Positions of the columns that are handed on, ascending.
    pub(crate) held: Vec<usize>,
    pub(crate) held_schema: SchemaRef,
    /// What the rows that are handed on are ordered by.
    pub(crate) cluster_by: Option<Expr>,
    pub(crate) rules: Vec<RowRule>,
    /// Columns of which each accepted row's hash is kept: the key, and what others refer to.
    pub(crate) tracked: Vec<Vec<usize>>,
    /// The key's place in `tracked`.
    pub(crate) key: Option<(usize, Severity)>,
    pub(crate) references: Vec<ReferencePlan>,
}

/// A reference, its names resolved.
#[derive(Debug)]
pub(crate) struct ReferencePlan {
    pub(crate) columns: Vec<usize>,
    /// The names of the columns, for the quarantine.
    pub(crate) column: Arc<str>,
    pub(crate) rule: Arc<str>,
    /// The dataset's place among the inputs.
    pub(crate) dataset: usize,
    /// The place of the columns referred to among that dataset's `tracked`.
    pub(crate) tracked: usize,
    pub(crate) severity: Severity,
}

/// Plans all datasets; the answer is in the order of the inputs.
///
/// # Errors
/// Usage: a key or reference names what is not there, types do not fit, or a row rule is no condition.
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
                    format!("`{}` of `{}`: {what}", reference.rule(), input.name),
                )
            };
            let to = inputs
                .iter()
                .position(|candidate| candidate.name == reference.dataset)
                .ok_or_else(|| missing(format!("`{}` is no input", reference.dataset)))?;
            let columns = positions(&input.contract, &reference.columns).map_err(&missing)?;
            let targets = positions(&inputs[to].contract, &reference.to).map_err(&missing)?;
            if columns.len() != targets.len() {
                return Err(missing("expected as many columns on both sides".to_owned()));
            }
            for (column, target) in columns.iter().zip(&targets) {
                let (column, target) = (
                    &input.contract.columns[*column],
                    &inputs[to].contract.columns[*target],
                );
                if !comparable(&column.kind.arrow(), &target.kind.arrow()) {
                    return Err(missing(format!(
                        "`{}` is {} but `{}` is {}",
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

/// The order in which each dataset comes after those that it refers to.
///
/// # Errors
/// Usage: datasets refer to each other in a circle (one may refer to itself).
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
                format!("{} refer to each other in a circle", rest.join(" and ")),
            )
            .hint("take one of the references out of the contract and check it in SQL"));
        };
        order.push(next);
    }
    Ok(order)
}

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
                format!("the contract of `{}` cannot be used", input.name),
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
                    format!("the key of `{}`: {what}", input.name),
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

fn plan_rules(
    inputs: &[InputObjects],
    runtime: &Arc<RuntimeEnv>,
    plans: &mut [DatasetPlan],
) -> Result<()> {
    if inputs.iter().all(|input| input.contract.rules.is_empty()) {
        return Ok(());
    }
    // Rules may use what jobs' SQL may: they are planned in the same kind of session.
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

fn track(tracked: &mut Vec<Vec<usize>>, columns: Vec<usize>) -> usize {
    tracked
        .iter()
        .position(|known| *known == columns)
        .unwrap_or_else(|| {
            tracked.push(columns);
            tracked.len() - 1
        })
}
