//! Objects of every kind: compressions, encodings, headers, path columns, Parquet.

use std::io::Write as _;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use drivetrain_jobs::contract::Encoding;
use parquet::arrow::ArrowWriter;

use super::*;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

fn bzip2(text: &str) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compression_is_detected_by_content_and_may_differ_per_file() {
    let text = |from: i32| {
        let rows: String = (from..from + 50)
            .map(|id| format!("{id},n{id}\n"))
            .collect();
        format!("id,name\n{rows}")
    };
    let files = [
        ("a", text(0).into_bytes()),
        ("b.csv.gz", gzip(&text(50))),
        ("c.txt", zstd(&text(100))),
        ("d", bzip2(&text(150))),
    ];
    let sources = read_inputs(vec![
        input("t", contract("id int, name string"), &files).await,
    ])
    .await;
    let rows = rows(&sources, "t").await;
    assert_eq!(rows.len(), 200);
    assert!(
        rows.iter()
            .enumerate()
            .all(|(id, row)| row[0] == id.to_string())
    );
}

#[tokio::test]
async fn all_members_of_a_compressed_object_are_read() {
    // The second member begins in the middle of a record.
    for compress in [gzip, zstd, bzip2] {
        let object = [compress("id\n1\n2"), compress("2\n3\n"), compress("4\n")].concat();
        let sources = read_file(contract("id int"), object).await;
        assert_eq!(rows(&sources, "t").await, [["1"], ["22"], ["3"], ["4"]]);
    }
}

#[tokio::test]
async fn rows_rejected_late_in_compressed_objects_are_shown_with_their_text() {
    let contract = with_key(contract("id int, name string"), &["id"]);
    let text: String = (0..300)
        .map(|row| format!("{},\"n\n{row}\"\n", row % 290))
        .collect();
    for compress in [gzip, zstd, bzip2] {
        let object = compress(&format!("id,name\n{text}"));
        let sources = read_file(contract.clone(), object).await;
        let bad = bad(&sources.quarantine).await;
        assert_eq!(bad.len(), 10);
        assert_eq!((bad[3].line, bad[3].last_line), (2 + 293 * 2, 3 + 293 * 2));
        assert_eq!(bad[3].raw_text, "3,\"n\n293\"");
    }
}

#[tokio::test]
async fn the_error_of_an_object_that_cannot_be_decompressed_names_it() {
    let whole = gzip(&format!("id\n{}", "1\n".repeat(1000)));
    for cut in [
        whole[..whole.len() / 2].to_vec(),
        [&whole[..20], b"nonsense"].concat(),
    ] {
        let (kind, message) = refusal(contract("id int"), cut).await;
        assert_eq!(kind, ErrorKind::QualityGate);
        assert_eq!(
            message,
            "`memory://raw/t/a.csv` cannot be decompressed as gzip"
        );
    }
}

#[tokio::test]
async fn columns_are_matched_by_header_name_in_any_order() {
    let sources = read_inputs(vec![
        input(
            "t",
            contract("a int, b string"),
            &[("1.csv", "a,b\n1,x\n"), ("2.csv", "more,b,a\n?,y,2\n")],
        )
        .await,
    ])
    .await;
    assert_eq!(rows(&sources, "t").await, [["1", "x"], ["2", "y"]]);
    assert_eq!(sources.datasets[0].report.extra_columns, ["more"]);
}

#[tokio::test]
async fn the_error_of_missing_columns_names_them_and_their_file() {
    let (kind, message) = refusal(contract("a int, b int, c int"), "a,d\n1,2\n").await;
    assert_eq!(kind, ErrorKind::QualityGate);
    assert_eq!(
        message,
        "`memory://raw/t/a.csv` lacks the contract's columns `b`, `c`; the file has `a`, `d`"
    );
    let (_, message) = refusal(contract("a int"), "a,a\n1,2\n").await;
    assert_eq!(
        message,
        "the header of `memory://raw/t/a.csv` has column `a` more than once"
    );
}

#[tokio::test]
async fn headers_may_have_a_byte_order_mark_line_ends_and_quotes() {
    let text = "\u{feff}\"a\",\"b \"\"x\"\"\nmore\"\r\n1,y\r\n2,z";
    let mut contract = contract("a int, b string");
    contract.columns[1].origin = Origin::Field("b \"x\"\nmore".to_owned());
    let sources = read_file(contract, text).await;
    assert_eq!(rows(&sources, "t").await, [["1", "y"], ["2", "z"]]);
}

