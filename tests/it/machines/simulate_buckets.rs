//! `drivetrain simulate --s3`: Map states that read from a folder and write into it, never outside it.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;

/// Returns a machine with a distributed Map that returns the items of its reader unchanged.
fn machine(reader: &Value, writer: Option<Value>) -> String {
    let mut map = json!({
        "Type": "Map", "End": true, "ItemReader": reader,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": true}}
        }
    });
    if let Some(writer) = writer {
        map["ResultWriter"] = writer;
    }
    json!({"StartAt": "Each", "States": {"Each": map}}).to_string()
}

fn reader(key: &str, config: &Value) -> Value {
    json!({
        "Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config,
        "Parameters": {"Bucket": "data", "Key": key}
    })
}

fn run(sandbox: &Sandbox, machine: &str, code: i32) -> Value {
    sandbox.write("machine.asl.json", machine);
    std::fs::create_dir_all(sandbox.path("bucket")).unwrap();
    sandbox.json_with_code("simulate machine.asl.json --s3 data=bucket", code)
}

#[test]
fn items_are_read_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.write("bucket/a b/%41.csv", "id,name\n1,x\n2,y\n");
    sandbox.write("bucket/list.json", r#"[{"id": "1"}, {"id": "2"}]"#);
    sandbox.write("bucket/list.jsonl", "{\"id\": \"1\"}\n{\"id\": \"2\"}\n");
    let csv = run(
        &sandbox,
        &machine(
            &reader(
                "a b/%41.csv",
                &json!({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
            ),
            None,
        ),
        0,
    );
    assert_eq!(
        csv["output"],
        json!([{"id": "1", "name": "x"}, {"id": "2", "name": "y"}]),
        "a key is taken as it is"
    );
    for (key, input_type) in [("list.json", "JSON"), ("list.jsonl", "JSONL")] {
        let read = run(
            &sandbox,
            &machine(&reader(key, &json!({"InputType": input_type})), None),
            0,
        );
        assert_eq!(read["output"], json!([{"id": "1"}, {"id": "2"}]), "{key}");
    }
}

#[test]
fn items_are_read_from_parquet() {
    let sandbox = Sandbox::new();
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
    ]));
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(Int64Array::from(vec![1, 2, 3])),
            Arc::new(StringArray::from(vec![Some("x"), None, Some("z")])),
        ],
    )
    .unwrap();
    sandbox.write_parquet("bucket/rows.parquet", &batch);
    let definition = machine(
        &reader(
            "rows.parquet",
            &json!({"InputType": "PARQUET", "MaxItems": 2}),
        ),
        None,
    );
    let read = run(&sandbox, &definition, 0);
    assert_eq!(
        read["output"],
        json!([{"id": 1, "name": "x"}, {"id": 2, "name": null}])
    );
    sandbox.write("bucket/rows.parquet", "PAR1 and no more PAR1");
    let broken = run(&sandbox, &definition, 1);
    assert_eq!(broken["error"], "States.ItemReaderFailed");
}

