//! `run --register` and `register` with the real binary and a catalog in a folder.

use serde_json::{Value, json};

use crate::support::s3_gate::When;
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;
use crate::support::task_server::{Reply, TaskServer};

const RUN: &str = "run ./sales --input sales/sample --output out --register file:catalog";
const REGISTER: &str = "register ./sales --output out --catalog file:catalog";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox
}

fn table(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.read("catalog/daily_sales.json")).unwrap()
}

/// Returns the values of all partitions in the catalog.
fn days(sandbox: &Sandbox) -> Vec<String> {
    let table = table(sandbox);
    let partitions = table["Partitions"].as_array().unwrap().iter();
    partitions
        .map(|partition| partition["Values"][0].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_run_registers_its_tables_in_glues_shapes() {
    let sandbox = sandbox();
    let report = sandbox.json(RUN);
    let registered = &report["registered"];
    assert_eq!(registered["record"], 1);
    assert_eq!(registered["tables"][0]["created"], 2);
    let file = table(&sandbox);
    let table = &file["Table"];
    assert_eq!(table["Name"], "daily_sales");
    assert_eq!(table["TableType"], "EXTERNAL_TABLE");
    assert_eq!(
        table["PartitionKeys"],
        json!([{"Name": "day", "Type": "date"}])
    );
    let parameters = &table["Parameters"];
    for (name, value) in [
        ("classification", "parquet"),
        ("drivetrain.job", "sales"),
        ("drivetrain.record", "1"),
        ("recordCount", "4"),
    ] {
        assert_eq!(parameters[name], value, "{name}");
    }
    assert_eq!(parameters["drivetrain.run"], report["run_id"]);
    let location = table["StorageDescriptor"]["Location"].as_str().unwrap();
    assert!(
        location.starts_with("file://") && location.ends_with("/out/sales/daily_sales/"),
        "{location}"
    );
    let columns = table["StorageDescriptor"]["Columns"].as_array().unwrap();
    assert!(columns.iter().all(|column| column["Name"] != "day"));
    let revenue = columns
        .iter()
        .find(|column| column["Name"] == "revenue")
        .unwrap();
    assert_eq!(revenue["Type"], "decimal(18,2)");
    let partition = &file["Partitions"][0];
    assert_eq!(partition["Values"], json!(["2024-03-01"]));
    let folder = format!("{location}day=2024-03-01/");
    assert_eq!(partition["StorageDescriptor"]["Location"], folder.as_str());
    assert!(std::path::Path::new(folder.strip_prefix("file://").unwrap()).is_dir());
}

#[test]
fn a_run_that_is_done_registers_too_and_changes_nothing_twice() {
    let sandbox = sandbox();
    sandbox
        .run(&RUN.replace(" --register file:catalog", ""))
        .succeeds();
    assert!(!sandbox.path("catalog").exists());
    let report = sandbox.json(RUN);
    assert_eq!(report["status"], "already_done");
    assert_eq!(report["registered"]["tables"][0]["created"], 2);
    let before = table(&sandbox);
    sandbox
        .run(REGISTER)
        .succeeds()
        .prints(&["record 1 in file:catalog", "no partition changed"]);
    assert_eq!(table(&sandbox), before);
}

#[test]
fn partitions_come_and_go_with_the_live_parts() {
    let sandbox = sandbox();
    sandbox.run(RUN).succeeds();
    assert_eq!(days(&sandbox), ["2024-03-01", "2024-03-02"]);
    let orders = sandbox.read("sales/sample/raw/orders/orders.csv");
    let kept: Vec<&str> = orders
        .lines()
        .filter(|line| !line.contains("02.03.2024"))
        .collect();
    let moved = kept.join("\n").replacen("01.03.2024", "07.03.2024", 1);
    sandbox.write("sales/sample/raw/orders/orders.csv", moved + "\n");
    let report = sandbox.json(RUN);
    let done = &report["registered"]["tables"][0];
    assert_eq!(
        (&done["created"], &done["deleted"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(days(&sandbox), ["2024-03-01", "2024-03-07"]);
    assert_eq!(
        table(&sandbox)["Table"]["Parameters"]["drivetrain.record"],
        "2"
    );
}

/// Changes the JSON of the catalog's table.
fn edit(sandbox: &Sandbox, change: impl Fn(&mut Value)) {
    let mut table = table(sandbox);
    change(&mut table);
    sandbox.write("catalog/daily_sales.json", table.to_string());
}

#[test]
fn a_table_of_others_is_refused_or_taken_over() {
    let sandbox = sandbox();
    sandbox.run(RUN).succeeds();
    let location =
        |table: &mut Value| table["Table"]["StorageDescriptor"]["Location"] = json!("s3://other/");
    let before = table(&sandbox);
    edit(&sandbox, location);
    sandbox
        .run(REGISTER)
        .fails(5, &["`daily_sales`", "`s3:/", "another database"]);
    sandbox.run(&format!("{RUN} --force")).fails(
        75,
        &[
            "committed as record 2, not registered",
            "`drivetrain register`",
        ],
    );
    sandbox.write("catalog/daily_sales.json", before.to_string());
    // As a crawler leaves it: no marks of ours.
    edit(&sandbox, |table| {
        table["Table"]["Parameters"] = json!({"CrawlerSchemaSerializerVersion": "1.0"});
        for partition in table["Partitions"].as_array_mut().unwrap() {
            partition["Parameters"] = json!({});
        }
    });
    sandbox
        .run(REGISTER)
        .fails(5, &["not made by `drivetrain register`", "`--adopt`"]);
    let adopted = sandbox.json(&format!("{REGISTER} --adopt"));
    assert_eq!(adopted["tables"][0]["updated"], 2);
    let parameters = table(&sandbox)["Table"]["Parameters"].clone();
    assert_eq!(parameters["CrawlerSchemaSerializerVersion"], "1.0");
    assert_eq!(parameters["drivetrain.record"], "2");
    sandbox.run(REGISTER).succeeds();
}

#[test]
fn partitions_of_others_are_left_alone_and_named() {
    let sandbox = sandbox();
    sandbox.run(RUN).succeeds();
    edit(&sandbox, |table| {
        let mut theirs = table["Partitions"][0].clone();
        theirs["Values"] = json!(["1999-01-01"]);
        theirs["Parameters"] = json!({});
        theirs["StorageDescriptor"]["Location"] = json!("s3://other/day=1999-01-01/");
        table["Partitions"].as_array_mut().unwrap().push(theirs);
    });
    let registered = sandbox.json(REGISTER);
    assert_eq!(registered["tables"][0]["foreign"], json!([["1999-01-01"]]));
    assert_eq!(registered["tables"][0]["deleted"], 0);
    assert!(days(&sandbox).contains(&"1999-01-01".to_owned()));
}

#[test]
fn new_columns_need_the_policy_and_types_never_change() {
    let sandbox = sandbox();
    sandbox.run(RUN).succeeds();
    // As if the catalog had been made before the column `revenue` was.
    let without = |descriptor: &mut Value| {
        let columns = descriptor["Columns"].as_array_mut().unwrap();
        columns.retain(|column| column["Name"] != "revenue");
    };
    edit(&sandbox, |table| {
        without(&mut table["Table"]["StorageDescriptor"]);
        for partition in table["Partitions"].as_array_mut().unwrap() {
            without(&mut partition["StorageDescriptor"]);
        }
    });
    sandbox
        .run(REGISTER)
        .fails(2, &["`revenue` is new", "`--schema-change add`"]);
    let added = sandbox.json(&format!("{REGISTER} --schema-change add"));
    assert_eq!(added["tables"][0]["updated"], 2);
    let file = table(&sandbox);
    for descriptor in [
        &file["Table"]["StorageDescriptor"],
        &file["Partitions"][1]["StorageDescriptor"],
    ] {
        let last = descriptor["Columns"].as_array().unwrap().last().unwrap();
        assert_eq!(last["Name"], "revenue");
    }
    edit(&sandbox, |table| {
        table["Table"]["StorageDescriptor"]["Columns"][0]["Type"] = json!("tinyint");
    });
    sandbox
        .run(&format!("{REGISTER} --schema-change add"))
        .fails(2, &["`tinyint`", "give the output another name"]);
}

#[test]
fn a_success_is_sent_to_a_task_only_after_the_registration() {
    let server = TaskServer::scripted(|_, _| Reply::Accepted);
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    sandbox.run(&format!("{RUN} --task-token token")).succeeds();
    assert_eq!(server.actions().last().unwrap(), "Success");
    edit(&sandbox, |table| {
        table["Table"]["StorageDescriptor"]["Location"] = json!("s3://other/");
    });
    sandbox
        .run(&format!("{RUN} --task-token token"))
        .fails(75, &["committed as record 1, not registered"]);
    let last = server.calls().pop().unwrap();
    assert_eq!(last.body["error"], "Drivetrain.TryAgain");
    assert!(
        last.body["cause"]
            .as_str()
            .unwrap()
            .contains("not registered")
    );
}

/// Returns the rows of a query over the catalog as CSV.
fn query(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    let ran = sandbox.run_words(&["query", sql, "--catalog", "file:catalog", "--format", "csv"]);
    let ran = ran.succeeds();
    ran.stdout.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_query_reads_a_catalog_as_it_reads_the_log() {
    let sandbox = sandbox();
    sandbox.run(RUN).succeeds();
    for sql in [
        "select * from daily_sales order by day, shop_id",
        "select count(*), sum(revenue) from daily_sales",
        "select city, revenue from daily_sales where day = date '2024-03-02' order by revenue",
        "select day, count(*) from daily_sales where day > '2024-03-01' and revenue > 1 group by day",
        "select count(*) from daily_sales where day = '1999-01-01'",
    ] {
        assert_eq!(query(&sandbox, sql), sandbox.query(sql, "out"), "{sql}");
    }
    let both = "query 'select' --catalog file:catalog --output out";
    sandbox.run(both).fails(2, &["cannot be used with"]);
    sandbox
        .run_words(&["query", "select 1"])
        .fails(2, &["--output <URL>"]);
    sandbox
        .run_words(&["query", "select 1", "--catalog", "file:none"])
        .fails(3, &["`file:none` has no tables", "`drivetrain register`"]);
    sandbox
        .run_words(&[
            "query",
            "select * from daily_sale",
            "--catalog",
            "file:catalog",
        ])
        .fails(2, &["did you mean `daily_sales`"]);
}

#[test]
fn a_query_lists_only_the_partitions_that_it_needs() {
    let s3 = S3Server::start();
    let sandbox = Sandbox::with_variables(s3.variables());
    sandbox.run("new job sales").succeeds();
    sandbox
        .run("run ./sales --input sales/sample --output s3://bucket/out --register file:catalog")
        .succeeds();
    s3.gate.take_requests();
    let rows = query(
        &sandbox,
        "select count(*) from daily_sales where day = date '2024-03-02'",
    );
    assert_eq!(rows, ["2"]);
    let requests = s3.gate.take_requests();
    assert!(!requests.is_empty());
    assert!(
        requests
            .iter()
            .all(|request| request.key.contains("day=2024-03-02")),
        "{requests:?}"
    );
}

#[test]
fn a_table_is_never_set_back() {
    let sandbox = sandbox();
    sandbox.run(RUN).succeeds();
    edit(&sandbox, |table| {
        table["Table"]["Parameters"]["drivetrain.record"] = json!("9");
    });
    let before = table(&sandbox);
    sandbox
        .run(REGISTER)
        .fails(5, &["shows record 9, but the log ends at record 1"]);
    assert_eq!(table(&sandbox), before);
}

#[test]
fn a_run_that_was_killed_before_its_publish_is_published_and_registered() {
    let s3 = S3Server::start();
    let sandbox = Sandbox::with_variables(s3.variables());
    sandbox.run("new job sales").succeeds();
    let held = s3
        .gate
        .hold(When::After, 1, |request| request.puts("/log/"));
    let run = "run ./sales --input sales/sample --output s3://bucket/out --register file:catalog";
    let mut process = sandbox.start(run);
    held.reached();
    process.kill().unwrap();
    process.wait().unwrap();
    held.resume();
    assert!(!sandbox.path("catalog").exists());
    let register = "register ./sales --output s3://bucket/out --catalog file:catalog";
    sandbox
        .run(register)
        .succeeds()
        .prints(&["partitions: 2 created"]);
    assert_eq!(days(&sandbox).len(), 2);
    let folder = s3.path("out/sales/daily_sales/day=2024-03-01");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    let location = &table(&sandbox)["Table"]["StorageDescriptor"]["Location"];
    assert_eq!(location, "s3://bucket/out/sales/daily_sales/");
}

#[test]
fn a_catalog_that_cannot_be_used_is_named() {
    let sandbox = sandbox();
    sandbox
        .run(&RUN.replace("file:catalog", "catalog"))
        .fails(2, &["`--register catalog`", "file:"]);
    assert!(!sandbox.path("out").exists());
    sandbox.run(REGISTER).fails(3, &["cannot open"]);
    sandbox.write("out/other", "");
    sandbox
        .run(REGISTER)
        .fails(3, &["the job `sales` has no runs", "`--output`"]);
    sandbox.write("file", "no folder");
    let into_file = RUN.replace("file:catalog", "file:file/catalog");
    sandbox.run(&into_file).fails(
        75,
        &[
            "not registered",
            "cannot read the catalog's table `file/catalog/daily_sales.json`",
        ],
    );
    sandbox.write("catalog/daily_sales.json", "{");
    sandbox
        .run(REGISTER)
        .fails(1, &["daily_sales.json", "delete the file"]);
}
