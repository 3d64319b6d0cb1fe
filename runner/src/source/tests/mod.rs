//! Reads objects in memory through the public interface and checks the result.

#![expect(
    clippy::format_collect,
    reason = "the texts of tests are small, and the short form is easier to read"
)]

mod broken_rows;
mod clustering;
mod files;
mod keys;
mod limits;
mod quarantine_files;
mod sample;
mod splits;

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::prelude::SessionContext;
use drivetrain_jobs::contract::{
    Column, ColumnType, Contract, CsvFormat, Format, Key, Origin, Reference, Rule, Severity,
};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::{InputObjects, Quarantine, ReadSettings, Refused, Sources, read};
use crate::ErrorKind;
use crate::watch::Progress;

/// The text by which these tests distinguish NULL from an empty text.
const NULL: &str = "NULL";

/// One row of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bad {
    dataset: String,
    file: String,
    line: i64,
    last_line: i64,
    byte_offset: i64,
    column: String,
    rule: String,
    message: String,
    raw_text: String,
}

fn runtime(memory_bytes: usize) -> Arc<RuntimeEnv> {
    RuntimeEnvBuilder::new()
        .with_memory_limit(memory_bytes, 1.0)
        .build_arc()
        .unwrap()
}

/// Returns settings with small blocks, so that even short texts are cut into several; any share of rows may be bad.
fn settings() -> ReadSettings {
    ReadSettings {
        threads: 2,
        batch_rows: 100,
        max_bad_share: 1.0,
        block_bytes: Some(64),
        ..ReadSettings::default()
    }
}

fn column(name: &str, kind: ColumnType, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        nullable,
        origin: Origin::Field(name.to_owned()),
        description: None,
    }
}

/// Returns a contract from a list of columns such as `id int not null, name string`.
fn contract(columns: &str) -> Contract {
    let columns = columns.split(", ").map(|text| {
        let mut words = text.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let kind = match kind {
            "int" => ColumnType::Int,
            "bigint" => ColumnType::Bigint,
            "double" => ColumnType::Double,
            "money" => ColumnType::Decimal {
                precision: 12,
                scale: 2,
            },
            "date" => ColumnType::Date {
                format: "%Y-%m-%d".to_owned(),
            },
            "timestamp" => ColumnType::Timestamp {
                format: "%Y-%m-%d %H:%M:%S".to_owned(),
                utc: false,
            },
            "boolean" => ColumnType::Boolean {
                yes: vec!["1".to_owned()],
                no: vec!["0".to_owned()],
            },
            _ => ColumnType::String,
        };
        column(name, kind, words.next().is_none())
    });
    Contract {
        format: Format::Csv(CsvFormat::default()),
        columns: columns.collect(),
        key: None,
        references: Vec::new(),
        rules: Vec::new(),
        min_rows: 0,
    }
}

fn with_csv(mut contract: Contract, change: impl FnOnce(&mut CsvFormat)) -> Contract {
    let Format::Csv(format) = &mut contract.format else {
        panic!("the contract is of CSV");
    };
    change(format);
    contract
}

fn with_key(mut contract: Contract, columns: &[&str]) -> Contract {
    contract.key = Some(Key {
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        severity: Severity::Reject,
    });
    contract
}

fn with_reference(mut contract: Contract, column: &str, dataset: &str, to: &str) -> Contract {
    contract.references.push(Reference {
        columns: vec![column.to_owned()],
        dataset: dataset.to_owned(),
        to: vec![to.to_owned()],
        severity: Severity::Reject,
    });
    contract
}

fn with_rule(mut contract: Contract, name: &str, sql: &str, severity: Severity) -> Contract {
    contract.rules.push(Rule {
        name: name.to_owned(),
        sql: sql.to_owned(),
        severity,
    });
    contract
}

/// Puts files into a store and lists them as a dataset.
async fn input<B: Into<Bytes> + Clone>(
    name: &str,
    contract: Contract,
    files: &[(&str, B)],
) -> InputObjects {
    let store = InMemory::new();
    let table_root = Path::parse(format!("raw/{name}")).unwrap();
    for (file, bytes) in files {
        let path = Path::parse(format!("{table_root}/{file}")).unwrap();
        let bytes: Bytes = bytes.clone().into();
        store.put(&path, bytes.into()).await.unwrap();
    }
    let mut objects: Vec<_> = store.list(Some(&table_root)).try_collect().await.unwrap();
    // The order of a listing must not matter.
    objects.reverse();
    InputObjects {
        name: name.to_owned(),
        contract,
        store: Arc::new(store),
        objects,
        display_root: format!("memory://{table_root}"),
        table_root,
        columns_needed: None,
        cluster_by: None,
    }
}

