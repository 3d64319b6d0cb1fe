//! Keys and references over whole datasets.

use super::*;
use crate::source::OnBadRow;

fn users() -> Contract {
    with_key(contract("id string not null, age int"), &["id"])
}

fn rentals() -> Contract {
    let rentals = contract("id int not null, user string");
    with_reference(with_key(rentals, &["id"]), "user", "users", "id")
}

#[tokio::test]
async fn duplicates_of_a_key_are_rejected_except_the_first_by_file_and_line() {
    let files = [
        ("c.csv", "age,id\n1,x\n"),
        ("a.csv", "id,age\ny,1\nx,2\ny,3\n"),
        ("b.csv", "id,age\nx,4\nz,5\n"),
    ];
    let sources = read_inputs(vec![input("users", users(), &files).await]).await;
    assert_eq!(
        rows(&sources, "users").await,
        [["y", "1"], ["x", "2"], ["z", "5"]]
    );
    let bad = bad(&sources.quarantine).await;
    let found: Vec<_> = bad
        .iter()
        .map(|bad| {
            (
                bad.file.as_str(),
                bad.line,
                bad.raw_text.as_str(),
                bad.rule.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("memory://raw/users/a.csv", 4, "y,3", "key"),
            ("memory://raw/users/b.csv", 2, "x,4", "key"),
            ("memory://raw/users/c.csv", 2, "1,x", "key"),
        ]
    );
    let report = &sources.datasets[0].report;
    assert_eq!((report.quarantined, report.quarantined_lines), (3, 3));
}

#[tokio::test]
async fn the_key_of_a_rejected_row_may_occur_again() {
    let sources = read_inputs(vec![
        input("users", users(), &[("a.csv", "id,age\nx,old\nx,7\n")]).await,
    ])
    .await;
    assert_eq!(rows(&sources, "users").await, [["x", "7"]]);
    assert_eq!(faults(&sources).await, [fault(2, "type", "age")]);
}

#[tokio::test]
async fn keys_of_several_columns_are_compared_column_by_column() {
    let contract = with_key(contract("a string, b string"), &["a", "b"]);
    let sources = read_file(contract, "a,b\nab,c\na,bc\nab,c\n,c\n,c\n").await;
    // A key with NULL is never a duplicate.
    assert_eq!(sources.datasets[0].report.accepted, 4);
    assert_eq!(faults(&sources).await, [fault(4, "key", "a, b")]);
}

#[tokio::test]
async fn references_must_lead_to_accepted_rows() {
    let sources = read_inputs(vec![
        input(
            "rentals",
            rentals(),
            &[("a.csv", "id,user\n1,x\n2,y\n3,ghost\n4,\n5,x\n")],
        )
        .await,
        input("users", users(), &[("a.csv", "id,age\nx,1\ny,old\n")]).await,
    ])
    .await;
    assert_eq!(
        rows(&sources, "rentals").await,
        [["1", "x"], ["4", NULL], ["5", "x"]]
    );
    let report = &sources.datasets[0].report;
    assert_eq!(sources.datasets[0].name, "rentals");
    assert_eq!(report.rejects["user references users"], 2);
    // The row that refers to a rejected user is counted separately.
    assert_eq!(
        (
            report.quarantined,
            report.quarantined_by_reference,
            report.quarantined_lines
        ),
        (2, 1, 1)
    );
    let bad = bad(&sources.quarantine).await;
    assert_eq!(bad[0].message, "this row refers to a rejected row");
    assert_eq!(
        bad[1].message,
        "this row refers to a row that does not exist"
    );
}

#[tokio::test]
async fn rows_that_refer_to_a_row_of_wrong_field_count_are_counted_separately() {
    let sources = read_inputs(vec![
        input("users", users(), &[("a.csv", "id,age\nx,1\ny\nz,1,2\n")]).await,
        input(
            "rentals",
            rentals(),
            &[("a.csv", "id,user\n1,x\n2,y\n3,z\n")],
        )
        .await,
    ])
    .await;
    let report = &sources.datasets[1].report;
    assert_eq!(
        (report.quarantined, report.quarantined_by_reference),
        (2, 2)
    );
}

#[tokio::test]
async fn rejections_cascade_through_several_datasets() {
    let payments = with_reference(
        contract("id int not null, rental int"),
        "rental",
        "rentals",
        "id",
    );
    let sources = read_inputs(vec![
        input(
            "payments",
            payments,
            &[("a.csv", "id,rental\n1,1\n2,2\n3,9\n")],
        )
        .await,
        input("rentals", rentals(), &[("a.csv", "id,user\n1,x\n2,y\n")]).await,
        input("users", users(), &[("a.csv", "id,age\nx,1\ny,old\n")]).await,
    ])
    .await;
    let report = &sources.datasets[0].report;
    assert_eq!(
        (
            report.accepted,
            report.quarantined,
            report.quarantined_by_reference
        ),
        (1, 2, 1)
    );
}

#[tokio::test]
async fn references_to_a_key_with_duplicates_lead_to_its_first_row() {
    let sources = read_inputs(vec![
        input("users", users(), &[("a.csv", "id,age\nx,1\nx,2\n")]).await,
        input("rentals", rentals(), &[("a.csv", "id,user\n1,x\n")]).await,
    ])
    .await;
    assert_eq!(sources.datasets[1].report.accepted, 1);
}

#[tokio::test]
async fn a_dataset_may_refer_to_itself() {
    let contract = with_key(contract("id int not null, boss int"), &["id"]);
    let contract = with_reference(contract, "boss", "t", "id");
    // Row 1 is the root. The boss of row 5 does not exist, and rows 6 and 7 are rejected with row 5.
    let text = "id,boss\n7,6\n1,\n2,1\n5,99\n6,5\n3,2\n2,1\n";
    let sources = read_file(contract, text).await;
    assert_eq!(
        rows(&sources, "t").await,
        [["1", NULL], ["2", "1"], ["3", "2"]]
    );
    let report = &sources.datasets[0].report;
    assert_eq!(
        (report.quarantined, report.quarantined_by_reference),
        (4, 2)
    );
    assert_eq!(report.rejects["key"], 1);
}

#[tokio::test]
async fn a_rule_that_warns_accepts_the_row_and_counts_it() {
    let mut contract = rentals();
    contract.references[0].severity = Severity::Warn;
    contract.key.as_mut().unwrap().severity = Severity::Warn;
    let sources = read_inputs(vec![
        input("users", users(), &[("a.csv", "id,age\nx,1\n")]).await,
        input("rentals", contract, &[("a.csv", "id,user\n1,x\n1,ghost\n")]).await,
    ])
    .await;
    let report = &sources.datasets[1].report;
    assert_eq!(report.accepted, 2);
    assert_eq!(
        (
            report.warnings["key"],
            report.warnings["user references users"]
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn references_that_form_a_cycle_are_rejected() {
    let one = with_reference(users(), "id", "two", "id");
    let two = with_reference(users(), "id", "one", "id");
    let inputs = vec![
        input("one", one, &[("a.csv", "id,age\n")]).await,
        input("two", two, &[("a.csv", "id,age\n")]).await,
    ];
    let refused = read_with(inputs, &settings()).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Usage);
    assert_eq!(
        refused.error.to_string(),
        "the references among `one`, `two` contain a cycle"
    );
}

#[tokio::test]
async fn a_duplicate_key_fails_a_run_that_accepts_no_bad_row() {
    let settings = ReadSettings {
        on_bad_row: OnBadRow::Fail,
        ..settings()
    };
    let inputs = vec![input("users", users(), &[("a.csv", "id,age\nx,1\nx,2\n")]).await];
    let refused = read_with(inputs, &settings).await.unwrap_err();
    assert_eq!(
        refused.error.to_string(),
        "`memory://raw/users/a.csv` line 3, column `id`: an earlier row has the same key (rule `key`)"
    );
    assert_eq!(refused.quarantine.rows(), 1);
}
