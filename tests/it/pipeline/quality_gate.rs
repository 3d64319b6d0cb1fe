//! The quality gate: rows, columns and checks that fail a run with exit code 4. Nothing is published, and the bad rows
//! are kept.

use crate::support::sample_jobs::{raw_sample, run_changed_sales, run_rental_facts};
use crate::support::sandbox::Sandbox;

#[test]
fn a_missing_column_fails_the_gate_with_the_files_name() {
    let sandbox = raw_sample();
    sandbox.write(
        "data/raw/locations/other.csv",
        "location_id,city\n9999,Paris\n",
    );
    run_rental_facts(&sandbox, "").fails(4, &["other.csv", "state"]);
}

#[test]
fn too_few_rows_fail_the_gate() {
    let sandbox = raw_sample();
    for (name, _) in sandbox.files("data/raw/users") {
        std::fs::remove_file(sandbox.path(&format!("data/raw/users/{name}"))).unwrap();
    }
    sandbox.write(
        "data/raw/users/empty.csv",
        "user_id,first_name,last_name,email,phone_number,driver_license_number,driver_license_expiry,creation_date,is_active\n",
    );
    run_rental_facts(&sandbox, "").fails(4, &["users"]);
}

#[test]
fn too_many_bad_rows_fail_the_gate_and_the_quarantine_is_there() {
    let sandbox = raw_sample();
    let bad = "location_id,location_name,address,city,state,zip_code,latitude,longitude\n\
               seven,A,B,C,CA,94540,1.0,1.0\n"
        .to_owned()
        + &"7,A,B,C,CA,9454,1.0,1.0\n".repeat(100);
    sandbox.write("data/raw/locations/bad.csv", bad);
    run_rental_facts(&sandbox, "").fails(4, &["locations", "quarantine"]);
    let quarantine = sandbox.files("lake/_drivetrain/rental_facts/quarantine");
    let csv = quarantine
        .iter()
        .find(|(name, _)| name.ends_with("rows.csv"))
        .unwrap();
    let text = String::from_utf8(csv.1.clone()).unwrap();
    assert!(text.contains("bad.csv") && text.contains("seven"), "{text}");
    run_rental_facts(&sandbox, "--on-bad-row fail").fails(4, &["bad.csv"]);
}

#[test]
fn the_gate_names_the_flag_that_lets_more_rows_pass() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    let orders = "sales/sample/raw/orders/orders.csv";
    let text = sandbox.read(orders) + "no,order,at,all,x\n";
    sandbox.write(orders, text);
    let line = "run ./sales --input ./sales/sample --output lake";
    sandbox
        .run(line)
        .fails(4, &["the rejected rows are in `", "`--max-rejected`"]);
    sandbox.run(&format!("{line} --max-rejected 1")).succeeds();
}

#[test]
fn the_gate_counts_rows_that_only_refer_to_rejected_ones_separately() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pair/job.toml",
        "name = \"pair\"\n\
         [inputs.p]\n\
         key = \"id\"\n\
         [inputs.p.columns]\n\
         id = \"int not null\"\n\
         v = \"int not null\"\n\
         [inputs.c]\n\
         references = [\"pid -> p.id\"]\n\
         [inputs.c.columns]\n\
         pid = \"int not null\"\n\
         v = \"int not null\"\n\
         [outputs.o]\n\
         sql = \"select pid from c\"\n\
         [outputs.o.columns]\n\
         pid = \"int not null\"\n",
    );
    sandbox.write("data/raw/p/p.csv", "id,v\n1,1\n2,x\n3,3\n");
    sandbox.write("data/raw/c/c.csv", "pid,v\n1,1\n2,2\n9,1\n3,x\n3,1\n");
    let run = "run ./pair --input data --output lake";
    sandbox.run(run).fails(
        4,
        &[
            "2 of 5 lines of `c` (",
            "type 1; not counted: 1 that only refer to rejected rows)",
        ],
    );
    let ran = sandbox.run(&format!("{run} --max-rejected 0.9"));
    ran.succeeds();
    let line = "3 quarantined, 1 of them only because they refer to quarantined rows";
    ran.prints(&[line]);
}

#[test]
fn a_failed_check_names_itself_and_what_it_expected_and_got() {
    let checks = "\n[checks.none_in_lisbon]\nno_rows = \"select city from daily_sales where city = 'Lisbon'\"\n\
                  [checks.as_many]\nexpected = \"select 1 as n\"\ngot = \"select count(*) as n from daily_sales\"\n";
    run_changed_sales(|sandbox| {
        sandbox.replace(
            "sales/job.toml",
            "\n[checks.every_shop",
            &format!("{checks}\n[checks.every_shop"),
        );
    })
    .fails(
        4,
        &[
            "check `none_in_lisbon` failed: expected no rows, got 2, such as city = Lisbon",
            "check `as_many` failed: expected n = 1, got n = 4",
            "job `sales` published nothing",
        ],
    );
    run_changed_sales(|sandbox| {
        sandbox.replace(
            "sales/job.toml",
            "key = [\"day\", \"shop_id\"]",
            "key = \"day\"",
        );
    })
    .fails(4, &["key day", "day = 2024-03-01, times = 2"]);
}
