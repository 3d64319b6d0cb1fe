//! Usage errors of the command line: exit code 2, and a hint with the correction.

use crate::support::sample_jobs::{published_sales, raw_sample, run_rental_facts};
use crate::support::sandbox::Sandbox;

#[test]
fn invalid_arguments_are_usage_errors() {
    let sandbox = raw_sample();
    run_rental_facts(&sandbox, "--param nonsense=1").fails(2, &["`nonsense`", "hint:"]);
    run_rental_facts(&sandbox, "--param from=yesterday").fails(2, &["`from`", "yesterday"]);
    run_rental_facts(&sandbox, "--param from=2024-02-01 --param to=2024-01-01")
        .fails(2, &["window"]);
    run_rental_facts(&sandbox, "--check nonsense").fails(2, &["`nonsense`"]);
    run_rental_facts(&sandbox, "--threads 0").fails(2, &["--threads"]);
    run_rental_facts(&sandbox, "--memory-limit many").fails(2, &["`many`"]);
    run_rental_facts(&sandbox, "--compression middle-out").ends_with(2);
    sandbox
        .run("run no_such_job --input data --output lake")
        .fails(2, &["`no_such_job`", "rental_facts"]);
    sandbox
        .run("run ./nowhere --input data --output lake")
        .fails(2, &["nowhere"]);
    sandbox
        .run("run rental_facts --output lake")
        .fails(2, &["--input"]);
    sandbox
        .run("run rental_facts --input gopher://x --output lake")
        .fails(2, &["gopher"]);
}

#[test]
fn a_query_of_an_unknown_table_lists_the_tables() {
    let sandbox = published_sales();
    sandbox.run("new job shop").succeeds();
    let ask = |table: &str| {
        let sql = format!("select * from {table}");
        sandbox.run_words(&["query", &sql, "--output", "lake"])
    };
    ask("daily_sale").fails(
        2,
        &[
            "table 'datafusion.public.daily_sale' not found",
            "hint: did you mean `daily_sales`? the available tables are `daily_sales`",
        ],
    );
    sandbox
        .run("run ./shop --input ./shop/sample --output lake")
        .succeeds();
    ask("daily_sales").fails(
        2,
        &[
            "error: `daily_sales` is ambiguous: 2 jobs have a table of this name",
            "hint: use one of `sales.daily_sales`, `shop.daily_sales`",
        ],
    );
    ask("sales.daily_sales").succeeds();
    ask("others").fails(
        2,
        &["hint: the available tables are `sales.daily_sales`, `shop.daily_sales`"],
    );
}

#[test]
fn local_takes_only_a_folder_of_this_machine() {
    let sandbox = Sandbox::new();
    sandbox.run("local --data s3://bucket/data").fails(
        2,
        &["`--data s3://bucket/data` is not a local folder", "hint: "],
    );
    assert!(!sandbox.path("s3:").exists());
}
