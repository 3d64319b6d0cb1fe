//! `drivetrain mocks`: makes mocks from a recorded execution, which then replays offline.

use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;

const MACHINE: &str = r#"{"StartAt": "Ask", "States": {
    "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "Charge",
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}]},
    "Charge": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true}
}}"#;

/// Returns the output of `aws stepfunctions get-execution-history` for an execution in which the card was refused.
fn history() -> Value {
    let event = |id: u32, previous: u32, kind: &str, key: &str, details: Value| {
        let mut event = json!({"timestamp": "2026-01-31T03:00:00.123000+01:00", "type": kind, "id": id, "previousEventId": previous});
        event[key] = details;
        event
    };
    json!({"events": [
        event(1, 0, "ExecutionStarted", "executionStartedEventDetails", json!({"input": "{\"id\": 7}"})),
        event(2, 0, "TaskStateEntered", "stateEnteredEventDetails", json!({"name": "Ask", "input": "{\"id\": 7}"})),
        event(3, 2, "TaskScheduled", "taskScheduledEventDetails", json!({})),
        event(4, 3, "TaskStarted", "taskStartedEventDetails", json!({})),
        event(5, 4, "TaskFailed", "taskFailedEventDetails", json!({"error": "Busy", "cause": "no room"})),
        event(6, 5, "TaskScheduled", "taskScheduledEventDetails", json!({})),
        event(7, 6, "TaskStarted", "taskStartedEventDetails", json!({})),
        event(8, 7, "TaskSucceeded", "taskSucceededEventDetails", json!({"output": "{\"price\": 12.5}"})),
        event(9, 8, "TaskStateExited", "stateExitedEventDetails", json!({"name": "Ask"})),
        event(10, 9, "TaskStateEntered", "stateEnteredEventDetails", json!({"name": "Charge"})),
        event(11, 10, "TaskScheduled", "taskScheduledEventDetails", json!({})),
        event(12, 11, "TaskStarted", "taskStartedEventDetails", json!({})),
        event(13, 12, "TaskSubmitted", "taskSubmittedEventDetails", json!({"output": "{}"})),
        event(14, 13, "TaskFailed", "taskFailedEventDetails", json!({"error": "CardRefused", "cause": "no funds"})),
        event(15, 14, "ExecutionFailed", "executionFailedEventDetails", json!({"error": "CardRefused", "cause": "no funds"})),
    ]})
}

#[test]
fn a_recorded_failure_replays_offline() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.asl.json", MACHINE);
    sandbox.write("history.json", history().to_string());
    let made = sandbox.json("mocks --from-history history.json --name orders --case LastNight");
    assert_eq!(
        made["MockedResponses"]["LastNight-Ask"],
        json!({"0": {"Throw": {"Error": "Busy", "Cause": "no room"}}, "1": {"Return": {"price": 12.5}}})
    );
    sandbox
        .run("mocks --from-history history.json --name orders --case LastNight --out mocks.json")
        .succeeds();
    let simulated = sandbox.json_with_code(
        "simulate orders.asl.json --mocks mocks.json --case LastNight",
        1,
    );
    assert_eq!(
        (&simulated["error"], &simulated["cause"]),
        (&json!("CardRefused"), &json!("no funds"))
    );

    sandbox
        .run("mocks --from-history history.json --format case --out orders.last-night.case.json")
        .succeeds();
    let text = sandbox.read("orders.last-night.case.json");
    let case: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(case["start_time"], "2026-01-31T02:00:00.123Z");
    assert_eq!(case["input"], json!({"id": 7}));
    assert_eq!(
        case["expect"],
        json!({"status": "FAILED", "error": "CardRefused", "cause": "no funds"})
    );
    sandbox.run("test .").succeeds();
}

#[test]
fn a_history_that_simulate_wrote_replays_too() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.asl.json", MACHINE);
    sandbox.write("history.json", history().to_string());
    sandbox
        .run("mocks --from-history history.json --out mocks.json")
        .succeeds();
    let first = sandbox.run(
        "simulate orders.asl.json --mocks mocks.json --history first.jsonl --output-format json",
    );
    let again = sandbox.run("mocks --from-history first.jsonl");
    assert_eq!(
        again.succeeds().stdout,
        sandbox.read("mocks.json"),
        "{}",
        first.stdout
    );
}

/// Builder of a history. Tests add events, each at a time in seconds.
#[derive(Default)]
struct Recording(Vec<Value>);

