//! Parameters, exact types, order and counts, over tables of a few rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, Int32Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionContext;

use super::{
    CheckPlan, Parameters, check_plan, clustering, output_plan, reread_outputs, rule_condition,
    session_context, table_plan,
};
use crate::contract::{Rule, Severity};
use crate::error::ErrorKind;
use crate::job::{Job, JobFile};

/// Builds a job whose only output has the given columns and query. No query reads its input `numbers`, which `rows_of`
/// can name.
fn job(output: &str, columns: &str, query: &str) -> Job {
    let toml = format!(
        r#"name = "test"
[parameters]
from = "int"
to = "int"
least = {{ type = "decimal(5,2)", default = "1.5" }}
[inputs.numbers]
[inputs.numbers.columns]
n = "int"
[tables]
some = "select 1 as one"
[outputs.rows]
sql = "rows.sql"
{output}
[outputs.rows.columns]
{columns}
[checks.equal]
expected = "select 5 as n, null as x"
got = "select cast(5.00 as decimal(5,2)), cast(null as date)"
"#
    );
    let file = |name: &str, text: &str| JobFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    Job::parse(
        vec![file("job.toml", &toml), file("rows.sql", query)],
        &|_| None,
    )
    .unwrap()
}

fn context() -> SessionContext {
    session_context(Arc::new(RuntimeEnv::default()), 2)
}

const NONE: [(&str, &str); 0] = [];

/// Returns the output's rows as lines, and the number of rows that were left out.
async fn rows(job: &Job, set: &[(&str, &str)]) -> Result<(Vec<String>, Option<u64>), String> {
    let context = context();
    let parameters = Parameters::bind(job, set).unwrap();
    let planned = output_plan(&context, job, &job.outputs[0], &parameters)
        .await
        .map_err(|error| std::error::Error::source(&error).unwrap().to_string())?;
    let frame = context
        .execute_logical_plan(planned.plan)
        .await
        .map_err(|error| error.to_string())?;
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    Ok((
        lines(&batches),
        planned.filtered.map(|filtered| filtered.rows()),
    ))
}

fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let line = |batch: &RecordBatch, row| {
        let values = batch.columns().iter().map(|column| {
            ArrayFormatter::try_new(column, &options)
                .unwrap()
                .value(row)
                .to_string()
        });
        values.collect::<Vec<_>>().join(" ")
    };
    batches
        .iter()
        .flat_map(|batch| {
            (0..batch.num_rows())
                .map(|row| line(batch, row))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn values_that_fit_are_cast_and_others_fail_with_their_column() {
    for (column, query, expected) in [
        (
            "x = \"decimal(5,2)\"",
            "select sum(v) as x from (values (cast(1.25 as decimal(12,2))), (1.5)) as t(v)",
            "2.75",
        ),
        (
            "x = \"decimal(5,2)\"",
            "select cast(1.250 as decimal(12,3)) as x",
            "1.25",
        ),
        (
            "x = \"int\"",
            "select cast(7.00 as decimal(12,2)) as x",
            "7",
        ),
        ("x = \"int\"", "select count(*) as x", "1"),
        ("x = \"double\"", "select 7 as x", "7.0"),
        ("x = \"decimal(5,2)\"", "select null as x", "NULL"),
        ("x = \"string\"", "select 'a' as x", "a"),
        (
            "x = \"timestamp\"",
            "select cast('2024-01-01T00:00:00.000001' as timestamp) as x",
            "2024-01-01T00:00:00.000001",
        ),
    ] {
        assert_eq!(
            rows(&job("", column, query), &[]).await,
            Ok((vec![expected.to_owned()], None)),
            "{query}"
        );
    }
    for (column, query, expected) in [
        (
            "x = \"decimal(5,2)\"",
            "select cast(1.255 as decimal(12,3)) as x",
            "`rows.x` has the type `decimal(5,2)`, which cannot hold 1.255 without losing digits",
        ),
        (
            "x = \"decimal(5,2)\"",
            "select cast(1000 as decimal(12,2)) as x",
            "`rows.x` has the type `decimal(5,2)`, which cannot hold every value",
        ),
        (
            "x = \"int\"",
            "select cast(7.01 as decimal(12,2)) as x",
            "`rows.x` has the type `int`, which cannot hold 7.01 without losing digits",
        ),
        (
            "x = \"int\"",
            "select 3000000000 as x",
            "`rows.x` has the type `int`, which cannot hold every value",
        ),
        (
            "x = \"int not null\"",
            "select case when random() < 2 then null else 1 end as x",
            "`rows.x` is `not null`, but the query returns NULL",
        ),
        (
            "x = \"timestamp\"",
            "select arrow_cast(1, 'Timestamp(Nanosecond, None)') as x",
            "without losing digits",
        ),
        (
            "x = \"decimal(5,2)\"",
            "select cast(1 as double) as x",
            "column `x` has the type `double` in the query, but `decimal(5,2)` in the contract",
        ),
        (
            "x = \"string\"",
            "select 1 as x",
            "column `x` has the type `bigint` in the query, but `string` in the contract: write `cast(.. as varchar) as x` in the query",
        ),
    ] {
        let error = rows(&job("", column, query), &[]).await.unwrap_err();
        assert!(error.contains(expected), "{query}: {error}");
    }
}

#[tokio::test]
async fn rows_have_the_declared_order_whatever_the_number_of_threads() {
    let job = job(
        "partition_by = \"p\"\norder_by = \"v desc\"",
        "p = \"int not null\"\nv = \"int\"\nw = \"int\"",
        "select cast(p as int) as p, v, w from (values (2, 1, 1), (1, 1, 3), (1, 5, 2), (1, 1, 2), (1, null, 0)) as t(p, v, w)",
    );
    let expected = ["1 5 2", "1 1 2", "1 1 3", "1 NULL 0", "2 1 1"];
    assert_eq!(rows(&job, &[]).await.unwrap().0, expected);
}

#[tokio::test]
async fn rows_that_where_and_window_leave_out_are_counted() {
    let job = job(
        "partition_by = \"p\"\nwindow = \"p\"\nrows_of = \"numbers\"\nwhere = \"v > $least\"",
        "p = \"int not null\"\nv = \"int\"",
        "select cast(p as int) as p, v from (values (1, 1), (1, 2), (2, 3), (3, null), (3, 9)) as t(p, v)",
    );
    let sorted = |found: Result<(Vec<String>, Option<u64>), String>| {
        let (mut lines, filtered) = found.unwrap();
        lines.sort();
        (lines, filtered)
    };
    let lines = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sorted(rows(&job, &[]).await),
        (lines(&["1 2", "2 3", "3 9"]), Some(2))
    );
    assert_eq!(
        sorted(rows(&job, &[("from", "2"), ("to", "2")]).await),
        (lines(&["2 3"]), Some(4))
    );
    assert_eq!(
        sorted(rows(&job, &[("from", "2"), ("least", "3.01")]).await),
        (lines(&["3 9"]), Some(4))
    );
    assert_eq!(
        sorted(rows(&job, &[("to", "0")]).await),
        (Vec::new(), Some(5))
    );
}

#[tokio::test]
async fn a_counted_filter_is_not_moved_by_the_optimizer() {
    // DataFusion would evaluate the condition on invented rows and copy it to the other side of the join.
    let job = job(
        "rows_of = \"numbers\"\nwhere = \"k > 1\"",
        "k = \"bigint\"\nv = \"bigint\"",
        "select l.k, r.v from (values (1), (2), (3)) as l(k) join (values (1, 1), (2, 2), (3, 3), (0, 0)) as r(k, v) on l.k = r.k",
    );
    let (mut lines, filtered) = rows(&job, &[]).await.unwrap();
    lines.sort();
    assert_eq!(
        (lines, filtered),
        (vec!["2 2".to_owned(), "3 3".to_owned()], Some(1))
    );
}

#[test]
fn a_rule_returns_a_boolean_per_row() {
    let job = job("", "x = \"int\"", "select 1 as x");
    let contract = &job.inputs[0].contract;
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(-1)]));
    let batch = RecordBatch::try_new(contract.schema(), vec![numbers]).unwrap();
    for (sql, expected) in [
        ("n > 0", [Some(true), None, Some(false)]),
        ("n is null or n > 0", [Some(true), Some(true), Some(false)]),
        ("null", [None, None, None]),
        ("true", [Some(true), Some(true), Some(true)]),
    ] {
        let rule = Rule {
            name: "rule".to_owned(),
            sql: sql.to_owned(),
            severity: Severity::Reject,
        };
        let condition = rule_condition(&context(), contract, &rule).unwrap();
        let found = condition.evaluate(&batch).unwrap().into_array(3).unwrap();
        assert_eq!(
            *found.as_boolean(),
            BooleanArray::from(expected.to_vec()),
            "{sql}"
        );
    }
}

