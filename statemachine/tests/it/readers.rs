//! The objects from which Map states read items and to which they write results.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use drivetrain_statemachine::{
    Engine, History, Outcome, Status, TaskCall, TaskFailure, TaskHandler, TaskOutput,
};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{distributed, map, pass, run};

/// An in-memory bucket.
#[derive(Default)]
struct Bucket(Mutex<BTreeMap<String, Vec<u8>>>);

impl Bucket {
    fn holding(objects: &[(&str, &[u8])]) -> Arc<Self> {
        let objects = objects
            .iter()
            .map(|(key, body)| ((*key).to_owned(), body.to_vec()));
        Arc::new(Self(Mutex::new(objects.collect())))
    }

    fn text(&self, ending: &str) -> String {
        let objects = self.0.lock().unwrap();
        let body = objects
            .iter()
            .find(|(key, _)| key.ends_with(ending))
            .map(|(_, body)| body.clone());
        String::from_utf8(body.unwrap_or_else(|| panic!("no {ending} in {:?}", objects.keys())))
            .unwrap()
    }

    fn handler(self: &Arc<Self>) -> impl TaskHandler + 'static {
        let bucket = self.clone();
        move |call: TaskCall| {
            let answer = bucket.answer(&call);
            async move { answer }
        }
    }

    fn answer(&self, call: &TaskCall) -> Result<TaskOutput, TaskFailure> {
        let key = call.input["Key"].as_str().unwrap_or_default().to_owned();
        let mut objects = self.0.lock().unwrap();
        match call.resource.arn().rsplit(':').next() {
            Some("getObject") => match objects.get(&key) {
                Some(body) => Ok(TaskOutput::object(body.clone())),
                None => Err(TaskFailure::new("S3.NoSuchKey", format!("no {key}"))),
            },
            Some("putObject") => {
                objects.insert(key, call.body.clone().unwrap().to_vec());
                Ok(json!({}).into())
            }
            // Pages of one key, the smallest possible.
            Some("listObjectsV2") => {
                let start: usize = call.input["ContinuationToken"]
                    .as_str()
                    .map_or(0, |token| token.parse().unwrap());
                let listed = objects
                    .iter()
                    .nth(start)
                    .map(|(key, body)| json!({"Key": key, "Size": body.len()}));
                let token = (start + 1 < objects.len()).then(|| (start + 1).to_string());
                Ok(json!({"Contents": [listed], "NextContinuationToken": token}).into())
            }
            _ => Ok(call.input.clone().into()),
        }
    }
}

fn read(objects: &[(&str, &[u8])], resource: &str, config: Value) -> Outcome {
    let reader = json!({
        "Resource": format!("arn:aws:states:::{resource}"),
        "Parameters": {"Bucket": "b", "Key": objects[0].0},
        "ReaderConfig": config,
    });
    let machine = map(json!({"ItemReader": reader}), distributed(pass()));
    run(&machine, Bucket::holding(objects).handler(), json!({}))
}