#[tokio::test]
async fn objects_without_content_are_reported() {
    let files = [
        ("1.csv", ""),
        ("2.csv", "a\n"),
        ("3.csv", "\n\n"),
        ("4.csv", "\u{feff}"),
        ("5.csv", "a\n1"),
    ];
    let sources = read_inputs(vec![input("t", contract("a int"), &files).await]).await;
    let report = &sources.datasets[0].report;
    assert_eq!(
        report.empty_files,
        [
            "memory://raw/t/1.csv",
            "memory://raw/t/3.csv",
            "memory://raw/t/4.csv"
        ]
    );
    assert_eq!((report.files, report.rows_read), (5, 1));
}

#[tokio::test]
async fn too_few_rows_fail_the_run() {
    let mut least = contract("a int");
    least.min_rows = 1;
    let (kind, message) = refusal(least, "a\n").await;
    assert_eq!(kind, ErrorKind::QualityGate);
    assert_eq!(
        message,
        "`t` has 0 rows in `memory://raw/t`, but its contract requires at least 1"
    );
}

#[tokio::test]
async fn the_dialect_of_the_contract_is_used() {
    let contract = with_csv(contract("a int, b string, c string"), |format| {
        format.delimiter = b';';
        format.quote = Some(b'\'');
        format.header = false;
        format.nulls = vec!["NULL".to_owned(), "\\N".to_owned()];
        format.trim = true;
    });
    let sources = read_file(contract, " 1 ; x;' y; '\nNULL;\\N;'NULL'\n2;;'it''s'\n").await;
    assert_eq!(
        rows(&sources, "t").await,
        [["1", "x", " y; "], [NULL, NULL, "NULL"], ["2", "", "it's"]]
    );
    assert_eq!(sources.datasets[0].report.rows_read, 3);
}

#[tokio::test]
async fn a_quote_is_an_ordinary_character_in_a_dialect_without_quotes() {
    let contract = with_csv(contract("a int, b string"), |format| format.quote = None);
    let long: String = (0..2000).map(|row| format!("{row},\"x\n")).collect();
    let sources = read_inputs(vec![
        input("t", contract, &[("a.csv", format!("a,b\n{long}"))]).await,
    ])
    .await;
    let rows = rows(&sources, "t").await;
    assert_eq!(rows.len(), 2000);
    assert_eq!(rows[1999], ["1999", "\"x"]);
}

#[tokio::test]
async fn single_byte_encodings_are_read() {
    for (encoding, bytes, expected) in [
        (
            Encoding::Latin1,
            &b"a,b\ns\xed,caf\xe9\x80\n"[..],
            "café\u{80}",
        ),
        (
            Encoding::Windows1252,
            &b"a,b\ns\xed,caf\xe9\x80\n"[..],
            "café€",
        ),
    ] {
        let mut contract = with_csv(contract("a boolean, b string"), |format| {
            format.encoding = encoding;
        });
        contract.columns[0].kind = ColumnType::Boolean {
            yes: vec!["sí".to_owned()],
            no: vec!["no".to_owned()],
        };
        let sources = read_file(contract, bytes).await;
        assert_eq!(rows(&sources, "t").await, [["true", expected]]);
    }
    let contract = with_csv(contract("a string"), |format| {
        format.encoding = Encoding::Windows1252;
    });
    let sources = read_file(contract, &b"a\nx\x81\ny\n"[..]).await;
    assert_eq!(faults(&sources).await, [fault(2, "encoding", "a")]);
    let (_, message) = refusal(
        crate::source::tests::contract("a string"),
        &b"\xff\xfea\0\n\0"[..],
    )
    .await;
    assert_eq!(
        message,
        "`memory://raw/t/a.csv` is UTF-16, which is not supported"
    );
}