#[test]
fn invalid_parameters_are_reported() {
    let job = job(
        "partition_by = \"p\"\nwindow = \"p\"",
        "p = \"int not null\"\nv = \"int\"",
        "select 1",
    );
    for (set, expected) in [
        (&[("form", "1")][..], "job `test` has no parameter `form`"),
        (
            &[("from", "1"), ("from", "1")],
            "parameter `from` is set more than once",
        ),
        (
            &[("from", "one")],
            "invalid value of parameter `from`: `one` is not a valid `int`: expected a whole number from -2147483648 to 2147483647",
        ),
        (
            &[("least", "1.555")],
            "invalid value of parameter `least`: `1.555` is not a valid `decimal(5,2)`: expected a decimal number with at most 3 digits before the point and 2 after it",
        ),
        (
            &[("from", "3"), ("to", "2")],
            "the window of column `p` ends at 2, before it begins at 3",
        ),
    ] {
        let error = Parameters::bind(&job, set).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Parameter, expected.to_owned())
        );
    }
    assert_eq!(
        Parameters::bind(&job, &[("form", "1")])
            .unwrap_err()
            .hint_text(),
        Some("did you mean `from`?")
    );
    let mut required = job;
    required.parameters[0].required = true;
    let error = Parameters::bind(&required, &NONE).unwrap_err();
    assert_eq!(error.to_string(), "required parameter `from` is not set");
}

#[tokio::test]
async fn checks_compare_numbers_of_different_types_by_value() {
    let job = job("", "x = \"int\"", "select 1 as x");
    let context = context();
    let parameters = Parameters::bind(&job, &NONE).unwrap();
    let plan = table_plan(&context, &job, &job.tables[0], &parameters)
        .await
        .unwrap();
    assert_eq!(plan.schema().field(0).name(), "one");
    let CheckPlan::Equal { expected, got } =
        check_plan(&context, &job, &job.checks[0], &parameters)
            .await
            .unwrap()
    else {
        panic!("the check compares");
    };
    assert_eq!(expected.schema().as_arrow().fields().len(), 2);
    let mut sides = Vec::new();
    for plan in [expected, got] {
        let batches = context
            .execute_logical_plan(plan)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        sides.push(batches[0].columns().to_vec());
    }
    assert_eq!(sides[0], sides[1]);
}

/// Builds a job whose output `by_day` has the given query over `events` and `places`; `more` is appended to its
/// `job.toml`.
fn events(sql: &str, more: &str) -> Job {
    let toml = format!(
        r#"name = "test"
[inputs.events]
[inputs.events.columns]
place = "int not null"
at = "timestamp not null"
[inputs.places]
[inputs.places.columns]
id = "int not null"
name = "string not null"
[outputs.by_day]
sql = "by_day.sql"
partition_by = "day"
[outputs.by_day.columns]
place = "string not null"
day = "date not null"
{more}
"#
    );
    let file = |name: &str, text: &str| JobFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    Job::parse(
        vec![file("job.toml", &toml), file("by_day.sql", sql)],
        &|_| None,
    )
    .unwrap()
}

#[tokio::test]
async fn an_input_is_read_in_the_order_of_the_expression_of_the_partition() {
    let by = async |sql: &str| {
        let job = events(sql, "");
        let clustering = clustering(&job, &Parameters::unset(&job)).await.unwrap();
        let mut inputs = clustering.into_iter();
        inputs.next().map(|(input, by)| format!("{input}: {by}"))
    };
    let join = "left join places on places.id = e.place";
    assert_eq!(
        by(&format!(
            "select places.name as place, cast(e.at as date) as day from events as e {join}"
        ))
        .await
        .as_deref(),
        Some("events: exact(CAST(at AS Date32))")
    );
    assert_eq!(
        by(&format!(
            "with dated as (select place, date_trunc('day', at) as start from events where place > 0) \
             select name as place, cast(start as date) as day from dated as e {join}"
        ))
        .await
        .as_deref(),
        Some("events: exact(CAST(date_trunc(Utf8(\"day\"), at) AS Date32))")
    );
    for sql in [
        "select name as place, cast(max(at) as date) as day from events join places on id = place group by name",
        "select name as place, cast(now() as date) as day from events join places on id = place",
        "select name as place, cast(at as date) + id as day from events join places on id = place",
    ] {
        assert_eq!(by(sql).await, None, "{sql}");
    }
}

#[test]
fn an_output_is_read_again_by_later_outputs_references_and_checks_that_run() {
    let sql = "select cast(place as string) as place, cast(at as date) as day from events";
    let read = |more: &str, asked_for: &[&str]| {
        let asked_for: Vec<String> = asked_for.iter().map(|&name| name.to_owned()).collect();
        reread_outputs(&context(), &events(sql, more), &asked_for)
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let check =
        "[checks.some]\nenabled = false\nno_rows = \"select * from by_day where place = 'x'\"";
    assert_eq!(read("", &[]), [""; 0]);
    assert_eq!(read(check, &[]), [""; 0]);
    assert_eq!(read(check, &["some"]), ["by_day"]);
    let later = "[outputs.days]\nsql = \"with d as (select day from BY_DAY) select day from d\"\n[outputs.days.columns]\nday = \"date not null\"";
    assert_eq!(read(later, &[]), ["by_day"]);
}
