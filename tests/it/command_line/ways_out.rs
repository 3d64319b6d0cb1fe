//! What is refused, and the way out that the hint names.

use crate::support::sandbox::Sandbox;

#[test]
fn a_query_that_names_no_table_is_told_which_there_are() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox
        .run("run ./sales --input ./sales/sample --output lake")
        .succeeds();
    sandbox.run("new job shop").succeeds();
    let ask = |table: &str| {
        let sql = format!("select * from {table}");
        sandbox.run_words(&["query", &sql, "--output", "lake"])
    };
    ask("daily_sale").fails(
        2,
        &[
            "table 'datafusion.public.daily_sale' not found",
            "hint: did you mean `daily_sales`? the tables there are `daily_sales`",
        ],
    );
    sandbox
        .run("run ./shop --input ./shop/sample --output lake")
        .succeeds();
    ask("daily_sales").fails(
        2,
        &[
            "error: `daily_sales` is ambiguous: 2 jobs have it",
            "hint: write which one is meant: `sales.daily_sales`, `shop.daily_sales`",
        ],
    );
    ask("sales.daily_sales").succeeds();
    ask("others").fails(
        2,
        &["hint: the tables there are `sales.daily_sales`, `shop.daily_sales`"],
    );
}

#[test]
fn local_works_on_this_machine_alone() {
    let sandbox = Sandbox::new();
    sandbox
        .run("local --data s3://bucket/data")
        .fails(2, &["`--data s3://bucket/data` is no folder", "hint: "]);
    assert!(!sandbox.path("s3:").exists());
}

#[test]
fn the_gate_says_how_to_let_more_pass() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    let orders = sandbox.path("sales/sample/raw/orders/orders.csv");
    let text = std::fs::read_to_string(&orders).unwrap() + "no,order,at,all,x\n";
    std::fs::write(&orders, text).unwrap();
    let line = "run ./sales --input ./sales/sample --output lake";
    sandbox
        .run(line)
        .fails(4, &["the rejected rows lie in `", "`--max-rejected`"]);
    sandbox.run(&format!("{line} --max-rejected 1")).succeeds();
}
