//! All the ways in which a single row can break its contract.

use super::*;
use crate::source::OnBadRow;

const PEOPLE: &str = "id int not null, name string, born date, paid money, is_active boolean";

fn people() -> Contract {
    contract(PEOPLE)
}

const HEADER: &str = "id,name,born,paid,is_active\n";

#[tokio::test]
async fn valid_rows_are_read_with_their_types() {
    let text = format!("{HEADER}1,Ann,2024-02-29,450.0,1\n-2,\"Bo, \"\"B\"\"\",,.5,0\n");
    let sources = read_file(people(), text).await;
    assert_eq!(
        rows(&sources, "t").await,
        [
            ["1", "Ann", "2024-02-29", "450.00", "true"],
            ["-2", "Bo, \"B\"", NULL, "0.50", "false"],
        ]
    );
    let report = &sources.datasets[0].report;
    assert_eq!((report.files, report.lines, report.rows_read), (1, 2, 2));
    assert!(sources.quarantine.rows() == 0);
}

#[tokio::test]
async fn an_empty_field_is_null_and_a_quoted_empty_field_is_an_empty_text() {
    let sources = read_file(contract("a int, b string"), "a,b\n1,\n2,\"\"\n").await;
    assert_eq!(rows(&sources, "t").await, [["1", NULL], ["2", ""]]);
    // An empty text is not a number.
    let sources = read_file(contract("a int, b string"), "a,b\n\"\",x\n").await;
    assert_eq!(faults(&sources).await, [fault(2, "type", "a")]);
}

#[tokio::test]
async fn values_invalid_for_their_type_are_rejected_with_their_column() {
    let text = format!(
        "{HEADER}x,Ann,,,\n1,Ann,2023-02-29,,\n1,Ann,,1.234,\n1,Ann,,10000000000,\n1,Ann,,,yes\n,Ann,,,\n2147483648,,,,\n1,Ann,,1e3,\n1,sound,,,\n"
    );
    let sources = read_file(people(), text).await;
    assert_eq!(
        faults(&sources).await,
        [
            fault(2, "type", "id"),
            fault(3, "type", "born"),
            fault(4, "type", "paid"),
            fault(5, "type", "paid"),
            fault(6, "type", "is_active"),
            fault(7, "not_null", "id"),
            fault(8, "type", "id"),
            fault(9, "type", "paid"),
        ]
    );
    assert_eq!(
        rows(&sources, "t").await,
        [["1", "sound", NULL, NULL, NULL]]
    );
    let messages: Vec<_> = bad(&sources.quarantine)
        .await
        .into_iter()
        .map(|bad| bad.message)
        .collect();
    assert_eq!(messages[0], "expected int, got `x`");
    assert_eq!(
        messages[1],
        "expected a date in the format `%Y-%m-%d`, got `2023-02-29`"
    );
    assert_eq!(
        messages[2],
        "expected decimal(12,2), got `1.234`, which has 3 digits after the decimal point"
    );
    assert_eq!(messages[4], "expected `1` or `0`, got `yes`");
    assert_eq!(
        messages[6],
        "expected int, got `2147483648`, which is out of range"
    );
}

#[tokio::test]
async fn hexadecimal_ids_are_kept_as_text() {
    let sources = read_file(
        contract("id string not null"),
        "id\n7271092e13\n0012345678\n1234567890\n",
    )
    .await;
    assert_eq!(
        rows(&sources, "t").await,
        [["7271092e13"], ["0012345678"], ["1234567890"]]
    );
}

#[tokio::test]
async fn rows_with_missing_or_extra_fields_are_rejected() {
    let sources = read_file(contract("a int, b int"), "a,b\n1\n1,2,3\n1,2\n1,2,\n").await;
    assert_eq!(
        faults(&sources).await,
        [
            fault(2, "field_count", NULL),
            fault(3, "field_count", NULL),
            fault(5, "field_count", NULL),
        ]
    );
}

#[tokio::test]
async fn an_unclosed_quote_rejects_only_its_own_line() {
    let sources = read_file(
        contract("a int, b string"),
        "a,b\n1,x\n2,\"open\n3,y\n4,z\n",
    )
    .await;
    assert_eq!(faults(&sources).await, [fault(3, "unclosed_quote", NULL)]);
    assert_eq!(
        rows(&sources, "t").await,
        [["1", "x"], ["3", "y"], ["4", "z"]]
    );
    assert_eq!(bad(&sources.quarantine).await[0].raw_text, "2,\"open");
    // A later quoted field closes the quote, and the text after it reveals the fault.
    let sources = read_file(
        contract("a int, b string"),
        "a,b\n2,\"open\n3,y\n4,\"z, z\"\n",
    )
    .await;
    assert_eq!(faults(&sources).await, [fault(2, "text_after_quote", NULL)]);
    assert_eq!(rows(&sources, "t").await, [["3", "y"], ["4", "z, z"]]);
}

#[tokio::test]
async fn a_quoted_line_end_is_counted_in_lines_and_positions() {
    let text = "a,b\n1,\"x\ny\"\nbad,\"p\nq\n\"\n2,z\nbad,z\n";
    let sources = read_file(contract("a int, b string"), text).await;
    assert_eq!(rows(&sources, "t").await, [["1", "x\ny"], ["2", "z"]]);
    let bad = bad(&sources.quarantine).await;
    let places: Vec<_> = bad
        .iter()
        .map(|bad| {
            (
                bad.line,
                bad.last_line,
                bad.byte_offset,
                bad.raw_text.as_str(),
            )
        })
        .collect();
    assert_eq!(places, [(4, 6, 12, "bad,\"p\nq\n\""), (8, 8, 27, "bad,z")]);
    let report = &sources.datasets[0].report;
    assert_eq!((report.lines, report.quarantined_lines), (7, 4));
}

