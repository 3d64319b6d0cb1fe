//! Values that fail a query: exit code 4, an error with the column or expression and a hint, and nothing published.

use crate::support::process_output::ProcessOutput;
use crate::support::sandbox::Sandbox;

/// Returns a sandbox with three sales and a job over them, whose column `n` is the expression `n` of type `kind`.
fn sales(n: &str, kind: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "data/raw/sales/a.csv",
        "id,amount,quantity,note\n1,10.00,2,12\n2,99999999.99,0,99999999999\n3,,9223372036854775807,x\n",
    );
    job(&sandbox, &format!("select id, {n} as n from sales"), kind);
    sandbox
}

fn job(sandbox: &Sandbox, sql: &str, kind: &str) {
    sandbox.write(
        "bad/job.toml",
        format!(
            "name = \"bad\"\n\
             [inputs.sales.columns]\n\
             id = \"int not null\"\n\
             amount = \"decimal(10,2)\"\n\
             quantity = \"bigint not null\"\n\
             note = \"string\"\n\
             [outputs.totals]\n\
             sql = \"{sql}\"\n\
             [outputs.totals.columns]\n\
             id = \"int not null\"\n\
             n = \"{kind}\"\n"
        ),
    );
}

fn run(sandbox: &Sandbox) -> ProcessOutput {
    let ran = sandbox.run("run ./bad --input data --output lake");
    let published = sandbox.files("lake/bad");
    assert!(ran.code == Some(0) || published.is_empty(), "{published:?}");
    ran
}

/// Asserts that an expression fails the run with exit code 4, and that the error names the job and the output and has a
/// hint.
#[track_caller]
fn fails(n: &str, kind: &str, says: &[&str]) {
    let sandbox = sales(n, kind);
    let ran = run(&sandbox);
    ran.fails(
        4,
        &[
            "output `totals` of job `bad`",
            "hint:",
            "nothing was published",
        ],
    );
    ran.fails(4, says);
    assert_eq!(sandbox.files("lake/_drivetrain/bad/log").len(), 0);
}

#[test]
fn a_division_by_zero_names_the_column_and_the_expression() {
    let says = [
        "division by zero in column `n`",
        "10 / sales.quantity",
        "nullif",
    ];
    fails("10 / quantity", "bigint", &says);
    fails(
        "10 % quantity",
        "bigint",
        &["division by zero in column `n`"],
    );
}

#[test]
fn a_value_that_cannot_be_cast_is_shown_with_its_column() {
    let says = [
        "in column `n`",
        "cast(sales.note as int)",
        "'99999999999'",
        "try_cast",
    ];
    fails("cast(note as int)", "int", &says);
    fails("cast(note as date)", "date", &["in column `n`", "try_cast"]);
    fails(
        "cast(to_timestamp(note) as date)",
        "date",
        &["in column `n`", "to_timestamp"],
    );
    fails(
        "cast(amount * 10000000000000000000000000000.00 as decimal(38,10))",
        "decimal(38,10)",
        &["in column `n`"],
    );
}

#[test]
fn whole_numbers_fail_instead_of_wrapping() {
    let says = ["a number too large for its type", "`n`", "decimal(38,0)"];
    for n in [
        "quantity + 1",
        "quantity * 2",
        "-2 - quantity",
        "sum(quantity) over ()",
        "(select sum(s.quantity) + 9223372036854775807 from sales as s)",
    ] {
        fails(n, "bigint", &says);
    }
    let sandbox = sales("id", "int");
    let twice = "select id % 1 as id, sum(quantity) as n from (select * from sales union all select * from sales) group by 1";
    job(&sandbox, twice, "bigint");
    run(&sandbox).fails(4, &says);
}

#[test]
fn sums_that_fit_are_exact() {
    let sandbox = sales("id", "int");
    sandbox.write(
        "data/raw/sales/a.csv",
        "id,amount,quantity,note\n1,1,2,\n1,1,9223372036854775800,\n2,1,-5,\n",
    );
    job(
        &sandbox,
        "select id, sum(quantity) + count(distinct note) as n from sales group by id",
        "bigint",
    );
    run(&sandbox).succeeds();
    let rows = sandbox.query("select id, n from totals order by id", "lake");
    assert_eq!(rows, ["1,9223372036854775802", "2,-5"]);
    let sums = sandbox.query(
        "select sum(n) over (order by id desc), sum(distinct id) over () from totals where id = 2",
        "lake",
    );
    assert_eq!(sums, ["-5,2"]);
}

#[test]
fn null_in_a_column_that_is_not_null_names_the_column() {
    let says = [
        "`totals.n` is `not null`, but the query returns NULL",
        "coalesce",
    ];
    fails("amount", "decimal(10,2) not null", &says);
}

#[test]
fn a_value_that_does_not_fit_its_column_fails_instead_of_being_cut() {
    let says = [
        "`totals.n` has the type `decimal(9,2)`, which cannot hold every value",
        "99999999.99",
        "wider",
    ];
    fails("amount", "decimal(9,2)", &says);
    fails(
        "quantity",
        "int",
        &["`totals.n` has the type `int`, which cannot hold every value"],
    );
    let says = [
        "has the type `decimal(12,1)`, which cannot hold 99999999.99 without losing digits",
        "round",
    ];
    fails("amount", "decimal(12,1)", &says);
}

#[test]
fn a_subquery_of_more_than_one_row_fails_the_gate() {
    fails(
        "(select s.quantity from sales as s)",
        "bigint",
        &["more than one row"],
    );
}

#[test]
fn an_intermediate_table_is_named_as_such() {
    let sandbox = sales("id", "int");
    let text = sandbox.read("bad/job.toml");
    let table =
        "[tables.shares]\nsql = \"select id, 10 / quantity as share from sales\"\n[outputs.totals]";
    let text = text.replace("[outputs.totals]", table);
    sandbox.write(
        "bad/job.toml",
        text.replace("id as n from sales", "share as n from shares")
            .replace("\"int\"\n", "\"bigint\"\n"),
    );
    run(&sandbox).fails(
        4,
        &[
            "table `shares` of job `bad`",
            "division by zero in column `share`",
        ],
    );
}

#[test]
fn the_query_command_reports_bad_values_the_same_way() {
    let sandbox = sales("quantity", "bigint");
    run(&sandbox).succeeds();
    sandbox
        .run_words(&["query", "select 1 / n from totals", "--output", "lake"])
        .fails(4, &["division by zero", "nullif"]);
}
