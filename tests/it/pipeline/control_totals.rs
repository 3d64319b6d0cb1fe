//! Control totals: exact sums over the live table, whatever wrote its parts.

use serde_json::{Value, json};

use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

const JOB: &str = r#"
name = "ledger"

[parameters]
from = "date"
to = "date"

[inputs.entries.columns]
day = "date not null"
amount = "decimal(12,2)"
huge = "decimal(38,0) not null"
units = "int not null"
ticks = "bigint not null"

[outputs.daily]
partition_by = "day"
window = "day"
sql = "select day, amount, huge, units, ticks from entries"
#totals

[outputs.daily.columns]
day = "date not null"
amount = "decimal(12,2)"
huge = "decimal(38,0) not null"
units = "int not null"
ticks = "bigint not null"
"#;

const MOST: &str = "99999999999999999999999999999999999999";

/// Two days: the sums exceed 32 bits, 64 bits and 38 digits, and one amount is NULL.
fn entries() -> String {
    let mut text = "day,amount,huge,units,ticks\n".to_owned();
    for day in ["2024-03-01", "2024-03-02"] {
        for amount in ["-0.05", "10.00", ""] {
            text += &format!("{day},{amount},{MOST},2147483647,9223372036854775807\n");
        }
    }
    text
}

fn sandbox(variables: Vec<(String, String)>, totals: &str) -> Sandbox {
    let sandbox = Sandbox::with_variables(variables);
    sandbox.write("ledger/job.toml", JOB.replace("#totals", totals));
    sandbox.write("data/raw/entries/entries.csv", entries());
    sandbox
}

/// Runs the job and returns its report.
fn run(sandbox: &Sandbox, output: &str, flags: &str) -> Value {
    sandbox.json(&format!(
        "run ./ledger --input data --output {output} {flags}"
    ))
}

fn live(report: &Value) -> Value {
    report["outputs"][0]["live"].clone()
}

const DAY_2: &str = "--param from=2024-03-02 --param to=2024-03-02";

#[test]
fn totals_are_exact_beyond_the_types_of_their_columns() {
    let totals =
        "totals = { amount = \"amount\", huge = \"huge\", units = \"units\", ticks = \"ticks\" }";
    let sandbox = sandbox(Vec::new(), totals);
    let report = run(&sandbox, "out", "");
    let expected = json!({
        "amount": "19.90",
        "huge": format!("5{}4", "9".repeat(37)),
        "units": "12884901882",
        "ticks": "55340232221128654842",
    });
    assert_eq!(live(&report)["totals"], expected);
    assert_eq!(live(&report)["rows"], 6);
    assert_eq!(live(&report)["partitions"], 2);
    assert_eq!(live(&report)["bytes"], report["outputs"][0]["bytes"]);
    let done = run(&sandbox, "out", "");
    assert_eq!(done["status"], "already_done");
    assert_eq!(live(&done), live(&report));
    assert_eq!(done["url"], report["url"]);
    let text = sandbox.run("run ./ledger --input data --output out");
    text.succeeds().prints(&["total amount: 19.90"]);
    let listed = sandbox.run("jobs ./ledger");
    listed
        .succeeds()
        .prints(&["control total amount: the sum of amount"]);
}

#[test]
fn a_window_changes_only_its_part_of_the_total() {
    let sandbox = sandbox(Vec::new(), "totals = { amount = \"amount\" }");
    run(&sandbox, "out", "");
    sandbox.write(
        "data/raw/entries/entries.csv",
        "day,amount,huge,units,ticks\n2024-03-02,5.00,1,1,1\n",
    );
    let report = run(&sandbox, "out", DAY_2);
    assert_eq!(live(&report)["totals"], json!({"amount": "14.95"}));
    assert_eq!(live(&report)["rows"], 4);
    assert_eq!(report["outputs"][0]["rows"], 1);
    let none = run(
        &sandbox,
        "out",
        "--param from=2024-03-03 --param to=2024-03-03",
    );
    assert_eq!(live(&none)["totals"], json!({"amount": "14.95"}));
    assert_eq!(none["outputs"][0]["rows"], 0);
    let queried = sandbox.query("select sum(amount) from daily", "out");
    assert_eq!(queried, ["14.95"]);
}

#[test]
fn a_table_without_rows_has_a_total_of_zero() {
    let sandbox = sandbox(
        Vec::new(),
        "totals = { amount = \"amount\", units = \"units\" }\nwhere = \"units < 0\"",
    );
    let report = run(&sandbox, "out", "");
    assert_eq!(
        live(&report),
        json!({"rows": 0, "bytes": 0, "partitions": 0, "totals": {"amount": "0.00", "units": "0"}})
    );
}

/// Returns the sums of older parts in a record of the log, by part.
fn older_sums(record: &[u8]) -> Value {
    let record: Value = serde_json::from_slice(record).unwrap();
    record["outputs"][0]["sums_of_older_parts"].clone()
}

#[test]
fn parts_from_before_the_total_are_read_once() {
    let s3 = S3Server::start();
    let sandbox = sandbox(s3.variables(), "");
    let output = "s3://bucket/out";
    let record = |number: u64| {
        let key = format!("out/_drivetrain/ledger/log/{number:020}.json");
        std::fs::read(s3.path(&key)).unwrap()
    };
    let first = run(&sandbox, output, "");
    assert!(live(&first)["totals"].is_null());
    sandbox.write(
        "ledger/job.toml",
        JOB.replace(
            "#totals",
            "totals = { amount = \"amount\", huge = \"huge\" }",
        ),
    );
    s3.gate.take_requests();
    let second = run(&sandbox, output, DAY_2);
    let expected = json!({"amount": "19.90", "huge": format!("5{}4", "9".repeat(37))});
    assert_eq!(live(&second)["totals"], expected);
    let reads = |day: &str| {
        let requests = s3.gate.take_requests();
        requests
            .iter()
            .filter(|request| request.reads() && request.key.contains(day))
            .count()
    };
    assert!(reads("day=2024-03-01") > 0);
    let sums = older_sums(&record(2));
    assert_eq!(sums.as_object().unwrap().len(), 1);
    // Another name for a total needs no other sum.
    sandbox.replace("ledger/job.toml", "huge = \"huge\"", "most = \"huge\"");
    let third = run(&sandbox, output, &format!("{DAY_2} --force"));
    assert_eq!(live(&third)["totals"]["most"], expected["huge"]);
    assert_eq!(reads("day=2024-03-01"), 0);
    assert!(older_sums(&record(3)).is_null());
}

#[test]
fn appends_add_to_the_total() {
    let sandbox = sandbox(
        Vec::new(),
        "totals = { amount = \"amount\" }\nmode = \"append\"",
    );
    sandbox.replace("ledger/job.toml", "window = \"day\"\n", "");
    let first = run(&sandbox, "out", "");
    assert_eq!(live(&first)["totals"]["amount"], "19.90");
    sandbox.write(
        "data/raw/entries/later.csv",
        "day,amount,huge,units,ticks\n2024-03-05,-20.00,1,1,1\n",
    );
    let second = run(&sandbox, "out", "");
    assert_eq!(live(&second)["totals"]["amount"], "-0.10");
    assert_eq!(live(&second)["partitions"], 3);
    assert_eq!(second["outputs"][0]["partitions"], 1);
}