async fn read_with(
    inputs: Vec<InputObjects>,
    settings: &ReadSettings,
) -> Result<Sources, Box<Refused>> {
    read(inputs, settings, runtime(1 << 30), &Progress::default()).await
}

/// Reads inputs of which any share may be bad, and checks that the counts agree.
async fn read_inputs(inputs: Vec<InputObjects>) -> Sources {
    let sources = read_with(inputs, &settings()).await.unwrap();
    for dataset in &sources.datasets {
        let report = &dataset.report;
        assert_eq!(report.rows_read, report.accepted + report.quarantined);
        assert_eq!(
            rows(&sources, &dataset.name).await.len() as u64,
            report.accepted
        );
    }
    assert_eq!(
        bad(&sources.quarantine).await.len() as u64,
        sources.quarantine.rows()
    );
    sources
}

/// Reads one file of one dataset `t`.
async fn read_file(contract: Contract, bytes: impl Into<Bytes> + Clone) -> Sources {
    read_inputs(vec![input("t", contract, &[("a.csv", bytes)]).await]).await
}

/// Reads one file of one dataset `t` and returns the error.
async fn refusal(contract: Contract, bytes: impl Into<Bytes> + Clone) -> (ErrorKind, String) {
    let inputs = vec![input("t", contract, &[("a.csv", bytes)]).await];
    let refused = read_with(inputs, &settings()).await.unwrap_err();
    (refused.error.kind(), refused.error.to_string())
}

/// Returns the accepted rows of a dataset, in order, as text.
async fn rows(sources: &Sources, name: &str) -> Vec<Vec<String>> {
    let dataset = sources.datasets.iter().find(|dataset| dataset.name == name);
    let context = SessionContext::new();
    let table = Arc::clone(&dataset.unwrap().table);
    let plan = table.scan(&context.state(), None, &[], None).await.unwrap();
    let mut all = Vec::new();
    for partition in 0..plan.properties().output_partitioning().partition_count() {
        let stream = plan.execute(partition, context.task_ctx()).unwrap();
        let batches: Vec<_> = stream.try_collect().await.unwrap();
        all.extend(batches.iter().flat_map(texts));
    }
    all
}

fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null(NULL);
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|column| column.value(row).to_string())
                .collect()
        })
        .collect()
}

/// Returns the rows of a quarantine in order of file and line, as its Parquet file has them.
async fn bad(quarantine: &Quarantine) -> Vec<Bad> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let prefix = Path::from("quarantine");
    let Some(files) = quarantine.write(&store, &prefix, "run").await.unwrap() else {
        return Vec::new();
    };
    let path = Path::parse(&files.parquet).unwrap();
    let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let mut bad = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let text = |index: usize, row: usize| {
            let column = batch.column(index).as_string::<i32>();
            let is_null = arrow::array::Array::is_null(column, row);
            if is_null {
                NULL.to_owned()
            } else {
                column.value(row).to_owned()
            }
        };
        let number =
            |index: usize, row: usize| batch.column(index).as_primitive::<Int64Type>().value(row);
        bad.extend((0..batch.num_rows()).map(|row| Bad {
            dataset: text(0, row),
            file: text(1, row),
            line: number(2, row),
            last_line: number(3, row),
            byte_offset: number(4, row),
            column: text(5, row),
            rule: text(6, row),
            message: text(7, row),
            raw_text: text(8, row),
        }));
    }
    bad.sort();
    bad
}

/// Returns the line, the rule and the column of each bad row.
async fn faults(sources: &Sources) -> Vec<(i64, String, String)> {
    let bad = bad(&sources.quarantine).await;
    bad.into_iter()
        .map(|bad| (bad.line, bad.rule, bad.column))
        .collect()
}

fn fault(line: i64, rule: &str, column: &str) -> (i64, String, String) {
    (line, rule.to_owned(), column.to_owned())
}