#[test]
fn items_are_read_from_every_format() {
    let object = |key, body: &'static str| [(key, body.as_bytes())];
    let read =
        |objects: &[(&str, &[u8])], config| read(objects, "s3:getObject", config).output.unwrap();
    assert_eq!(
        read(
            &object("a", "1\n\n{\"b\": 2}\n"),
            json!({"InputType": "JSONL"})
        ),
        json!([1, {"b": 2}])
    );
    assert_eq!(
        read(
            &object("a", "{\"x\": {\"y\": [1, 2]}}"),
            json!({"InputType": "JSON", "ItemsPointer": "/x/y"})
        ),
        json!([1, 2])
    );
    assert_eq!(
        read(
            &object("a", "{\"o\": {\"x\": 1}}"),
            json!({"InputType": "JSON", "ItemsPointer": "/o"})
        ),
        json!([{"Key": "x", "Value": 1}])
    );
    assert_eq!(
        read(
            &object("a", "a|b\n1|2\n3|4\n"),
            json!({
            "InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "PIPE", "MaxItems": 1})
        ),
        json!([{"a": "1", "b": "2"}])
    );
}

#[test]
fn an_inventory_leads_to_its_files() {
    let manifest = br#"{"destinationBucket": "arn:aws:s3:::b", "fileSchema": "Bucket, Key", "files": [{"key": "1.csv"}]}"#;
    let objects: [(&str, &[u8]); 2] = [
        ("manifest.json", manifest),
        ("1.csv", b"\"b\",\"x\"\n\"b\",\"y\"\n"),
    ];
    let outcome = read(&objects, "s3:getObject", json!({"InputType": "MANIFEST"}));
    assert_eq!(
        outcome.output,
        Some(json!([{"Bucket": "b", "Key": "x"}, {"Bucket": "b", "Key": "y"}]))
    );
}

#[test]
fn a_manifest_says_what_it_lists() {
    let inventory = br#"{"destinationBucket": "arn:aws:s3:::b", "fileSchema": "Bucket, Key", "files": [{"key": "1.csv"}]}"#;
    let objects: [(&str, &[u8]); 2] = [("manifest.json", inventory), ("1.csv", b"\"b\",\"x\"\n")];
    let config = json!({"ManifestType": "S3_INVENTORY"});
    let outcome = read(&objects, "s3:getObject", config);
    assert_eq!(outcome.output, Some(json!([{"Bucket": "b", "Key": "x"}])));
    let unloaded: [(&str, &[u8]); 3] = [
        ("q-manifest.csv", b"s3://b/1.csv\ns3://b/2.csv\n"),
        ("1.csv", b"1,a\n"),
        ("2.csv", b"2,b\n"),
    ];
    let config = json!({"ManifestType": "ATHENA_DATA", "InputType": "CSV", "CSVHeaderLocation": "GIVEN",
        "CSVHeaders": ["id", "name"]});
    let outcome = read(&unloaded, "s3:getObject", config);
    assert_eq!(
        outcome.output,
        Some(json!([{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]))
    );
    let lines: [(&str, &[u8]); 2] = [("m.csv", b"s3://b/1\n"), ("1", b"{\"k\": 1}\n{\"k\": 2}\n")];
    let config = json!({"ManifestType": "ATHENA_DATA", "InputType": "JSONL"});
    let outcome = read(&lines, "s3:getObject", config);
    assert_eq!(outcome.output, Some(json!([{"k": 1}, {"k": 2}])));
}

#[test]
fn gzip_files_are_unpacked() {
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let csv = packed("a,b\n1,2\n");
    let config = json!({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"});
    let outcome = read(&[("x.csv.gz", &csv)], "s3:getObject", config);
    assert_eq!(outcome.output, Some(json!([{"a": "1", "b": "2"}])));
    let lines = packed("1\n2\n");
    let outcome = read(
        &[("x", &lines)],
        "s3:getObject",
        json!({"InputType": "JSONL"}),
    );
    assert_eq!(outcome.output, Some(json!([1, 2])));
    let broken = [&lines[..12], b"rubbish"].concat();
    let outcome = read(
        &[("x", &broken)],
        "s3:getObject",
        json!({"InputType": "JSONL"}),
    );
    assert_eq!(outcome.error.as_deref(), Some("States.ItemReaderFailed"));
}

#[test]
fn listed_objects_are_items_page_by_page() {
    let objects: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"22"), ("c", b"333")];
    let outcome = read(&objects, "s3:listObjectsV2", json!({}));
    let listed = outcome.output.unwrap();
    let keys: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["Key"].as_str())
        .collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn an_unreadable_object_fails_the_reader() {
    let failed = |objects: &[(&str, &[u8])], config| {
        let outcome = read(objects, "s3:getObject", config);
        assert_eq!(outcome.error.as_deref(), Some("States.ItemReaderFailed"));
        outcome.cause.unwrap()
    };
    assert!(failed(&[("a", b"[1")], json!({"InputType": "JSON"})).contains("cannot be parsed"));
    for body in ["7", "{\"a\": [1]}"] {
        let cause = failed(&[("a", body.as_bytes())], json!({"InputType": "JSON"}));
        assert!(cause.contains("non-iterable"), "{cause}");
    }
    assert!(
        failed(
            &[("a", b"{}")],
            json!({"InputType": "JSON", "ItemsPointer": "/x"})
        )
        .contains("ReaderConfig.ItemsPointer does not match")
    );
    let twice = json!({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"});
    assert!(failed(&[("a", b"h,h\n1,2")], twice).contains("duplicates"));
}

#[test]
fn the_item_limit_is_checked_before_and_after_the_map_starts() {
    for (most, error, cause, last) in [
        (
            json!(-1),
            "States.ItemReaderFailed",
            "field MaxItems must be positive",
            "MapStateFailed",
        ),
        (
            json!(1.5),
            "States.Runtime",
            "The MaxItemsPath field refers to value \"1.5\" which is not a valid integer: $.most",
            "MapStateEntered",
        ),
    ] {
        let history = History::default();
        let reader = json!({
            "Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "a"},
            "ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$.most"},
        });
        let machine = map(json!({"ItemReader": reader}), distributed(pass()));
        let engine = Engine::new(Bucket::holding(&[("a", b"[1]")]).handler());
        let engine = engine.history(history.clone());
        let outcome = in_virtual_time(engine.run(&machine, json!({"most": most}))).unwrap();
        assert_eq!(outcome.error.as_deref(), Some(error));
        assert!(outcome.cause.unwrap().ends_with(cause));
        let events = history.events();
        assert_eq!(events[events.len() - 2].event_type.as_str(), last);
    }
}

#[test]
fn the_name_of_a_field_that_is_an_item_is_seen() {
    let reader = json!({
        "Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "a"},
        "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/o"},
    });
    let machine = map(
        json!({"ItemReader": reader, "ItemSelector": {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value"}}),
        distributed(pass()),
    );
    let bucket = Bucket::holding(&[("a", b"{\"o\": {\"x\": 1}}")]);
    assert_eq!(
        run(&machine, bucket.handler(), json!({})).output,
        Some(json!([{"k": "x", "v": 1}]))
    );
}

fn negatives_fail() -> Value {
    distributed(json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "F"}], "Default": "P"},
        "F": {"Type": "Fail", "Error": "Negative", "Cause": "below zero"},
        "P": {"Type": "Pass", "End": true},
    }}))
}