#[tokio::test]
async fn invalid_bytes_are_shown_escaped_in_the_quarantine() {
    let sources = read_file(
        contract("a int, b string"),
        &b"a,b\n1,caf\xe9\\n\n2,caf\xc3\xa9\n"[..],
    )
    .await;
    assert_eq!(faults(&sources).await, [fault(2, "encoding", "b")]);
    assert_eq!(
        bad(&sources.quarantine).await[0].raw_text,
        "1,caf\\xE9\\\\n"
    );
    assert_eq!(rows(&sources, "t").await, [["2", "café"]]);
}

#[tokio::test]
async fn a_record_over_a_mebibyte_loses_only_its_first_line() {
    let long = "x".repeat((1 << 20) + 10);
    for block_bytes in [64, 100_000, 8 << 20] {
        let text = format!("a,b\n1,{long}\n2,y\n3,\"{long}\n{long}\n4,z\n");
        let inputs = vec![input("t", contract("a int, b string"), &[("a.csv", text)]).await];
        let settings = ReadSettings {
            block_bytes: Some(block_bytes),
            ..settings()
        };
        let sources = read_with(inputs, &settings).await.unwrap();
        assert_eq!(
            faults(&sources).await,
            [
                fault(2, "record_size", NULL),
                fault(4, "record_size", NULL),
                fault(5, "record_size", NULL),
            ],
            "{block_bytes}"
        );
        assert_eq!(rows(&sources, "t").await, [["2", "y"], ["4", "z"]]);
        let bad = bad(&sources.quarantine).await;
        assert_eq!(bad[0].raw_text.len(), 64 << 10);
        let report = &sources.datasets[0].report;
        assert_eq!((report.rows_read, report.quarantined_lines), (5, 3));
    }
}

#[tokio::test]
async fn blank_lines_are_not_records() {
    let sources = read_file(contract("a int, b int"), "a,b\r\n\r\n1,2\r\n\n3,4\r\n\r\n").await;
    assert_eq!(rows(&sources, "t").await, [["1", "2"], ["3", "4"]]);
    assert_eq!(sources.datasets[0].report.blank_lines, 3);
}

#[tokio::test]
async fn row_rules_reject_or_warn() {
    let contract = with_rule(
        contract("a timestamp, b timestamp, paid money"),
        "ends_after_start",
        "b > a",
        Severity::Reject,
    );
    let contract = with_rule(contract, "paid_is_positive", "paid >= 0", Severity::Warn);
    let text = "a,b,paid\n\
        2024-01-01 10:00:00,2024-01-01 11:00:00,1\n\
        2024-01-01 10:00:00,2024-01-01 09:00:00,1\n\
        2024-01-01 10:00:00,,1\n\
        2024-01-01 10:00:00,2024-01-01 11:00:00,-1\n";
    let sources = read_file(contract, text).await;
    assert_eq!(
        faults(&sources).await,
        [
            fault(3, "ends_after_start", NULL),
            // NULL is not true.
            fault(4, "ends_after_start", NULL),
        ]
    );
    let report = &sources.datasets[0].report;
    assert_eq!(report.warnings["paid_is_positive"], 1);
    assert_eq!(report.accepted, 2);
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_rejects_only_that_row() {
    let contract = with_rule(
        contract("a int not null, b int not null"),
        "ratio",
        "a / b > 1",
        Severity::Reject,
    );
    let sources = read_file(contract, "a,b\n4,2\n4,0\n1,2\n").await;
    assert_eq!(
        faults(&sources).await,
        [fault(3, "ratio", NULL), fault(4, "ratio", NULL)]
    );
    assert!(
        bad(&sources.quarantine).await[0]
            .message
            .contains("cannot be evaluated")
    );
}

#[tokio::test]
async fn too_large_a_share_of_bad_lines_fails_the_run() {
    let rows: String = (0..99).map(|row| format!("{row},x\n")).collect();
    let text = format!("a,b\n{rows}");
    let one_bad = format!("{text}bad,x\n");
    let gate = ReadSettings {
        max_bad_share: 0.01,
        ..settings()
    };
    let contract = || contract("a int, b string");
    let inputs = vec![input("t", contract(), &[("a.csv", one_bad.clone())]).await];
    assert_eq!(read_with(inputs, &gate).await.unwrap().quarantine.rows(), 1);
    // The same number of rows, but the bad one spans two lines.
    let two_lines = one_bad.replace("bad,x", "bad,\"x\ny\"");
    let inputs = vec![input("t", contract(), &[("a.csv", two_lines)]).await];
    let refused = read_with(inputs, &gate).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::QualityGate);
    assert_eq!(
        refused.error.to_string(),
        "too many rows break their contract: 2 of 101 lines of `t` (rejected rows per rule: type 1); at most 1 % of the lines may be rejected"
    );
    assert_eq!(bad(&refused.quarantine).await.len(), 1);
    assert_eq!(refused.reports[0].1.accepted, 99);
}

#[tokio::test]
async fn the_first_bad_row_fails_a_run_that_accepts_none() {
    let settings = ReadSettings {
        on_bad_row: OnBadRow::Fail,
        ..settings()
    };
    let files = [
        ("a.csv", "a\n1\n"),
        ("b.csv", "a\n1\nx\ny\n"),
        ("c.csv", "a\nz\n"),
    ];
    let inputs = vec![input("t", contract("a int"), &files).await];
    let refused = read_with(inputs, &settings).await.unwrap_err();
    assert_eq!(
        refused.error.to_string(),
        "`memory://raw/t/b.csv` line 3, column `a`: expected int, got `x` (rule `type`)"
    );
    assert_eq!(refused.error.kind(), ErrorKind::QualityGate);
    assert!(refused.quarantine.rows() >= 1);
}
