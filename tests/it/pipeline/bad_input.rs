//! Bad input: each one a clear error that names the thing, its exit code, and nothing published.

use crate::pipeline::bad_objects::gzip;
use crate::support::sandbox::{ProcessOutput, Sandbox};

fn sample() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 300 --seed 1 --out data");
    sandbox
}

fn facts(sandbox: &Sandbox, flags: &str) -> ProcessOutput {
    let ran = sandbox.run(&format!(
        "run rental_facts --input data --output lake {flags}"
    ));
    let published = sandbox.files("lake/rental_facts");
    assert!(ran.code == Some(0) || published.is_empty(), "{published:?}");
    ran
}

#[test]
fn a_wrong_word_on_the_command_line_is_usage() {
    let sandbox = sample();
    facts(&sandbox, "--param nonsense=1").fails(2, &["`nonsense`", "hint:"]);
    facts(&sandbox, "--param from=yesterday").fails(2, &["`from`", "yesterday"]);
    facts(&sandbox, "--param from=2024-02-01 --param to=2024-01-01").fails(2, &["window"]);
    facts(&sandbox, "--check nonsense").fails(2, &["`nonsense`"]);
    facts(&sandbox, "--threads 0").fails(2, &["--threads"]);
    facts(&sandbox, "--memory-limit many").fails(2, &["`many`"]);
    facts(&sandbox, "--compression middle-out")
        .code
        .filter(|code| *code == 2)
        .unwrap();
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
fn an_output_root_within_the_raw_data_is_refused_before_anything_is_made() {
    let sandbox = sample();
    let raw = sandbox.files("data");
    sandbox
        .run("run rental_facts --input data --output data/raw")
        .fails(2, &["raw"]);
    sandbox
        .run("run rental_facts --input data --output data/raw/users/lake")
        .fails(2, &["raw"]);
    assert_eq!(sandbox.files("data"), raw);
}

#[test]
fn missing_input_is_named() {
    let sandbox = sample();
    std::fs::remove_dir_all(sandbox.path("data/raw/users")).unwrap();
    facts(&sandbox, "").fails(3, &["raw/users"]);
    sandbox
        .run("run vehicle_location_metrics --input data --output lake")
        .fails(3, &["hint: run job `rental_facts` first, with `--output "]);
    sandbox
        .run("local --data data")
        .fails(3, &["raw/users", "hint: a dataset's files lie in"]);
    sandbox
        .run("run rental_facts --input nowhere --output lake")
        .fails(3, &["nowhere"]);
}

#[test]
fn a_missing_column_fails_the_gate_with_the_files_name() {
    let sandbox = sample();
    sandbox.write(
        "data/raw/locations/other.csv",
        "location_id,city\n9999,Paris\n",
    );
    facts(&sandbox, "").fails(4, &["other.csv", "state"]);
}

#[test]
fn too_few_rows_fail_the_gate() {
    let sandbox = sample();
    for (name, _) in sandbox.files("data/raw/users") {
        std::fs::remove_file(sandbox.path(&format!("data/raw/users/{name}"))).unwrap();
    }
    sandbox.write(
        "data/raw/users/empty.csv",
        "user_id,first_name,last_name,email,phone_number,driver_license_number,driver_license_expiry,creation_date,is_active\n",
    );
    facts(&sandbox, "").fails(4, &["users"]);
}

#[test]
fn too_many_bad_rows_fail_the_gate_and_the_quarantine_is_there() {
    let sandbox = sample();
    let bad = "location_id,location_name,address,city,state,zip_code,latitude,longitude\n\
               seven,A,B,C,CA,94540,1.0,1.0\n"
        .to_owned()
        + &"7,A,B,C,CA,9454,1.0,1.0\n".repeat(100);
    sandbox.write("data/raw/locations/bad.csv", bad);
    facts(&sandbox, "").fails(4, &["locations", "quarantine"]);
    let quarantine = sandbox.files("lake/_drivetrain/rental_facts/quarantine");
    let csv = quarantine
        .iter()
        .find(|(name, _)| name.ends_with("rows.csv"))
        .unwrap();
    let text = String::from_utf8(csv.1.clone()).unwrap();
    assert!(text.contains("bad.csv") && text.contains("seven"), "{text}");
    facts(&sandbox, "--on-bad-row fail").fails(4, &["bad.csv"]);
}

#[test]
fn a_foreign_object_is_refused_by_name_unless_it_may_be_replaced() {
    let sandbox = sample();
    sandbox.write(
        "lake/rental_facts/rental_facts/rental_date=2024-01-01/theirs.parquet",
        "not ours",
    );
    let ran = sandbox.run("run rental_facts --input data --output lake");
    ran.fails(5, &["theirs.parquet", "--replace-foreign"]);
    sandbox
        .run("run rental_facts --input data --output lake --replace-foreign")
        .succeeds();
    let left = sandbox.files("lake/rental_facts");
    assert!(!left.iter().any(|(name, _)| name.contains("theirs")));
}

#[test]
fn an_error_as_json_names_what_a_state_machine_sees() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run("run rental_facts --input nowhere --output lake --output-format json");
    assert_eq!(ran.code, Some(3));
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(error["error"]["name"], "Drivetrain.InputMissing");
    assert_eq!(error["error"]["exit_code"], 3);
}