#[test]
fn objects_and_manifests_are_listed() {
    let sandbox = Sandbox::new();
    for key in ["in/2.json", "in/1.json", "other/3.json"] {
        sandbox.write(&format!("bucket/{key}"), "{}");
    }
    let list = json!({
        "Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "data", "Prefix": "in/"}
    });
    let listed = run(&sandbox, &machine(&list, None), 0);
    let keys: Vec<&Value> = listed["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["Key"])
        .collect();
    assert_eq!(keys, [&json!("in/1.json"), &json!("in/2.json")]);
    assert_eq!(listed["output"][0]["Size"], 2);

    sandbox.write(
        "bucket/manifest.json",
        r#"{"destinationBucket": "arn:aws:s3:::data", "fileSchema": "Bucket, Key", "files": [{"key": "part.csv"}]}"#,
    );
    sandbox.write("bucket/part.csv", "\"data\",\"in/1.json\"\n");
    let read = run(
        &sandbox,
        &machine(
            &reader("manifest.json", &json!({"InputType": "MANIFEST"})),
            None,
        ),
        0,
    );
    assert_eq!(
        read["output"],
        json!([{"Bucket": "data", "Key": "in/1.json"}])
    );
}

#[test]
fn results_are_written_below_the_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("bucket/list.json", "[1, 2]");
    let writer = json!({
        "Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "data", "Prefix": "out/here"}
    });
    let definition = machine(
        &reader("list.json", &json!({"InputType": "JSON"})),
        Some(writer),
    );
    let written = run(&sandbox, &definition, 0);
    let key = written["output"]["ResultWriterDetails"]["Key"]
        .as_str()
        .unwrap();
    let manifest = std::fs::read(sandbox.path("bucket").join(key)).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let results = manifest["ResultFiles"]["SUCCEEDED"][0]["Key"]
        .as_str()
        .unwrap();
    let results = std::fs::read(sandbox.path("bucket").join(results)).unwrap();
    let results: Value = serde_json::from_slice(&results).unwrap();
    assert_eq!(results[1]["Output"], "2");
    assert!(key.starts_with("out/here/"), "{key}");
    // If the simulation ran again, it would write through the link.
    std::fs::remove_file(sandbox.path("bucket").join(key)).unwrap();
    std::os::unix::fs::symlink(sandbox.path("made.json"), sandbox.path("bucket").join(key))
        .unwrap();
    let refused = run(&sandbox, &definition, 1);
    assert_eq!(refused["error"], "States.ResultWriterFailed");
    assert!(!sandbox.path("made.json").exists());
}

#[test]
fn nothing_is_read_or_written_outside_the_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("secret.json", "[1]");
    sandbox.write("elsewhere/secret.json", "[1]");
    std::fs::create_dir_all(sandbox.path("bucket")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("elsewhere"), sandbox.path("bucket/link")).unwrap();
    let outside = sandbox.path("secret.json");
    for key in [
        "../secret.json",
        "a/../../secret.json",
        "./secret.json",
        "link/secret.json",
        outside.to_str().unwrap(),
    ] {
        let refused = run(
            &sandbox,
            &machine(&reader(key, &json!({"InputType": "JSON"})), None),
            1,
        );
        assert_eq!(refused["error"], "States.ItemReaderFailed", "{key}");
        let cause = refused["cause"].as_str().unwrap();
        assert!(cause.contains("leads out of the folder"), "{key}: {cause}");
    }
    sandbox.write("bucket/list.json", "[1]");
    for prefix in ["../out", "a/../../out", "link", "link/deeper"] {
        let writer = json!({
            "Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "data", "Prefix": prefix}
        });
        let definition = machine(
            &reader("list.json", &json!({"InputType": "JSON"})),
            Some(writer),
        );
        let refused = run(&sandbox, &definition, 1);
        assert_eq!(refused["error"], "States.ResultWriterFailed", "{prefix}");
    }
    assert!(!sandbox.path("out").exists());
    assert_eq!(sandbox.files("elsewhere").len(), 1);
}

#[test]
fn missing_objects_and_buckets_are_named() {
    let sandbox = Sandbox::new();
    let missing = run(
        &sandbox,
        &machine(&reader("gone.json", &json!({"InputType": "JSON"})), None),
        1,
    );
    assert!(
        missing["cause"]
            .as_str()
            .unwrap()
            .contains("s3://data/gone.json")
    );
    let mut other = reader("gone.json", &json!({"InputType": "JSON"}));
    other["Parameters"]["Bucket"] = json!("unknown");
    let missing = run(&sandbox, &machine(&other, None), 1);
    assert!(missing["cause"].as_str().unwrap().contains("unknown"));
    // Without `--s3`, reading the object is a call that has no mock.
    let ran = sandbox.run("simulate machine.asl.json");
    ran.fails(2, &["state `Each`", "--s3 BUCKET=DIR"]);
}
