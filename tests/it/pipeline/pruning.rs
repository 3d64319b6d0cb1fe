//! Runs that open only the partitions that their window or their SQL needs, as the plan says.

use std::collections::BTreeSet;

use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

/// Returns a sandbox with ten published days of sales, and a job with a window over them.
fn sandbox(server: &S3Server, cities_sql: &str) -> Sandbox {
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    let mut orders = "order_id,shop_id,ordered_at,amount,paid\n".to_owned();
    for day in 1..=10 {
        orders += &format!("{day},10,{day:02}.03.2024 09:15,{day}.50,yes\n");
    }
    sandbox.write("sales/sample/raw/orders/orders.csv", orders);
    sandbox
        .run("run ./sales --input sales/sample --output s3://bucket/out")
        .succeeds();
    sandbox.write(
        "cities/job.toml",
        format!(
            "name = \"cities\"\n\
             [parameters]\n\
             from = \"date\"\n\
             to = \"date\"\n\
             [inputs.daily_sales]\n\
             table = \"sales.daily_sales\"\n\
             [inputs.shops]\n\
             contract = \"sales.shops\"\n\
             [outputs.cities]\n\
             sql = \"\"\"{cities_sql}\"\"\"\n\
             partition_by = \"day\"\n\
             window = \"day\"\n\
             [outputs.cities.columns]\n\
             city = \"string\"\n\
             revenue = \"decimal(28,2) not null\"\n\
             day = \"date not null\"\n"
        ),
    );
    sandbox
}

/// A query whose join and aggregate are below the filter of the window.
const JOINED: &str = "select shops.city, sum(revenue) as revenue, day \
                      from daily_sales left join shops on shops.shop_id = daily_sales.shop_id \
                      group by shops.city, day";

const FLAGS: &str = "./cities --input sales/sample --output s3://bucket/out";

/// Returns the files of the upstream table that were read since the last call of this function.
fn opened(server: &S3Server) -> BTreeSet<String> {
    let requests = server.gate.take_requests().into_iter();
    requests
        .filter(|request| request.reads() && request.key.starts_with("out/sales/daily_sales/"))
        .map(|request| request.key)
        .collect()
}

fn cities(sandbox: &Sandbox) -> Vec<String> {
    sandbox.query(
        "select day, revenue from cities order by day",
        "s3://bucket/out",
    )
}

#[test]
fn a_window_opens_only_its_partitions_of_the_table_upstream() {
    let server = S3Server::start();
    let sandbox = sandbox(&server, JOINED);
    opened(&server);
    sandbox
        .run(&format!(
            "run {FLAGS} --param from=2024-03-04 --param to=2024-03-05"
        ))
        .succeeds();
    let files = opened(&server);
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(
        files
            .iter()
            .all(|file| file.contains("day=2024-03-04/") || file.contains("day=2024-03-05/"))
    );
    assert_eq!(cities(&sandbox), ["2024-03-04,4.50", "2024-03-05,5.50"]);
    sandbox
        .run(&format!("run {FLAGS} --param from=2024-03-09"))
        .succeeds();
    assert_eq!(cities(&sandbox).len(), 4);
    opened(&server);
    sandbox.run(&format!("run {FLAGS}")).succeeds();
    assert_eq!(opened(&server).len(), 10);
    assert_eq!(cities(&sandbox).len(), 10);
}

#[test]
fn a_condition_in_sql_opens_only_the_matching_partitions() {
    let server = S3Server::start();
    let filter = "where extract(day from day) % 2 = 0 or revenue > 9";
    let sql = JOINED.replace("group by", &format!("{filter} group by"));
    let sandbox = sandbox(&server, &sql);
    // The condition does not use the partition column alone, so all files are read.
    sandbox.run(&format!("run {FLAGS}")).succeeds();
    assert_eq!(cities(&sandbox).len(), 6);
    opened(&server);
    let query = |sql: &str| sandbox.query(sql, "s3://bucket/out");
    let even = "select count(revenue) from daily_sales where extract(day from day) % 2 = 0 and shop_id > 0";
    assert_eq!(query(even), ["5"]);
    assert_eq!(opened(&server).len(), 5);
    assert_eq!(
        query("select count(*) from daily_sales where day < '2024-03-04'"),
        ["3"]
    );
    assert_eq!(
        query("select count(*) from daily_sales where day is null"),
        ["0"]
    );
    assert_eq!(
        opened(&server).len(),
        0,
        "the log knows how many rows there are"
    );
}

#[test]
fn a_plan_shows_what_a_run_opens_and_writes_nothing() {
    let server = S3Server::start();
    let sandbox = sandbox(&server, JOINED);
    sandbox.run(&format!("run {FLAGS}")).succeeds();
    server.gate.take_requests();
    let window = format!("plan {FLAGS} --param from=2024-03-04 --param to=2024-03-05");
    let planned = sandbox.json(&window);
    let requests = server.gate.take_requests();
    let parts =
        |key: &str| key.starts_with("out/sales/daily_sales/") || key.starts_with("out/cities/");
    let is_list = |query: &str| query.starts_with("list-type");
    assert!(
        requests
            .iter()
            .all(|request| request.method == hyper::Method::GET
                && (is_list(&request.query) || !parts(&request.key))),
        "{requests:?}"
    );
    let read = &planned["reads"][0];
    assert_eq!(
        (read["files"].as_u64(), read["opened_files"].as_u64()),
        (Some(10), Some(2))
    );
    assert!(read["opened_bytes"].as_u64() < read["bytes"].as_u64());
    let write = &planned["writes"][0];
    assert_eq!(write["replaced_partitions"], 2);
    assert_eq!(write["replaced_rows"], 2);
    let plan = planned["queries"][0]["plan"].as_str().unwrap();
    assert!(
        plan.contains("HashJoinExec")
            && plan.contains("day=2024-03-04")
            && plan.contains("Read: shops, 1 files"),
        "{plan}"
    );
    let text = sandbox.run(&window);
    let text = &text.succeeds().stdout;
    assert!(text.contains("opening only 2 of these files"), "{text}");
    assert!(
        text.contains("replacing the window `day` from 2024-03-04 to 2024-03-05: 2 partitions"),
        "{text}"
    );
}

#[test]
fn a_plan_reports_that_an_upstream_table_is_not_written_yet() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 100 --out data");
    let planned = sandbox.run("plan vehicle_location_metrics --input data --output lake");
    planned.succeeds().prints(&["not written yet"]);
    assert!(!sandbox.path("lake").exists());
}