#[test]
fn check_tells_each_mistake_of_a_job_and_of_a_machine_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox.run("check ./sales").succeeds();
    let manifest = std::fs::read_to_string(sandbox.path("sales/job.toml")).unwrap();
    sandbox.write("sales/job.toml", manifest.replace("decimal(", "decimall("));
    let ran = sandbox.run("check ./sales");
    ran.fails(2, &["problem"]);
    assert!(ran.stdout.contains("job.toml:"), "{}", ran.stdout);
    sandbox.write(
        "machine.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#,
    );
    let ran = sandbox.run("check machine.asl.json");
    ran.fails(2, &["2 problems"]);
    assert!(ran.stdout.contains("machine.asl.json:1:"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("MISSING_TRANSITION_TARGET  /States/A/Next"),
        "{}",
        ran.stdout
    );
}

/// The example job, and what became of a run of it after its files were changed.
pub fn sales(change: impl FnOnce(&Sandbox)) -> ProcessOutput {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    change(&sandbox);
    let ran = sandbox.run("run ./sales --input sales/sample --output lake");
    assert_ne!(ran.code, Some(0), "{}", ran.stdout);
    let published = sandbox.files("lake/sales");
    assert!(published.is_empty(), "{published:?}");
    assert_eq!(sandbox.files("lake/_drivetrain/sales/log").len(), 0);
    ran
}

/// Writes a file over, with one text in the place of another.
pub fn replace(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
    assert!(text.contains(from), "{text}");
    sandbox.write(file, text.replace(from, to));
}

#[test]
fn a_job_folder_that_cannot_be_used_is_told_with_each_place_before_anything_is_read() {
    sales(|sandbox| std::fs::remove_file(sandbox.path("sales/job.toml")).unwrap())
        .fails(2, &["job.toml", "hint:"]);
    sales(|sandbox| sandbox.write("sales/job.toml", "name = ")).fails(2, &["job.toml:1:", "hint:"]);
    sales(|sandbox| sandbox.write("sales/job.toml", b"name = \"\xff\"")).fails(
        2,
        &["the job folder `./sales`", "sales/job.toml` is not UTF-8"],
    );
    let ran = sales(|sandbox| {
        replace(
            sandbox,
            "sales/daily_sales.sql",
            "orders.amount",
            "orders.amuont",
        );
    });
    ran.fails(
        2,
        &[
            "daily_sales.sql:",
            "`orders` has no column `amuont`",
            "did you mean `amount`?",
        ],
    );
    assert!(!ran.stderr.contains("  read "), "{}", ran.stderr);
    let own = "[inputs.orders]";
    let circle = "[inputs.again]\ntable = \"sales.daily_sales\"\n[inputs.orders]";
    sales(|sandbox| replace(sandbox, "sales/job.toml", own, circle))
        .fails(2, &["job.toml:", "hint:"]);
}

