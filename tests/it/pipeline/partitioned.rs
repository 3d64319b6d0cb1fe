//! Outputs that are written while the query runs: one file per partition, and every row once. Keys are checked all the
//! same.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::sandbox::Sandbox;

const DAYS: usize = 40;
const VISITS: usize = 80_000;

/// Returns a sandbox with visits to few shops on many days, in no order, and a job that partitions them by the column
/// `by`.
fn visits(by: &str, id: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut text = String::from("id,at,shop\n");
    for visit in 0..VISITS {
        let day = visit * 7 % DAYS;
        let (month, day) = (1 + day / 28, 1 + day % 28);
        text += &format!("{visit},2024-{month:02}-{day:02} 10:00:00,{}\n", visit % 3);
    }
    sandbox.write("data/raw/visits/a.csv", text);
    sandbox.write(
        "data/raw/shops/a.csv",
        "shop,name\n0,north\n1,south\n2,east\n",
    );
    sandbox.write(
        "visits/job.toml",
        format!(
            "name = \"visits\"\n\
             [inputs.visits.columns]\n\
             id = \"int not null\"\n\
             at = \"timestamp not null\"\n\
             shop = \"int not null\"\n\
             [inputs.shops.columns]\n\
             shop = \"int not null\"\n\
             name = \"string not null\"\n\
             [outputs.facts]\n\
             sql = \"select {id} as id, name, cast(at as date) as day from visits left join shops using (shop)\"\n\
             partition_by = \"{by}\"\n\
             rows_of = \"visits\"\n\
             key = \"id\"\n\
             [outputs.facts.columns]\n\
             id = \"bigint not null\"\n\
             name = \"string not null\"\n\
             day = \"date not null\"\n"
        ),
    );
    sandbox
}

fn output(report: &Value) -> [u64; 3] {
    ["rows", "files", "partitions"].map(|name| report["outputs"][0][name].as_u64().unwrap())
}

#[test]
fn more_days_than_files_may_be_open_give_one_file_each() {
    let sandbox = visits("day", "id");
    let report = sandbox.json("run ./visits --input data --output lake --threads 2");
    assert_eq!(output(&report), [80_000, 40, 40]);
    let sql = "select count(*), count(distinct id), count(distinct day), min(day), sum(id), count(distinct name) from facts";
    assert_eq!(
        sandbox.query(sql, "lake"),
        ["80000,80000,40,2024-01-01,3199960000,3"]
    );
    let uneven = "select day from facts group by day having count(*) <> 2000";
    assert!(sandbox.query(uneven, "lake").is_empty());
}

#[test]
fn few_unordered_partitions_have_the_same_rows_on_any_number_of_threads() {
    let sandbox = visits("name", "id");
    let report = sandbox.json("run ./visits --input data --output lake --threads 3");
    assert_eq!(output(&report), [80_000, 3, 3]);
    let report = sandbox.json("run ./visits --input data --output other --threads 1");
    assert_eq!(output(&report), [80_000, 3, 3]);
    let sql =
        "select name, day, count(*), sum(id) from facts group by name, day order by name, day";
    let rows = sandbox.query(sql, "lake");
    assert_eq!(rows.len(), 3 * DAYS);
    assert_eq!(rows, sandbox.query(sql, "other"));
}

#[test]
fn little_memory_gives_the_same_rows() {
    let sandbox = visits("day", "id");
    let line = "run ./visits --input data --output lake --memory-limit 64MiB";
    assert_eq!(output(&sandbox.json(line))[0], 80_000);
    let ids: BTreeSet<String> = sandbox
        .query("select id from facts", "lake")
        .into_iter()
        .collect();
    assert_eq!(ids.len(), VISITS);
}

#[test]
fn a_duplicate_key_is_named_although_its_rows_were_written() {
    let sandbox = visits(
        "day",
        "case when visits.id = 79999 then 17 else visits.id end",
    );
    let ran = sandbox.run("run ./visits --input data --output lake");
    ran.fails(
        4,
        &[
            "check `facts: key id` failed",
            "id = 17",
            "times = 2",
            "nothing",
        ],
    );
    assert!(sandbox.files("lake/visits").is_empty());
    assert!(sandbox.files("lake/_drivetrain/visits/staging").is_empty());
}