#[tokio::test]
async fn folders_of_the_path_become_columns() {
    let mut contract = contract("a int, day date, place string");
    contract.columns[1].origin = Origin::Path("dt".to_owned());
    contract.columns[2].origin = Origin::Path("place".to_owned());
    let files = [
        ("dt=2024-01-01", ""),
        ("dt=2024-01-01/place=a%2Fb/x.csv", "a\n1\n2\n"),
        (
            "dt=2024-01-02/place=__HIVE_DEFAULT_PARTITION__/x.csv",
            "a\n3\n",
        ),
        ("dt=2024-01-02/_hidden/x.csv", "b\n3\n"),
        ("dt=2024-01-02/.crc", "b\n3\n"),
    ];
    let sources = read_inputs(vec![input("t", contract.clone(), &files).await]).await;
    assert_eq!(sources.datasets[0].report.files, 2);
    assert_eq!(
        rows(&sources, "t").await,
        [
            ["1", "2024-01-01", "a/b"],
            ["2", "2024-01-01", "a/b"],
            ["3", "2024-01-02", NULL]
        ]
    );
    for (file, message) in [
        (
            "x.csv",
            "the path of `memory://raw/t/x.csv` has no folder `dt=<value>`, which the contract requires",
        ),
        (
            "dt=1/x.csv",
            "folder `dt=1` in the path of `memory://raw/t/dt=1/x.csv`: expected a date in the format `%Y-%m-%d`, got `1`",
        ),
    ] {
        let inputs = vec![input("t", contract.clone(), &[(file, "a\n1\n")]).await];
        let refused = read_with(inputs, &settings()).await.unwrap_err();
        assert_eq!(refused.error.to_string(), message);
        assert_eq!(refused.error.kind(), ErrorKind::QualityGate);
    }
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[tokio::test]
async fn parquet_columns_are_matched_by_name_and_checked_against_the_contract() {
    let contract = Contract {
        format: Format::Parquet,
        ..with_key(
            contract("id bigint not null, name string, paid money, at timestamp, day date"),
            &["id"],
        )
    };
    let contract = with_rule(contract, "paid_is_positive", "paid > 0", Severity::Reject);
    let paid = Decimal128Array::from(vec![100, -100, 300, 400, 500])
        .with_precision_and_scale(9, 2)
        .unwrap();
    let object = parquet(vec![
        ("extra", Arc::new(Int32Array::from(vec![0; 5]))),
        ("paid", Arc::new(paid)),
        (
            "name",
            Arc::new(StringArray::from(vec![
                Some("a"),
                None,
                Some("c"),
                Some("d"),
                Some("e"),
            ])),
        ),
        (
            "id",
            Arc::new(Int32Array::from(vec![
                Some(1),
                Some(2),
                None,
                Some(1),
                Some(5),
            ])),
        ),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0; 5]))),
        ("day", Arc::new(Date32Array::from(vec![0; 5]))),
    ]);
    let settings = ReadSettings {
        batch_rows: 2,
        ..settings()
    };
    let inputs = vec![input("t", contract.clone(), &[("a.parquet", object)]).await];
    let sources = read_with(inputs, &settings).await.unwrap();
    assert_eq!(
        rows(&sources, "t").await,
        [
            ["1", "a", "1.00", "1970-01-01T00:00:00", "1970-01-01"],
            ["5", "e", "5.00", "1970-01-01T00:00:00", "1970-01-01"],
        ]
    );
    assert_eq!(
        faults(&sources).await,
        [
            fault(2, "paid_is_positive", NULL),
            fault(3, "not_null", "id"),
            fault(4, "key", "id"),
        ]
    );
    let bad = bad(&sources.quarantine).await;
    assert_eq!(
        bad[2].raw_text,
        "id=1, name=d, paid=4.00, at=1970-01-01T00:00:00, day=1970-01-01"
    );
    assert_eq!(sources.datasets[0].report.extra_columns, ["extra"]);
}

#[tokio::test]
async fn parquet_with_missing_columns_or_wrong_types_is_rejected() {
    let wrong = parquet(vec![("id", Arc::new(StringArray::from(vec!["1"])))]);
    let (kind, message) = refusal(
        Contract {
            format: Format::Parquet,
            ..contract("id int")
        },
        wrong,
    )
    .await;
    assert_eq!(kind, ErrorKind::QualityGate);
    assert_eq!(
        message,
        "columns of `memory://raw/t/a.csv` have the wrong type: `id`: expected int, got Utf8"
    );
    let wide = parquet(vec![("id", Arc::new(Int64Array::from(vec![1])))]);
    let (_, message) = refusal(
        Contract {
            format: Format::Parquet,
            ..contract("id int, b int")
        },
        wide,
    )
    .await;
    assert_eq!(
        message,
        "`memory://raw/t/a.csv` lacks the contract's column `b`; the file has `id`"
    );
    let (kind, message) = refusal(
        Contract {
            format: Format::Parquet,
            ..contract("id int")
        },
        "id\n1\n",
    )
    .await;
    assert_eq!(kind, ErrorKind::QualityGate);
    assert_eq!(message, "`memory://raw/t/a.csv` cannot be read as Parquet");
}

#[tokio::test]
async fn parquet_and_text_objects_may_be_mixed_in_one_folder() {
    let object = parquet(vec![("id", Arc::new(Int32Array::from(vec![1, 2])))]);
    let files = [("a", object), ("b", b"id\n3\n".to_vec())];
    let sources = read_inputs(vec![input("t", contract("id int"), &files).await]).await;
    assert_eq!(rows(&sources, "t").await, [["1"], ["2"], ["3"]]);
}