fn write(bucket: &Arc<Bucket>, config: Value, tolerated: usize, items: Value) -> Outcome {
    let writer = json!({
        "Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}, "WriterConfig": config,
    });
    let fields = json!({"ResultWriter": writer, "ToleratedFailureCount": tolerated, "Label": "Each", "MaxConcurrency": 1});
    run(&map(fields, negatives_fail()), bucket.handler(), items)
}

#[test]
fn results_are_written_to_the_keys_in_the_manifest() {
    let bucket = Bucket::holding(&[]);
    let config = json!({"OutputType": "JSON", "Transformation": "NONE"});
    let outcome = write(&bucket, config, 1, json!([1, -2, 3]));
    let details = &outcome.output.as_ref().unwrap()["ResultWriterDetails"];
    assert_eq!(details["Bucket"], "b");
    assert!(details["Key"].as_str().unwrap().starts_with("out/"));
    let manifest: Value = serde_json::from_str(&bucket.text("manifest.json")).unwrap();
    let files = &manifest["ResultFiles"];
    assert_eq!(files["FAILED"].as_array().unwrap().len(), 1);
    assert_eq!(files["PENDING"], json!([]));
    let succeeded: Value = serde_json::from_str(&bucket.text("SUCCEEDED_0.json")).unwrap();
    let outputs: Vec<&str> = succeeded
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|child| child["Output"].as_str())
        .collect();
    assert_eq!(outputs, ["1", "3"]);
    let child = &succeeded[0];
    assert_eq!(child["RedriveStatus"], "NOT_REDRIVABLE");
    let machine = child["StateMachineArn"].as_str().unwrap();
    assert!(machine.ends_with(":stateMachine:StateMachine/Each"));
}