#[test]
fn a_broken_folder_beside_a_job_is_nothing_to_it() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox.write("broken/job.toml", b"\xff");
    sandbox
        .run("run ./sales --input sales/sample --output lake")
        .succeeds();
}

#[test]
fn raw_data_within_a_table_is_refused_before_anything_is_made() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    std::fs::create_dir_all(sandbox.path("lake/sales/daily_sales")).unwrap();
    std::fs::rename(
        sandbox.path("sales/sample"),
        sandbox.path("lake/sales/daily_sales/in"),
    )
    .unwrap();
    let before = sandbox.files("lake");
    sandbox
        .run("run ./sales --input lake/sales/daily_sales/in --output lake")
        .fails(2, &["lies inside the table", "choose an `--output`"]);
    assert_eq!(sandbox.files("lake"), before);
}

#[test]
fn an_empty_prefix_is_no_dataset() {
    let empty = |sandbox: &Sandbox| {
        std::fs::remove_file(sandbox.path("sales/sample/raw/orders/orders.csv")).unwrap();
    };
    sales(empty).fails(3, &["raw/orders/` holds no objects", "check `--input`"]);
    sales(|sandbox| {
        empty(sandbox);
        sandbox.write("sales/sample/raw/orders/_SUCCESS", "");
        sandbox.write("sales/sample/raw/orders/.part.csv.crc", "x");
    })
    .fails(
        3,
        &[
            "raw/orders/` holds only 2 hidden or empty ones",
            "check `--input`",
        ],
    );
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    sandbox
        .run("run rental_facts --input file --output lake")
        .fails(3, &["`", "it is no folder", "hint:"]);
}

#[test]
fn a_check_that_fails_says_which_what_was_expected_and_what_came() {
    let checks = "\n[checks.none_in_lisbon]\nno_rows = \"select city from daily_sales where city = 'Lisbon'\"\n\
                  [checks.as_many]\nexpected = \"select 1 as n\"\ngot = \"select count(*) as n from daily_sales\"\n";
    sales(|sandbox| {
        replace(
            sandbox,
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
            "nothing of job `sales` was published",
        ],
    );
    sales(|sandbox| {
        replace(
            sandbox,
            "sales/job.toml",
            "key = [\"day\", \"shop_id\"]",
            "key = \"day\"",
        );
    })
    .fails(4, &["key day", "day = 2024-03-01, times = 2"]);
}

#[test]
fn too_little_memory_says_which_setting_to_raise() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 60000 --seed 1 --out data");
    facts(&sandbox, "--memory-limit 1KiB").fails(2, &["memory limit", "64 MiB"]);
    // Little enough that rows and keys go to disk, and there is no disk to go to.
    facts(
        &sandbox,
        "--memory-limit 64MiB --spill-dir /dev/null/nowhere",
    )
    .fails(1, &["spill directory", "`--spill-dir`"]);
}

#[test]
fn a_query_that_fails_while_it_spills_leaves_nothing_in_the_spill_folder() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 300000 --seed 1 --out data");
    sandbox.write(
        "spills/job.toml",
        "name = \"spills\"\n\
         [inputs.rental_transactions.columns]\n\
         rental_id = \"string not null\"\n\
         user_id = \"string not null\"\n\
         vehicle_id = \"string not null\"\n\
         total_amount = \"decimal(12,2) not null\"\n\
         [outputs.o]\n\
         sql = \"select rental_id, user_id, sum(total_amount) as s, \
         sum(10 / (case when place > 290000 then 0 else 1 end)) as z from (select *, row_number() over \
         (order by user_id, rental_id) as place from rental_transactions) group by rental_id, user_id\"\n\
         [outputs.o.columns]\n\
         rental_id = \"string\"\n\
         user_id = \"string\"\n\
         s = \"decimal(38,2)\"\n\
         z = \"bigint\"\n",
    );
    // The sorts find no memory while others have begun to spill.
    for _ in 0..4 {
        sandbox.write("spill/keep", "");
        sandbox
            .run("run ./spills --input data --output lake --memory-limit 64MiB --threads 2 --spill-dir spill")
            .fails(1, &["`--memory-limit`"]);
        let left = std::fs::read_dir(sandbox.path("spill")).unwrap().count();
        assert_eq!(left, 1);
    }
}

