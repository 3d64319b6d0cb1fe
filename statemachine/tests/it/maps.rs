//! Map states: concurrency, thresholds, readers, batches and writers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, History, Machine, Outcome, Status, TaskCall, TaskError, TaskHandler, TaskOutput,
};
use serde_json::{Value, json};

use crate::corpus::in_virtual_time;

fn map(fields: Value, processor: Value) -> Machine {
    let mut state = json!({"Type": "Map", "End": true, "ItemProcessor": processor});
    state
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    Machine::parse(&json!({"StartAt": "M", "States": {"M": state}}).to_string()).unwrap()
}

fn task() -> Value {
    json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true}}})
}

fn distributed(mut processor: Value) -> Value {
    processor["ProcessorConfig"] = json!({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"});
    processor
}

fn pass() -> Value {
    json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}})
}

fn run(machine: &Machine, handler: impl TaskHandler + 'static, input: Value) -> Outcome {
    in_virtual_time(Engine::new(handler).run(machine, input)).unwrap()
}

/// Takes a second a call, counts how many run at once, and fails for negative items.
#[derive(Default)]
struct Busy {
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Busy {
    fn handler(self: &Arc<Self>) -> impl TaskHandler + 'static {
        let busy = self.clone();
        move |call: TaskCall| {
            let busy = busy.clone();
            async move {
                let running = busy.running.fetch_add(1, Ordering::SeqCst) + 1;
                busy.most.fetch_max(running, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                busy.running.fetch_sub(1, Ordering::SeqCst);
                if call.input.as_i64().unwrap_or_default() < 0 {
                    return Err(TaskError::new("Negative", call.input.to_string()));
                }
                Ok(call.input)
            }
        }
    }
}

#[test]
fn no_more_iterations_run_at_once_than_allowed() {
    let items: Vec<i64> = (0..100).collect();
    for (processor, limit, most) in [
        (task(), 7, 7),
        (task(), 0, 40),
        (distributed(task()), 7, 7),
        (distributed(task()), 0, 100),
    ] {
        let busy = Arc::new(Busy::default());
        let machine = map(json!({"MaxConcurrency": limit}), processor);
        let outcome = run(&machine, busy.handler(), json!(items));
        assert_eq!(
            outcome.output,
            Some(json!(items)),
            "results keep the order of the items"
        );
        assert_eq!(busy.most.load(Ordering::SeqCst), most);
    }
}

#[test]
fn a_map_run_tolerates_as_many_failures_as_it_says() {
    let cases = [
        (json!({}), Status::Failed),
        (json!({"ToleratedFailureCount": 1}), Status::Failed),
        (json!({"ToleratedFailureCount": 2}), Status::Succeeded),
        (json!({"ToleratedFailurePercentage": 39}), Status::Failed),
        (json!({"ToleratedFailurePercentage": 40}), Status::Succeeded),
    ];
    for (fields, status) in cases {
        let machine = map(fields.clone(), distributed(task()));
        let outcome = run(
            &machine,
            Arc::new(Busy::default()).handler(),
            json!([1, -2, 3, -4, 5]),
        );
        assert_eq!(outcome.status, status, "{fields}");
        match status {
            Status::Succeeded => assert_eq!(outcome.output, Some(json!([1, 3, 5]))),
            _ => assert_eq!(
                outcome.error.as_deref(),
                Some("States.ExceedToleratedFailureThreshold")
            ),
        }
    }
}

#[test]
fn an_inline_map_fails_with_its_first_failure() {
    let machine = map(json!({}), task());
    let outcome = run(
        &machine,
        Arc::new(Busy::default()).handler(),
        json!([1, -2, 3]),
    );
    assert_eq!(
        (outcome.error.as_deref(), outcome.cause.as_deref()),
        (Some("Negative"), Some("-2"))
    );
}

#[test]
fn iterations_see_their_item_and_the_variables_around_them() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"unit": "EUR"}, "Next": "M"},
        "M": {"Type": "Map", "ItemsPath": "$.prices", "End": true,
              "ItemSelector": {"n.$": "$$.Map.Item.Index", "price.$": "$$.Map.Item.Value", "of.$": "$.shop"},
              "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true, "Parameters": {
                  "text.$": "States.Format('{}: {} {} ({}, {})', $.of, $.price, $unit, $.n, $$.Map.Item.Value)"}}}}},
    }});
    let machine = Machine::parse(&definition.to_string()).unwrap();
    let outcome = run(&machine, refuse, json!({"shop": "s", "prices": [5, 7]}));
    assert_eq!(
        outcome.output,
        Some(json!([{"text": "s: 5 EUR (0, 5)"}, {"text": "s: 7 EUR (1, 7)"}]))
    );
}

#[test]
fn an_object_s_fields_can_be_the_items_in_jsonata() {
    let machine = Machine::parse(
        &json!({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
            "Items": "{% $states.input %}",
            "ItemSelector": "{% $states.context.Map.Item.Key & $states.context.Map.Item.Value %}",
            "ItemProcessor": pass()}}})
        .to_string(),
    )
    .unwrap();
    assert_eq!(
        run(&machine, refuse, json!({"a": 1, "b": 2})).output,
        Some(json!(["a1", "b2"]))
    );
}

#[test]
fn child_executions_have_histories_of_their_own() {
    let history = History::default();
    let engine = Engine::new(refuse)
        .history(history.clone())
        .machine_name("Shop");
    let machine = map(json!({"Label": "Each"}), distributed(pass()));
    in_virtual_time(engine.run(&machine, json!([1, 2]))).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for event in history.events() {
        *counts.entry(event.execution.to_string()).or_default() += 1;
    }
    let children = counts
        .keys()
        .filter(|arn| arn.contains(":execution:Shop/Each:"))
        .count();
    assert_eq!((counts.len(), children), (3, 2));
}