#[test]
fn failures_are_written_untransformed() {
    let lines = |bucket: &Arc<Bucket>, name: &str| -> Vec<Value> {
        bucket
            .text(name)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let bucket = Bucket::holding(&[]);
    let config = json!({"OutputType": "JSONL", "Transformation": "COMPACT"});
    write(&bucket, config, 1, json!([1, -2, 3]));
    assert_eq!(lines(&bucket, "SUCCEEDED_0.json"), [1, 3]);
    let failed = &lines(&bucket, "FAILED_0.json")[0];
    let shown = ["Error", "Cause", "Input", "Status", "RedriveStatus"].map(|name| &failed[name]);
    assert_eq!(
        shown,
        ["Negative", "below zero", "-2", "FAILED", "REDRIVABLE"]
    );
}

/// Reads a file of results as a list of statuses and inputs.
fn statuses(bucket: &Arc<Bucket>, name: &str) -> Vec<(String, String)> {
    let records: Vec<Value> = serde_json::from_str(&bucket.text(name)).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    records
        .iter()
        .map(|record| (text(&record["Status"]), text(&record["Input"])))
        .collect()
}

#[test]
fn a_failed_map_run_writes_ended_and_pending_executions() {
    let bucket = Bucket::holding(&[]);
    let config = json!({"OutputType": "JSON", "Transformation": "COMPACT"});
    let outcome = write(&bucket, config, 0, json!([1, -2, 3, 4]));
    assert_eq!(
        outcome.error.as_deref(),
        Some("States.ExceedToleratedFailureThreshold")
    );
    assert_eq!(bucket.text("SUCCEEDED_0.json"), "[1]");
    assert!(bucket.text("FAILED_0.json").contains("below zero"));
    let pending: Value = serde_json::from_str(&bucket.text("PENDING_0.json")).unwrap();
    let never_started = |input: &str| json!({"Input": input, "InputDetails": {"Included": true}, "Status": "PENDING"});
    assert_eq!(pending, json!([never_started("3"), never_started("4")]));
    let manifest: Value = serde_json::from_str(&bucket.text("manifest.json")).unwrap();
    let listed = &manifest["ResultFiles"]["PENDING"][0];
    assert_eq!(listed["Size"], bucket.text("PENDING_0.json").len());
    assert!(listed["Key"].as_str().unwrap().ends_with("/PENDING_0.json"));
}

#[test]
fn executions_in_flight_when_a_map_run_fails_are_written_as_failed() {
    let bucket = Bucket::holding(&[]);
    let processor = distributed(json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "W"}], "Default": "Long"},
        "W": {"Type": "Wait", "Seconds": 1, "Next": "F"},
        "F": {"Type": "Fail", "Error": "Negative"},
        "Long": {"Type": "Wait", "Seconds": 60, "End": true},
    }}));
    let writer = json!({
        "Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"},
    });
    let machine = map(
        json!({"ResultWriter": writer, "MaxConcurrency": 2}),
        processor,
    );
    let outcome = run(&machine, bucket.handler(), json!([1, -2, 3]));
    assert_eq!(outcome.status, Status::Failed);
    let pair = |status: &str, input: &str| (status.to_owned(), input.to_owned());
    assert_eq!(
        statuses(&bucket, "FAILED_0.json"),
        [pair("ABORTED", "1"), pair("FAILED", "-2")]
    );
    assert_eq!(statuses(&bucket, "PENDING_0.json"), [pair("PENDING", "3")]);
    let aborted: Value = serde_json::from_str(&bucket.text("FAILED_0.json")).unwrap();
    let stopped = |name: &str| aborted[0][name].as_str().unwrap().to_owned();
    assert!(stopped("StartDate") < stopped("StopDate"));
}