pub fn one_column(sandbox: &Sandbox) {
    sandbox.write(
        "small/job.toml",
        "name = \"small\"\n\
         [inputs.c.columns]\n\
         id = \"int not null\"\n\
         [outputs.o]\n\
         sql = \"select id from c\"\n\
         [outputs.o.columns]\n\
         id = \"int not null\"\n",
    );
}

#[test]
fn an_errors_own_way_out_stands_before_where_the_rejected_rows_lie() {
    let sandbox = Sandbox::new();
    one_column(&sandbox);
    sandbox.write("data/raw/c/1.csv", "id\n1\nno number\n");
    sandbox.write("data/raw/c/2.gz", &gzip(b"id\n2\n")[..12]);
    sandbox.run("run ./small --input data --output lake").fails(
        4,
        &[
            "2.gz",
            "hint: is the object cut off",
            "the rejected rows lie in",
        ],
    );
}

#[test]
fn the_gate_counts_rows_that_only_refer_to_rejected_ones_apart() {
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
            "type 1; besides, 1 that only refer to rejected rows)",
        ],
    );
    let ran = sandbox.run(&format!("{run} --max-rejected 0.9"));
    ran.succeeds();
    let line = "3 quarantined, 1 of them only for the rows that they refer to";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn a_plan_makes_the_checks_that_its_run_makes_before_it_reads() {
    let sandbox = sample();
    let both = |flags: &str, code: i32, says: &[&str]| {
        for verb in ["plan", "run"] {
            let line = format!("{verb} rental_facts --input data {flags}");
            sandbox.run(&line).fails(code, says);
        }
    };
    both("--output data/raw", 2, &["lies inside the raw data"]);
    both(
        "--output lake --check nonsense",
        2,
        &["no check `nonsense`"],
    );
    assert!(!sandbox.path("lake").exists());

    sandbox.write("lake/rental_facts/rental_facts/foreign.parquet", "no");
    let lake = sandbox.files("lake");
    sandbox
        .run("plan rental_facts --input data --output lake")
        .fails(5, &["foreign.parquet", "--replace-foreign"]);
    assert_eq!(sandbox.files("lake"), lake);
    both(
        "--output lake",
        5,
        &["foreign.parquet", "--replace-foreign"],
    );
    std::fs::remove_file(sandbox.path("lake/rental_facts/rental_facts/foreign.parquet")).unwrap();

    let run = "rental_facts --input data --output lake";
    let planned = sandbox.json(&format!("plan {run}"));
    assert!(planned["already_done"].is_null(), "{planned}");
    let report = sandbox.json(&format!("run {run}"));
    let planned = sandbox.json(&format!("plan {run}"));
    assert_eq!(planned["already_done"]["run_id"], report["run_id"]);
    assert_eq!(planned["writes"].as_array().unwrap().len(), 0);
    let text = sandbox.run(&format!("plan {run}")).stdout;
    assert!(text.contains("is done already (record 1, run "), "{text}");
    let forced = sandbox.json(&format!("plan {run} --force"));
    assert_ne!(forced["writes"][0]["replaced_files"], 0, "{forced}");
    assert!(forced["already_done"].is_null(), "{forced}");

    // By the versions of the parts, also where the inputs are tables.
    let next = "vehicle_location_metrics --input data --output lake";
    let report = sandbox.json(&format!("run {next}"));
    let planned = sandbox.json(&format!("plan {next}"));
    assert_eq!(planned["already_done"]["run_id"], report["run_id"]);
}