impl Recording {
    fn add(&mut self, at: f64, previous: usize, kind: &str, details: Value) -> usize {
        let id = self.0.len() + 1;
        let key = if kind.ends_with("StateEntered") {
            "stateEnteredEventDetails".to_owned()
        } else {
            format!("{}{}EventDetails", kind[..1].to_lowercase(), &kind[1..])
        };
        let mut event = json!({"timestamp": 1_769_860_800.0 + at, "type": kind, "id": id, "previousEventId": previous});
        event[key] = details;
        self.0.push(event);
        id
    }

    /// Adds the events of a call, from the entry of its state to the exit.
    fn call(
        &mut self,
        [began, ended]: [f64; 2],
        previous: usize,
        state: &str,
        output: &str,
    ) -> usize {
        let entered = self.add(began, previous, "TaskStateEntered", json!({"name": state}));
        let scheduled = self.add(began, entered, "TaskScheduled", json!({}));
        let output = json!(output).to_string();
        let succeeded = self.add(ended, scheduled, "TaskSucceeded", json!({"output": output}));
        self.add(ended, succeeded, "TaskStateExited", json!({"name": state}))
    }
}

#[test]
fn iterations_that_ran_concurrently_get_their_own_answers() {
    let task = |next: &str| {
        format!(r#"{{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", {next}}}"#)
    };
    let sandbox = Sandbox::new();
    sandbox.write(
        "m.asl.json",
        format!(
            r#"{{"StartAt": "M", "States": {{"M": {{"Type": "Map", "End": true, "ItemProcessor": {{"StartAt": "A", "States": {{
                "A": {}, "B": {}}}}}}}}}}}"#,
            task(r#""Next": "B""#),
            task(r#""End": true"#)
        ),
    );
    let mut recording = Recording::default();
    recording.add(0.0, 0, "ExecutionStarted", json!({"input": "[1, 2]"}));
    recording.add(0.0, 0, "MapStateEntered", json!({"name": "M"}));
    let started = recording.add(0.0, 2, "MapStateStarted", json!({"length": 2}));
    let iteration = |index: u32| json!({"name": "M", "index": index});
    let first = recording.add(0.0, started, "MapIterationStarted", iteration(0));
    let second = recording.add(0.0, started, "MapIterationStarted", iteration(1));
    // The second iteration is faster, so that its `B` is called first.
    let fast = recording.call([0.1, 1.0], second, "A", "a2");
    recording.call([1.0, 2.0], fast, "B", "b2");
    let slow = recording.call([0.1, 5.0], first, "A", "a1");
    let last = recording.call([5.0, 6.0], slow, "B", "b1");
    let output = json!({"output": r#"["b1","b2"]"#});
    recording.add(6.0, last, "ExecutionSucceeded", output);
    // Two pages, the newest event first, as `--reverse-order --max-items` prints them.
    recording.0.reverse();
    let (new, old) = recording.0.split_at(7);
    let pages = format!(
        "{}\n{}",
        json!({"events": new, "nextToken": "x"}),
        json!({"events": old})
    );
    sandbox.write("history.json", pages);
    sandbox
        .run("mocks --from-history history.json --format case --out m.recorded.case.json")
        .succeeds();
    sandbox.run("test .").succeeds();
    // The same history with its own definition, and with another one.
    let made = sandbox.run("mocks --from-history history.json --definition m.asl.json");
    assert_eq!(made.succeeds().stderr, "");
    sandbox.write(
        "other.asl.json",
        format!(
            r#"{{"StartAt": "New", "States": {{"New": {}}}}}"#,
            task(r#""End": true"#)
        ),
    );
    let guessed = sandbox.run("mocks --from-history history.json --definition other.asl.json");
    guessed
        .succeeds()
        .prints_to_stderr(&["`New` makes more calls"]);
    assert_eq!(guessed.stdout, made.stdout);
    sandbox.write("bad.asl.json", "{}");
    sandbox
        .run("mocks --from-history history.json --definition bad.asl.json")
        .fails(2, &["drivetrain check"]);
    sandbox
        .run("mocks --from-history history.json --definition nowhere.json")
        .fails(3, &["nowhere.json"]);
}

#[test]
fn a_recorded_timeout_or_abort_of_a_task_replays_as_one() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "m.asl.json",
        r#"{"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [
            {"StartAt": "Slow", "States": {"Slow": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": true}}},
            {"StartAt": "Beat", "States": {"Beat": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"MessageBody": {"t.$": "$$.Task.Token"}}, "TimeoutSeconds": 600, "HeartbeatSeconds": 60,
                "Catch": [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Broken"}], "End": true},
                "Broken": {"Type": "Fail", "Error": "NoHeartbeat"}}}
        ], "End": true}}}"#,
    );
    let mut recording = Recording::default();
    recording.add(0.0, 0, "ExecutionStarted", json!({"input": "{}"}));
    recording.add(0.0, 0, "ParallelStateEntered", json!({"name": "P"}));
    recording.add(0.0, 2, "ParallelStateStarted", json!({}));
    let slow = recording.add(0.0, 3, "TaskStateEntered", json!({"name": "Slow"}));
    recording.add(0.0, slow, "TaskScheduled", json!({}));
    let beat = recording.add(0.0, 3, "TaskStateEntered", json!({"name": "Beat"}));
    let limits = json!({"timeoutInSeconds": 600, "heartbeatInSeconds": 60});
    let scheduled = recording.add(0.0, beat, "TaskScheduled", limits);
    let timeout = json!({"error": "States.Timeout"});
    let timed_out = recording.add(60.1, scheduled, "TaskTimedOut", timeout);
    recording.add(
        60.1,
        timed_out,
        "ExecutionFailed",
        json!({"error": "NoHeartbeat"}),
    );
    sandbox.write("history.json", json!({"events": recording.0}).to_string());
    sandbox
        .run("mocks --from-history history.json --format case --out m.recorded.case.json")
        .succeeds();
    let text = sandbox.read("m.recorded.case.json");
    let mut case: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(case["mocks"]["Slow"], json!({"0": {"Hang": true}}));
    case["expect"]["duration_seconds"] = json!(60);
    sandbox.write("m.recorded.case.json", case.to_string());
    sandbox.run("test .").succeeds();

    // The task timed out after 600 s, which shows that its heartbeats came in time.
    recording.0[7]["timestamp"] = json!(1_769_861_400.2);
    sandbox.write("history.json", json!({"events": recording.0}).to_string());
    let made = sandbox.json("mocks --from-history history.json");
    assert_eq!(
        made["MockedResponses"]["Recorded-Beat"]["0"],
        json!({"Throw": {"Error": "States.Timeout"}})
    );
}

