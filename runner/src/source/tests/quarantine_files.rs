//! The files to which rejected rows are written.

use super::*;

#[tokio::test]
async fn rejected_rows_are_written_as_parquet_and_as_csv() {
    let sources = read_inputs(vec![
        input(
            "t",
            contract("a int, b string"),
            &[("a.csv", "a,b\nx,\"p\nq\"\n1,\n2\n")],
        )
        .await,
        input("u", contract("a int"), &[("a.csv", "a\n1\ny\\\n")]).await,
    ])
    .await;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let prefix = Path::from("_drivetrain/job/quarantine/run/attempt");
    let written = sources
        .quarantine
        .write(&store, &prefix, "run")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(written.rows, 3);
    assert_eq!(
        written.csv,
        "_drivetrain/job/quarantine/run/attempt/rows.csv"
    );
    let path = Path::parse(&written.csv).unwrap();
    let csv = store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(
        String::from_utf8(csv.to_vec()).unwrap(),
        "dataset,file,line,last_line,byte_offset,column,rule,message,raw_text,run_id\n\
         t,memory://raw/t/a.csv,2,3,4,a,type,\"expected int, got `x`\",\"x,\"\"p\nq\"\"\",run\n\
         t,memory://raw/t/a.csv,5,5,15,,field_count,\"expected 2 fields, got 1\",2,run\n\
         u,memory://raw/u/a.csv,3,3,4,a,type,\"expected int, got `y\\`\",y\\\\,run\n"
    );
    assert_eq!(bad(&sources.quarantine).await.len(), 3);
}

#[tokio::test]
async fn nothing_is_written_if_no_row_was_rejected() {
    let sources = read_file(contract("a int"), "a\n1\n").await;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let prefix = Path::from("quarantine");
    assert_eq!(
        sources
            .quarantine
            .write(&store, &prefix, "run")
            .await
            .unwrap(),
        None
    );
    assert!(store.list(None).try_next().await.unwrap().is_none());
}
