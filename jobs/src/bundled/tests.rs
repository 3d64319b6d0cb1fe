//! Runs the bundled jobs over small files. `tests/bundled/make.py` generates the files and computes the expected rows
//! without SQL.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use super::{NAMES, job};
use crate::contract::{Contract, Format, schema_of};
use crate::job::{InputOrigin, Job};
use crate::plan::{
    CheckPlan, Parameters, check_plan, output_plan, rule_condition, session_context, table_plan,
};
use crate::value_parser;

type Tables = HashMap<String, RecordBatch>;

/// Parses a file without quotes by a contract whose columns are in the order of the file.
fn read(text: &str, contract: &Contract) -> RecordBatch {
    assert!(matches!(contract.format, Format::Csv(_)));
    let rows = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .collect::<Vec<_>>();
    let columns = contract.columns.iter().enumerate().map(|(at, column)| {
        let values = rows.iter().map(|row| match row[at] {
            "" => ScalarValue::try_from(&column.kind.arrow()).unwrap(),
            text => value_parser::parse(&column.kind, text).unwrap(),
        });
        ScalarValue::iter_to_array(values.collect::<Vec<_>>()).unwrap()
    });
    RecordBatch::try_new(contract.schema(), columns.collect()).unwrap()
}

fn raw() -> Tables {
    let facts = job("rental_facts").unwrap();
    let texts = [
        (
            "locations",
            include_str!("../../tests/bundled/raw/locations.csv"),
        ),
        ("users", include_str!("../../tests/bundled/raw/users.csv")),
        (
            "vehicles",
            include_str!("../../tests/bundled/raw/vehicles.csv"),
        ),
        (
            "rental_transactions",
            include_str!("../../tests/bundled/raw/rental_transactions.csv"),
        ),
    ];
    texts
        .into_iter()
        .map(|(name, text)| {
            let input = facts
                .inputs
                .iter()
                .find(|input| input.name == name)
                .unwrap();
            (name.to_owned(), read(text, &input.contract))
        })
        .collect()
}

fn register(context: &SessionContext, name: &str, batch: &RecordBatch) {
    let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).unwrap();
    context.register_table(name, Arc::new(table)).unwrap();
}

async fn collect(context: &SessionContext, plan: LogicalPlan) -> RecordBatch {
    let schema = Arc::new(plan.schema().as_arrow().clone());
    let batches = context
        .execute_logical_plan(plan)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// Outputs of a run, and for each output the number of rows that its filter left out.
struct Ran {
    outputs: Tables,
    filtered: HashMap<String, Option<u64>>,
}

/// Runs a job in memory as the runner does, with all checks.
async fn run(job: &Job, inputs: &Tables, set: &[(&str, &str)]) -> Ran {
    let context = session_context(Arc::new(RuntimeEnv::default()), 3);
    let parameters = Parameters::bind(job, set).unwrap();
    for input in &job.inputs {
        let table = match &input.origin {
            InputOrigin::Raw(folder) => folder,
            InputOrigin::Table { table, .. } => table,
        };
        register(&context, &input.name, &inputs[table]);
    }
    for table in &job.tables {
        let plan = table_plan(&context, job, table, &parameters).await.unwrap();
        register(&context, &table.name, &collect(&context, plan).await);
    }
    let (mut outputs, mut filtered) = (Tables::new(), HashMap::new());
    for output in &job.outputs {
        let planned = output_plan(&context, job, output, &parameters)
            .await
            .unwrap();
        let batch = collect(&context, planned.plan).await;
        assert_eq!(
            batch.schema(),
            schema_of(&output.columns),
            "{}",
            output.name
        );
        register(&context, &output.name, &batch);
        filtered.insert(
            output.name.clone(),
            planned.filtered.map(|filtered| filtered.rows()),
        );
        outputs.insert(output.name.clone(), batch);
    }
    for check in &job.checks {
        match check_plan(&context, job, check, &parameters).await.unwrap() {
            CheckPlan::Equal { expected, got } => {
                let (expected, got) = (
                    collect(&context, expected).await,
                    collect(&context, got).await,
                );
                assert_eq!(expected.num_rows(), 1);
                assert_eq!(expected.columns(), got.columns(), "{}", check.name);
            }
            CheckPlan::NoRows(plan) => drop(collect(&context, plan).await),
        }
    }
    Ran { outputs, filtered }
}

/// Formats each row as a line of comma-separated values, and sorts the lines.
fn lines(batch: &RecordBatch) -> String {
    let options = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%d %H:%M:%S"));
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
        .collect::<Vec<_>>();
    let mut lines = (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|column| column.value(row).to_string())
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect::<Vec<_>>();
    lines.sort();
    lines.iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").unwrap();
        text
    })
}

/// Runs all three jobs, one after the other.
async fn run_all(mut tables: Tables) -> Tables {
    for name in NAMES {
        let ran = run(&job(name).unwrap(), &tables, &[]).await;
        tables.extend(ran.outputs);
    }
    tables
}

macro_rules! expected {
    ($($name:literal),+) => {
        [$(($name, include_str!(concat!("../../tests/bundled/expected/", $name, ".csv")))),+]
    };
}

