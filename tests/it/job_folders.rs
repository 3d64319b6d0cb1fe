//! Job folders as people write them, and as `new job` drafts them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use parquet::arrow::ArrowWriter;

use crate::harness::Place;

#[test]
fn a_query_that_is_missing_is_told_before_anything_is_read() {
    let place = Place::new();
    place.run("new job sales").succeeds();
    for text in ["", " \n", "-- later\n"] {
        place.write("sales/daily_sales.sql", text);
        let ran = place.run("check ./sales");
        assert_eq!(ran.code, Some(2), "{text:?}\n{}", ran.stdout);
        let says = "the query is empty";
        assert!(
            ran.stdout.contains("sales/daily_sales.sql:1:1"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains(says), "{text:?}\n{}", ran.stdout);
        let ran = place.run("run ./sales --input nowhere --output lake");
        ran.fails(2, &["daily_sales.sql:1:1", says]);
        assert!(!place.path("lake").exists());
    }
}

#[test]
fn a_draft_is_not_stopped_by_a_row_that_is_no_text() {
    let place = Place::new();
    place.write("o.csv", b"id,name\n1,a\n2,\xff\xfe\n3,c\n");
    place.run("new job odd --from o.csv").succeeds();
    let contract = std::fs::read_to_string(place.path("odd/job.toml")).unwrap();
    for says in [
        "the first 2 rows",
        "id = \"int not null\"",
        "name = \"string not null\"",
    ] {
        assert!(contract.contains(says), "{says}\n{contract}");
    }
    place
        .run("generate --rentals 2000 --dirt 0.01 --out data")
        .succeeds();
    let files = place.files("data/raw").into_iter();
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
        place.run(&line).succeeds();
        place.run(&format!("check ./draft_{number}")).succeeds();
    }
    for header in [&b"id,\xff\n1,2\n"[..], b"id,s\r1,2\r", b"\x1f\x8b\x08\0"] {
        place.write("bad.csv", header);
        place
            .run("new job bad --from bad.csv")
            .fails(4, &["holds no header that can be read", "UTF-8"]);
    }
    place.write("bad.csv", "");
    place
        .run("new job bad --from bad.csv")
        .fails(4, &["`bad.csv` is empty"]);
    place
        .run("new job bad --from s3://bucket/o.csv")
        .fails(2, &["is no file of this machine", "copy a file"]);
}

#[test]
fn a_draft_of_parquet_reads_its_file() {
    let place = Place::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(UInt8Array::from(vec![u8::MAX]))),
        ("b", Arc::new(UInt16Array::from(vec![u16::MAX]))),
        ("c", Arc::new(UInt32Array::from(vec![u32::MAX]))),
        ("d", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("e", Arc::new(Float32Array::from(vec![0.5]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    place.write("data/raw/o/o.parquet", bytes);
    place
        .run("new job wide --from data/raw/o/o.parquet")
        .succeeds();
    place
        .run("run ./wide --input data --output lake")
        .succeeds();
    assert_eq!(
        place.query("select * from clean_o", "lake"),
        ["255,65535,4294967295,18446744073709551615,0.5"]
    );
}

/// What a run says about a file whose header is not that of the contract.
fn header(text: impl AsRef<[u8]>) -> String {
    let place = Place::new();
    place.write(
        "o/job.toml",
        "name = \"o\"\ndescription = \"d\"\n[inputs.o.columns]\nid = \"int\"\ns = \"string\"\n\
         [outputs.p]\n[outputs.p.columns]\nid = \"int\"\n",
    );
    place.write("o/p.sql", "select id from o");
    place.write("data/raw/o/o.csv", text);
    let ran = place.run("run ./o --input data --output lake");
    ran.fails(4, &["hint: "]);
    ran.stderr
}

#[test]
fn a_header_that_does_not_fit_has_the_hint_that_does() {
    for (text, hint) in [
        ("id;s;d\n1;a;b\n", "say `delimiter = \";\"` in the contract"),
        ("id\ts\n1\ta\n", "say `delimiter = \"\\t\"` in the contract"),
        ("\"id\";\"s\"\n", "say `delimiter = \";\"` in the contract"),
        ("ID,s\n1,a\n", "say `from = \"ID\"` with the column `id`"),
        (" id ,s\n1,a\n", "say `trim = true` in the contract"),
        ("sep=;\nid;s\n", "remove that line"),
        ("sep=,\nid,s\n", "remove that line"),
        ("id,s\r1,a\r2,b\r", "write it with LF or CRLF"),
        ("id,text\n1,a\n", "say `from = \"..\"`"),
        ("1,a\n2,b\n", "say `header = false`"),
    ] {
        let said = header(text);
        assert!(said.contains(hint), "{text:?}\n{said}");
    }
}

#[test]
fn bytes_of_a_file_do_not_steer_the_terminal() {
    let said = header("id,\u{1b}[2J\0d\r1,a\r");
    assert!(said.contains("`\\u{1b}[2J\\0d\\r1`"), "{said}");
    assert!(
        !said.contains(|one: char| one.is_control() && one != '\n'),
        "{said:?}"
    );
    let said = header("id,\"a\nb\"\n1,a\n");
    assert!(said.contains("`a\\nb`"), "{said}");
}