#[test]
fn a_branch_that_gets_further_in_a_replay_changes_nothing() {
    let task = r#"{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "#;
    let sandbox = Sandbox::new();
    sandbox.write(
        "m.asl.json",
        format!(
            r#"{{"StartAt": "P", "States": {{"P": {{"Type": "Parallel", "End": true, "Branches": [
                {{"StartAt": "Rest", "States": {{"Rest": {{"Type": "Wait", "Seconds": 60, "Next": "Fails"}}, "Fails": {{"Type": "Fail", "Error": "E"}}}}}},
                {{"StartAt": "Slow", "States": {{"Slow": {task}"Next": "Pause"}}, "Pause": {{"Type": "Wait", "Seconds": 30, "Next": "Later"}},
                    "Later": {task}"End": true}}}}}}]}}}}}}"#
        ),
    );
    let mut recording = Recording::default();
    recording.add(0.0, 0, "ExecutionStarted", json!({"input": "{}"}));
    recording.add(0.0, 0, "ParallelStateEntered", json!({"name": "P"}));
    recording.add(0.0, 2, "ParallelStateStarted", json!({}));
    let rest = recording.add(0.0, 3, "WaitStateEntered", json!({"name": "Rest"}));
    // The call takes so long that its branch never reaches the second task.
    let slow = recording.call([0.0, 50.0], 3, "Slow", "x");
    recording.add(50.0, slow, "WaitStateEntered", json!({"name": "Pause"}));
    let failed = recording.add(60.0, rest, "FailStateEntered", json!({"name": "Fails"}));
    recording.add(60.0, failed, "ExecutionFailed", json!({"error": "E"}));
    sandbox.write("history.json", json!({"events": recording.0}).to_string());
    let made =
        sandbox.run("mocks --from-history history.json --format case --out m.recorded.case.json");
    assert_eq!(made.succeeds().stderr, "");
    sandbox.run("test .").succeeds();
}

#[test]
fn objects_that_a_map_reads_are_not_in_a_history_and_must_be_given() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "m.asl.json",
        r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "ItemReader": {"Resource": "arn:aws:states:::s3:getObject",
            "Parameters": {"Bucket": "b", "Key": "k.json"}, "ReaderConfig": {"InputType": "JSON"}}, "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": true}}}, "End": true}}}"#,
    );
    sandbox.write("bucket/k.json", "[1]");
    sandbox
        .run("simulate m.asl.json --s3 b=bucket --history h.jsonl")
        .succeeds();
    let base = "mocks --from-history h.jsonl --definition m.asl.json";
    let without = sandbox.run(base);
    without.succeeds().prints_to_stderr(&["--s3 BUCKET=DIR"]);
    let with = sandbox.run(&format!("{base} --s3 b=bucket"));
    assert!(
        !with.succeeds().stderr.contains("makes more calls"),
        "{}",
        with.stderr
    );
    // If the mocked call hangs, the Map that reads the object fails, after any time.
    sandbox.write(
        "hang.json",
        r#"{"StateMachines": {"m": {"TestCases": {"c": {"M": "H"}}}}, "MockedResponses": {"H": {"0": {"Hang": true}}}}"#,
    );
    let ran = sandbox.run("simulate m.asl.json --mocks hang.json");
    ran.ends_with(1);
    ran.prints(&["States.ItemReaderFailed"]);
}