#[tokio::test]
async fn every_table_equals_the_result_of_plain_loops_over_exact_fractions() {
    let tables = run_all(raw()).await;
    for (name, expected) in expected!(
        "rental_facts",
        "location_metrics",
        "vehicle_type_metrics",
        "brand_metrics",
        "daily_metrics",
        "user_metrics",
        "hourly_metrics",
        "day_of_week_metrics"
    ) {
        assert_eq!(lines(&tables[name]), expected, "{name}");
    }
}

#[tokio::test]
async fn without_rentals_only_the_locations_have_rows() {
    let mut tables = raw();
    let rentals = &tables["rental_transactions"];
    tables.insert("rental_transactions".to_owned(), rentals.slice(0, 0));
    let tables = run_all(tables).await;
    assert_eq!(tables["location_metrics"].num_rows(), 9);
    assert!(
        lines(&tables["location_metrics"])
            .starts_with("1000,Place 0,City 0,CA,0,0,0.00,0.00,0.00,,,,0,0,0,0.0000\n")
    );
    for name in [
        "rental_facts",
        "vehicle_type_metrics",
        "brand_metrics",
        "daily_metrics",
        "user_metrics",
        "hourly_metrics",
        "day_of_week_metrics",
    ] {
        assert_eq!(tables[name].num_rows(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_rental_with_an_unknown_location_or_user_is_not_lost() {
    let mut tables = run_all(raw()).await;
    for name in ["locations", "users"] {
        let all = &tables[name];
        tables.insert(name.to_owned(), all.slice(2, all.num_rows() - 2));
    }
    let whole = tables.clone();
    for name in &NAMES[1..] {
        let ran = run(&job(name).unwrap(), &tables, &[]).await;
        for (name, batch) in ran.outputs {
            assert_eq!(batch.num_rows(), whole[&name].num_rows(), "{name}");
            if name == "location_metrics" {
                assert!(lines(&batch).starts_with("1000,,,,"), "{}", lines(&batch));
            }
        }
    }
}

#[tokio::test]
async fn a_window_leaves_out_and_counts_the_other_days() {
    let tables = raw();
    let facts = job("rental_facts").unwrap();
    let all = run(&facts, &tables, &[]).await;
    assert_eq!(all.filtered["rental_facts"], None);
    for (set, first, last) in [
        (
            &[("from", "2024-03-01"), ("to", "2024-03-02")][..],
            "2024-03-01",
            "2024-03-02",
        ),
        (&[("from", "2024-03-04")][..], "2024-03-04", "9999-12-31"),
        (&[("to", "1999-01-01")][..], "0000-01-01", "1999-01-01"),
    ] {
        let ran = run(&facts, &tables, set).await;
        let expected = lines(&all.outputs["rental_facts"])
            .lines()
            .filter(|line| (first..=last).contains(&line.rsplit(',').next().unwrap()))
            .fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(lines(&ran.outputs["rental_facts"]), expected);
        let left_out = all.outputs["rental_facts"].num_rows() - expected.lines().count();
        assert_eq!(
            ran.filtered["rental_facts"],
            Some(u64::try_from(left_out).unwrap())
        );
    }
}

#[test]
fn every_valid_row_passes_every_rule() {
    let context = session_context(Arc::new(RuntimeEnv::default()), 1);
    let tables = raw();
    for input in job("rental_facts").unwrap().inputs {
        for rule in &input.contract.rules {
            let condition = rule_condition(&context, &input.contract, rule).unwrap();
            let batch = &tables[&input.name];
            let result = condition
                .evaluate(batch)
                .unwrap()
                .into_array(batch.num_rows())
                .unwrap();
            let result = arrow::array::AsArray::as_boolean(&result).clone();
            assert_eq!(
                result.true_count(),
                batch.num_rows(),
                "{} {}",
                input.name,
                rule.name
            );
        }
    }
}

#[tokio::test]
async fn every_rental_streams_past_the_tables_that_are_looked_up() {
    let context = session_context(Arc::new(RuntimeEnv::default()), 2);
    let (facts, tables) = (job("rental_facts").unwrap(), raw());
    for input in &facts.inputs {
        register(&context, &input.name, &tables[&input.name]);
    }
    let parameters = Parameters::bind(&facts, &[("from", "2024-03-01")]).unwrap();
    let planned = output_plan(&context, &facts, &facts.outputs[0], &parameters)
        .await
        .unwrap();
    let plan = context
        .state()
        .create_physical_plan(&planned.plan)
        .await
        .unwrap();
    let shown = datafusion::physical_plan::displayable(plan.as_ref())
        .indent(false)
        .to_string();
    let joins = shown
        .lines()
        .filter(|line| line.contains("JoinExec"))
        .collect::<Vec<_>>();
    assert_eq!(joins.len(), 4, "{shown}");
    // A join holds its left side in memory and streams its right side. So every table that is looked up must be on the
    // left, and no rental may pass an exchange.
    for join in joins {
        assert!(
            join.trim_start().starts_with("LookupJoinExec: on="),
            "{shown}"
        );
    }
    assert!(!shown.contains("Hash(["), "{shown}");
}
