//! Job folders that a person wrote, and those that `new job` drafts.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};

use crate::support::sample_jobs::run_changed_sales;
use crate::support::sandbox::Sandbox;

#[test]
fn a_missing_query_is_reported_before_anything_is_read() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    for text in ["", " \n", "-- later\n"] {
        sandbox.write("sales/daily_sales.sql", text);
        let ran = sandbox.run("check ./sales");
        assert_eq!(ran.code, Some(2), "{text:?}\n{}", ran.stdout);
        let says = "the query is empty";
        ran.prints(&["sales/daily_sales.sql:1:1"]);
        assert!(ran.stdout.contains(says), "{text:?}\n{}", ran.stdout);
        let ran = sandbox.run("run ./sales --input nowhere --output lake");
        ran.fails(2, &["daily_sales.sql:1:1", says]);
        assert!(!sandbox.path("lake").exists());
    }
}

#[test]
fn a_draft_is_written_although_a_row_is_not_utf_8() {
    let sandbox = Sandbox::new();
    sandbox.write("o.csv", b"id,name\n1,a\n2,\xff\xfe\n3,c\n");
    sandbox.run("new job odd --from o.csv").succeeds();
    let contract = sandbox.read("odd/job.toml");
    for says in [
        "the first 2 rows",
        "id = \"int not null\"",
        "name = \"string not null\"",
    ] {
        assert!(contract.contains(says), "{says}\n{contract}");
    }
    sandbox
        .run("generate --rentals 2000 --dirt 0.01 --out data")
        .succeeds();
    let files = sandbox.files("data/raw").into_iter();
    let files: Vec<(String, Vec<u8>)> = files
        .filter(|(name, text)| name.contains("/part-") && !text.is_empty())
        .collect();
    assert!(
        files
            .iter()
            .any(|(_, text)| std::str::from_utf8(text).is_err())
    );
    for (number, (name, _)) in files.into_iter().enumerate() {
        let line = format!("new job draft_{number} --from data/raw/{name}");
        sandbox.run(&line).succeeds();
        sandbox.run(&format!("check ./draft_{number}")).succeeds();
    }
    for header in [&b"id,\xff\n1,2\n"[..], b"id,s\r1,2\r", b"\x1f\x8b\x08\0"] {
        sandbox.write("bad.csv", header);
        sandbox
            .run("new job bad --from bad.csv")
            .fails(4, &["has no readable header", "UTF-8"]);
    }
    sandbox.write("bad.csv", "");
    sandbox
        .run("new job bad --from bad.csv")
        .fails(4, &["`bad.csv` is empty"]);
    sandbox
        .run("new job bad --from s3://bucket/o.csv")
        .fails(2, &["is not a local file", "copy a file"]);
}

#[test]
fn a_draft_of_parquet_reads_its_file() {
    let sandbox = Sandbox::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(UInt8Array::from(vec![u8::MAX]))),
        ("b", Arc::new(UInt16Array::from(vec![u16::MAX]))),
        ("c", Arc::new(UInt32Array::from(vec![u32::MAX]))),
        ("d", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("e", Arc::new(Float32Array::from(vec![0.5]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    sandbox.write_parquet("data/raw/o/o.parquet", &batch);
    sandbox
        .run("new job wide --from data/raw/o/o.parquet")
        .succeeds();
    sandbox
        .run("run ./wide --input data --output lake")
        .succeeds();
    assert_eq!(
        sandbox.query("select * from clean_o", "lake"),
        ["255,65535,4294967295,18446744073709551615,0.5"]
    );
}

/// Returns the error of a run over a file whose header is not that of the contract.
fn header_error(text: impl AsRef<[u8]>) -> String {
    let sandbox = Sandbox::new();
    sandbox.write(
        "o/job.toml",
        "name = \"o\"\ndescription = \"d\"\n[inputs.o.columns]\nid = \"int\"\ns = \"string\"\n\
         [outputs.p]\n[outputs.p.columns]\nid = \"int\"\n",
    );
    sandbox.write("o/p.sql", "select id from o");
    sandbox.write("data/raw/o/o.csv", text);
    let ran = sandbox.run("run ./o --input data --output lake");
    ran.fails(4, &["hint: "]);
    ran.stderr
}

#[test]
fn a_header_that_does_not_match_has_a_specific_hint() {
    for (text, hint) in [
        ("id;s;d\n1;a;b\n", "set `delimiter = \";\"` in the contract"),
        ("id\ts\n1\ta\n", "set `delimiter = \"\\t\"` in the contract"),
        ("\"id\";\"s\"\n", "set `delimiter = \";\"` in the contract"),
        ("ID,s\n1,a\n", "set `from = \"ID\"` on the column `id`"),
        (" id ,s\n1,a\n", "set `trim = true` in the contract"),
        ("sep=;\nid;s\n", "remove that line"),
        ("sep=,\nid,s\n", "remove that line"),
        (
            "id,s\r1,a\r2,b\r",
            "write the file with LF or CRLF line ends",
        ),
        ("id,text\n1,a\n", "set `from = \"<name in the file>\"`"),
        ("1,a\n2,b\n", "set `header = false`"),
    ] {
        let said = header_error(text);
        assert!(said.contains(hint), "{text:?}\n{said}");
    }
}

#[test]
fn control_characters_of_a_file_are_escaped_in_errors() {
    let said = header_error("id,\u{1b}[2J\0d\r1,a\r");
    assert!(said.contains("`\\u{1b}[2J\\0d\\r1`"), "{said}");
    assert!(
        !said.contains(|one: char| one.is_control() && one != '\n'),
        "{said:?}"
    );
    let said = header_error("id,\"a\nb\"\n1,a\n");
    assert!(said.contains("`a\\nb`"), "{said}");
}

#[test]
fn every_problem_of_a_job_folder_is_reported_before_anything_is_read() {
    run_changed_sales(|sandbox| std::fs::remove_file(sandbox.path("sales/job.toml")).unwrap())
        .fails(2, &["job.toml", "hint:"]);
    run_changed_sales(|sandbox| sandbox.write("sales/job.toml", "name = "))
        .fails(2, &["job.toml:1:", "hint:"]);
    run_changed_sales(|sandbox| sandbox.write("sales/job.toml", b"name = \"\xff\"")).fails(
        2,
        &["the job folder `./sales`", "sales/job.toml` is not UTF-8"],
    );
    let ran = run_changed_sales(|sandbox| {
        sandbox.replace("sales/daily_sales.sql", "orders.amount", "orders.amuont");
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
    run_changed_sales(|sandbox| sandbox.replace("sales/job.toml", own, circle))
        .fails(2, &["job.toml:", "hint:"]);
}

#[test]
fn a_broken_folder_beside_a_job_does_not_affect_it() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox.write("broken/job.toml", b"\xff");
    sandbox
        .run("run ./sales --input sales/sample --output lake")
        .succeeds();
}