async fn refuse(call: TaskCall) -> Result<Value, TaskError> {
    Err(TaskError::new("NoTask", call.state))
}

/// Keeps objects as S3 does.
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

    fn answer(&self, call: &TaskCall) -> Result<TaskOutput, TaskError> {
        let key = call.input["Key"].as_str().unwrap_or_default().to_owned();
        let mut objects = self.0.lock().unwrap();
        match call.resource.arn().rsplit(':').next() {
            Some("getObject") => match objects.get(&key) {
                Some(body) => Ok(TaskOutput::object(body.clone())),
                None => Err(TaskError::new("S3.NoSuchKey", format!("no {key}"))),
            },
            Some("putObject") => {
                objects.insert(key, call.body.clone().unwrap().to_vec());
                Ok(json!({}).into())
            }
            // Pages of one key, as small as they get.
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
fn what_cannot_be_read_fails_the_reader() {
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
fn how_many_items_are_read_is_checked_before_and_after_the_map_starts() {
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

#[test]
fn batches_hold_as_many_items_as_they_may() {
    let batched = |batcher: Value| {
        let machine = map(json!({"ItemBatcher": batcher}), distributed(pass()));
        run(&machine, refuse, json!([1, 22, 333, 4444, 55555]))
            .output
            .unwrap()
    };
    assert_eq!(
        batched(json!({"MaxItemsPerBatch": 2, "BatchInput": {"a": 1}})),
        json!([
            {"BatchInput": {"a": 1}, "Items": [1, 22]},
            {"BatchInput": {"a": 1}, "Items": [333, 4444]},
            {"BatchInput": {"a": 1}, "Items": [55555]},
        ])
    );
    for batch in batched(json!({"MaxInputBytesPerBatch": 21}))
        .as_array()
        .unwrap()
    {
        assert!(batch.to_string().len() <= 21, "{batch}");
    }
}

#[test]
fn results_are_written_where_the_manifest_says() {
    let bucket = Bucket::holding(&[]);
    let writer = json!({"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}});
    let machine = map(
        json!({"ResultWriter": writer, "ToleratedFailureCount": 1}),
        distributed(json!({"StartAt": "C", "States": {
            "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "F"}], "Default": "P"},
            "F": {"Type": "Fail", "Error": "Negative"},
            "P": {"Type": "Pass", "End": true},
        }})),
    );
    let outcome = run(&machine, bucket.handler(), json!([1, -2, 3]));
    let details = &outcome.output.as_ref().unwrap()["ResultWriterDetails"];
    assert_eq!(details["Bucket"], "b");
    assert!(details["Key"].as_str().unwrap().starts_with("out/"));
    let manifest: Value = serde_json::from_str(&bucket.text("manifest.json")).unwrap();
    assert_eq!(
        manifest["ResultFiles"]["FAILED"].as_array().unwrap().len(),
        1
    );
    assert_eq!(manifest["ResultFiles"]["PENDING"], json!([]));
    let succeeded: Value = serde_json::from_str(&bucket.text("SUCCEEDED_0.json")).unwrap();
    let outputs: Vec<&str> = succeeded
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|child| child["Output"].as_str())
        .collect();
    assert_eq!(outputs, ["1", "3"]);
}

#[test]
fn ten_thousand_items_keep_their_order() {
    let items: Vec<usize> = (0..10_000).collect();
    let machine = map(
        json!({"ItemSelector": {"v.$": "$$.Map.Item.Value"}}),
        pass(),
    );
    let engine = Engine::new(refuse).max_events(None);
    let outcome = in_virtual_time(engine.run(&machine, json!(items))).unwrap();
    let output = outcome.output.unwrap();
    assert_eq!(output.as_array().unwrap().len(), 10_000);
    assert_eq!(output[9_999], json!({"v": 9_999}));
}

#[test]
fn what_is_tolerated_is_looked_at_once_the_state_has_started() {
    let negative = "ToleratedFailureCount cannot be negative.";
    let cases = [
        (json!(-1), negative),
        (json!("-1"), negative),
        (json!("many"), "which is not a valid integer: $.n"),
    ];
    for (n, expected) in cases {
        let history = History::default();
        let machine = map(
            json!({"ItemsPath": "$.items", "ToleratedFailureCountPath": "$.n"}),
            distributed(pass()),
        );
        let engine = Engine::new(refuse).history(history.clone());
        let input = json!({"items": [1], "n": n});
        let outcome = in_virtual_time(engine.run(&machine, input)).unwrap();
        assert!(
            outcome.cause.as_ref().unwrap().contains(expected),
            "{outcome:?}"
        );
        let events = history.events();
        let shape: Vec<(&str, u64)> = events
            .iter()
            .map(|event| (event.event_type.as_str(), event.previous_event_id))
            .collect();
        assert_eq!(shape[2..], [("MapStateStarted", 2), ("ExecutionFailed", 2)]);
    }
}

#[test]
fn ten_thousand_items_need_no_ten_thousand_copies_of_them() {
    let items: Vec<Value> = (0..10_000).map(|n| json!({"n": n, "m": [n]})).collect();
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {
        "Type": "Map", "End": true, "ItemProcessor": pass(),
        "Items": "{% $states.input.items %}",
        "ItemSelector": {"n": "{% $states.context.Map.Item.Value.n %}"},
    }}});
    let machine = Machine::parse(&definition.to_string()).unwrap();
    let engine = Engine::new(refuse).max_events(None);
    let outcome = in_virtual_time(engine.run(&machine, json!({"items": items}))).unwrap();
    assert_eq!(outcome.output.unwrap()[9_999], json!({"n": 9_999}));
}