#[test]
fn child_executions_have_histories_of_their_own_that_replay_too() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "m.asl.json",
        r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "Label": "Each", "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Work",
            "States": {"Work": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,
                "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 9}]}}}, "End": true}}}"#,
    );
    sandbox.write(
        "first.json",
        r#"{"StateMachines": {"m": {"TestCases": {"c": {"Work": "W"}}}}, "MockedResponses": {"W": {
            "0": {"Throw": {"Error": "Busy"}}, "1": {"Return": "second"}, "2": {"Return": "first"}}}}"#,
    );
    sandbox.write("input.json", "[1, 2]");
    let ran = sandbox.run("simulate m.asl.json --mocks first.json --input input.json --history own.jsonl --children children.jsonl");
    ran.succeeds().prints(&["output: [\"first\",\"second\"]"]);
    let read = |file: &str| -> Vec<Value> {
        let text = sandbox.read(file);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let (own, children) = (read("own.jsonl"), read("children.jsonl"));
    assert!(
        own.iter()
            .all(|event| event["executionArn"].is_null() && event["type"] != "TaskScheduled")
    );
    let arns: std::collections::BTreeSet<&str> = children
        .iter()
        .map(|event| event["executionArn"].as_str().unwrap())
        .collect();
    assert_eq!(arns.len(), 2, "{arns:?}");
    assert!(arns.iter().all(|arn| arn.contains(":m/Each:")), "{arns:?}");
    for arn in arns {
        let events: Vec<&Value> = children
            .iter()
            .filter(|event| event["executionArn"] == arn)
            .collect();
        assert_eq!(events[0]["type"], "ExecutionStarted");
        assert_eq!(events.last().unwrap()["type"], "ExecutionSucceeded");
        assert!(events.iter().zip(1..).all(|(event, id)| event["id"] == id));
    }
    let ran = sandbox.run("mocks --from-history own.jsonl");
    ran.succeeds().prints_to_stderr(&["`--children FILE`"]);
    sandbox
        .run("mocks --from-history own.jsonl --children children.jsonl --format case --out m.again.case.json")
        .succeeds();
    sandbox.run("test .").succeeds();
}

#[test]
fn an_incomplete_history_is_refused() {
    let sandbox = Sandbox::new();
    let mut paged = history();
    paged["nextToken"] = json!("x");
    let mut bare = history();
    bare["events"][7]["taskSucceededEventDetails"] = json!({});
    let mut cut = history();
    cut["events"].as_array_mut().unwrap().truncate(10);
    sandbox.write("paged.json", paged.to_string());
    sandbox.write("bare.json", bare.to_string());
    sandbox.write("cut.json", cut.to_string());
    sandbox.write("text.json", "Expired token");
    sandbox.write("number.json", "7");
    let mocks =
        |file: &str, flags: &str| sandbox.run(&format!("mocks --from-history {file} {flags}"));
    mocks("paged.json", "").fails(2, &["`nextToken`", "--max-items"]);
    mocks("bare.json", "").fails(2, &["event 8", "execution data"]);
    mocks("cut.json", "--format case").fails(2, &["no event that ends the execution"]);
    mocks("text.json", "").fails(2, &["not valid JSON"]);
    mocks("number.json", "").fails(2, &["expected a history"]);
    let mut stopped = history();
    stopped["events"][14] =
        json!({"timestamp": 0, "type": "ExecutionAborted", "id": 15, "previousEventId": 0});
    sandbox.write("stopped.json", stopped.to_string());
    mocks("stopped.json", "--format case").fails(2, &["stopped from outside", "--format mocks"]);
    let mut redriven = history();
    redriven["events"][14]["type"] = json!("ExecutionRedriven");
    sandbox.write("redriven.json", redriven.to_string());
    mocks("redriven.json", "--format case").fails(2, &["redriven"]);
    sandbox.write("empty.json", "");
    mocks("empty.json", "").fails(2, &["no events"]);
    mocks("paged.json", "--out paged.json").fails(2, &[]);
    mocks("nowhere.json", "").fails(3, &["nowhere.json"]);
}
