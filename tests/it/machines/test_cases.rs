//! `drivetrain test`: cases beside definitions, the differences of failed cases, and the states that no case reached.

use serde_json::{Value, json};

use crate::support::sample_machines::ENDLESS;
use crate::support::sandbox::Sandbox;

/// The files that `runner/CASES.md` shows.
const SHOWN: [&str; 3] = [
    "orders.asl.json",
    "orders.second-try.case.json",
    "orders.refused.case.json",
];

fn documented() -> Sandbox {
    let sandbox = Sandbox::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/runner/CASES.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<&str> = text.split("```json\n").skip(1).collect();
    assert_eq!(blocks.len(), SHOWN.len());
    for (name, block) in SHOWN.iter().zip(blocks) {
        assert!(text.contains(&format!("`{name}`")), "{name}");
        sandbox.write(
            &format!("machines/{name}"),
            block.split("```").next().unwrap(),
        );
    }
    sandbox
}

fn case(sandbox: &Sandbox, name: &str, case: &Value) {
    sandbox.write(
        &format!("machines/orders.{name}.case.json"),
        case.to_string(),
    );
}

fn tested(sandbox: &Sandbox, code: i32) -> Value {
    sandbox.json_with_code("test machines", code)
}

/// Returns the differences of one case, each as `what: expected / got`.
fn differences(tested: &Value, name: &str) -> Vec<String> {
    let cases = tested["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == name).unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    case["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{}: {} / {}",
                text(one, "what"),
                text(one, "expected"),
                text(one, "got")
            )
        })
        .collect()
}

#[test]
fn the_documented_cases_pass_and_reach_every_state() {
    let sandbox = documented();
    let ran = sandbox.run("test machines");
    ran.succeeds();
    ran.prints(&[
        "ok      orders.refused\n",
        "ok      orders.second-try\n",
        "machines/orders.asl.json: 3 of 3 states reached\n",
        "2 cases: 2 passed\n",
    ]);
    assert!(!ran.stdout.contains("never"), "{}", ran.stdout);
    sandbox
        .run("test machines/orders.refused.case.json")
        .succeeds();
}

#[test]
fn unreached_states_and_handlers_are_listed_by_machine() {
    let sandbox = documented();
    std::fs::remove_file(sandbox.path("machines/orders.refused.case.json")).unwrap();
    std::fs::remove_file(sandbox.path("machines/orders.second-try.case.json")).unwrap();
    case(
        &sandbox,
        "paid",
        &json!({"mocks": {"Charge": {"0": {"Return": 1}}}, "expect": {"output": {"charge": 1}}}),
    );
    sandbox.write(
        "machines/deep/untested.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#,
    );
    let ran = sandbox.run("test machines");
    ran.succeeds();
    ran.prints(&[
        "machines/deep/untested.asl.json: no case\n",
        "machines/orders.asl.json: 2 of 3 states reached\n",
        "  not reached: retry 0 (Lambda.TooManyRequestsException) of `Charge`\n",
        "  not reached: catch 0 (CardRefused) of `Charge`\n",
        "  not reached: state `Tell`\n",
    ]);
    let unreached = &tested(&sandbox, 0)["coverage"][1]["unreached"];
    assert_eq!(
        unreached[1],
        json!({"kind": "catch", "state": "Charge", "index": 0, "errors": ["CardRefused"]})
    );
}

#[test]
fn each_failed_expectation_is_shown_with_the_actual_value() {
    let sandbox = documented();
    let mocks = json!({"Charge": {"0": {"Return": {"paid": true, "list": [1, 2]}}}});
    let wrong = |expect: Value| json!({"input": {"id": 7}, "mocks": mocks, "expect": expect});
    case(
        &sandbox,
        "output",
        &wrong(json!({"output": {"id": 8, "charge": {"paid": true, "list": [1]}, "gone": null}})),
    );
    case(
        &sandbox,
        "part",
        &wrong(json!({"output_includes": {"charge": {"paid": false}}})),
    );
    case(
        &sandbox,
        "place",
        &wrong(
            json!({"output_at": {"$.charge.list[1]": 3, "$.nothing": 1, "$.charge.list[*]": [1, 2]}}),
        ),
    );
    case(
        &sandbox,
        "status",
        &wrong(json!({"error": "E", "cause": null, "cause_includes": "why"})),
    );
    case(
        &sandbox,
        "visits",
        &wrong(
            json!({"visits": ["Charge", "Tell"], "visits_include": ["Tell"], "visits_exclude": ["Done"],
            "calls": {"Charge": 2}, "duration_seconds": 1,
            "inputs_include": {"Charge": {"0": {"id": 8}, "1": {}}}}),
        ),
    );
    case(&sandbox, "unanswered", &json!({"expect": {}}));
    let tested = tested(&sandbox, 1);
    assert_eq!(
        (&tested["passed"], &tested["failed"]),
        (&json!(2), &json!(6))
    );
    assert_eq!(
        differences(&tested, "orders.output"),
        [
            "output /id: 8 / 7",
            "output /charge/list/1: no value / 2",
            "output /gone: null / no value"
        ]
    );
    assert_eq!(
        differences(&tested, "orders.part"),
        ["output_includes /charge/paid: false / true"]
    );
    let at_places = differences(&tested, "orders.place");
    assert_eq!(at_places.len(), 2, "{at_places:?}");
    assert_eq!(at_places[0], "output_at $.charge.list[1]: 3 / 2");
    assert_eq!(
        differences(&tested, "orders.status"),
        [
            "status: FAILED / SUCCEEDED",
            "error: \"E\" / null",
            "cause_includes: why / no cause"
        ]
    );
    assert_eq!(
        differences(&tested, "orders.visits"),
        [
            "visits from state number 2: Tell / Done",
            "visits_include: `Tell` is entered / `Tell` is never entered",
            "visits_exclude: `Done` is never entered / `Done` is entered as state number 2",
            "calls of `Charge`: 2 / 1",
            "duration_seconds: 1 / 0",
            "input of call 0 of `Charge` /id: 8 / 7",
            "input of call 1 of `Charge`: {} / no call with this number"
        ]
    );
    assert_eq!(
        differences(&tested, "orders.unanswered"),
        [
            "mocks: an answer for call 0 of the state `Charge` / no answer; calls are numbered from 0"
        ]
    );
    let ran = sandbox.run("test machines");
    ran.prints(&["FAILED  orders.visits\n        machines/orders.visits.case.json\n"]);
    assert!(
        ran.stdout.ends_with("8 cases: 2 passed, 6 FAILED\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn all_problems_of_cases_and_definitions_are_reported_at_once() {
    let sandbox = documented();
    sandbox.write("machines/text.json", "");
    sandbox.write(
        "machines/orders.wrong.case.json",
        "{\n  \"input\": 1, \"input_file\": \"gone.json\",\n  \"mocks\": {\"Nope\": {}, \"Done\": {}, \"Charge\": {\"x\": {}}},\n  \
         \"start_time\": \"soon\", \"seed\": -1, \"type\": \"QUICK\", \"max_events\": 0,\n  \"s3\": {\"b\": \"gone\"},\n  \
         \"expect\": {\"status\": \"FINE\", \"visits\": [\"Nope\"], \"output_at\": {\"a\": 1}, \"calls\": {\"Tell\": 1}, \"inputs_include\": {\"Charge\": {\"x\": 1}}, \"outputs\": 1}\n}",
    );
    sandbox.write("machines/lost.case.json", r#"{"expect": {}}"#);
    sandbox.write(
        "machines/other.case.json",
        r#"{"machine": "broken.asl.json"}"#,
    );
    sandbox.write(
        "machines/broken.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#,
    );
    sandbox.write("machines/cut.case.json", "{\n \"expect\"");
    sandbox.write(
        "machines/orders.twice.case.json",
        "{\"seed\": 1,\n \"seed\": 2, \"input_file\": \"twice.json\", \"expect\": {}}",
    );
    sandbox.write("machines/twice.json", r#"{"a": [{"b": 1, "b": 2}]}"#);
    let ran = sandbox.run("test machines");
    ran.fails(2, &["no case was run"]);
    ran.prints(&[
        "machines/orders.twice.case.json:2:10  error  INVALID_CASE  /seed\n    the key `seed` occurs more than once in this object",
        "machines/twice.json:1:22  error  INVALID_CASE  /a/0/b\n    the key `b` occurs more than once in this object",
        "machines/broken.asl.json:1:1   error  MISSING_END_STATE\n    Workflow has no terminal state\n    hint: set",
        "machines/broken.asl.json:1:59  error  MISSING_TRANSITION_TARGET  /States/A/Next\n    Missing 'Next' target: B\n    hint: the only valid name here is `A`",
        "machines/cut.case.json:2:9  error  INVALID_CASE\n    the file is not valid JSON",
        "machines/gone.json  error  INVALID_CASE\n    cannot read `machines/gone.json`: No such file",
        "machines/lost.case.json:1:1  error  INVALID_CASE\n    there is no `lost.asl.json` and no `lost.json` beside the case",
        "machines/other.case.json:1:1  error  INVALID_CASE\n    the field `expect` is missing",
        "machines/orders.wrong.case.json:2:29   error  INVALID_CASE  /input_file\n    expected either",
        "/mocks/Nope\n    the machine has no state `Nope`",
        "/mocks/Done\n    the state `Done` is a Succeed state",
        "machines/orders.wrong.case.json:3:53   error  INVALID_CASE  /mocks/Charge/x\n    expected the number of a call",
        "/start_time\n    expected a date",
        "/seed\n    expected a whole number",
        "/type\n    expected one of `STANDARD`, `EXPRESS`, got `QUICK`",
        "/max_events\n    expected a whole number above 0",
        "/s3/b\n    there is no folder `machines/gone`",
        "/expect/status\n    expected one of `SUCCEEDED`",
        "/expect/visits/0\n    the machine has no state `Nope`",
        "/expect/output_at/a\n",
        "/expect/calls/Tell\n    the state `Tell` is a Fail state",
        "/expect/inputs_include/Charge/x\n    expected a call number",
        "/expect/outputs\n    the field `outputs` is unknown",
    ]);
    let invalid = tested(&sandbox, 2);
    assert_eq!(invalid["status"], "INVALID");
    assert!(invalid["diagnostics"].as_array().unwrap().len() > 15);
}

#[test]
fn a_folder_without_cases_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("machines/readme.txt", "");
    sandbox
        .run("test machines")
        .fails(2, &["`machines` contains no test case", "hint: "]);
    sandbox.run("test nowhere").fails(3, &["nowhere"]);
}

#[test]
fn files_beside_a_case_are_found_and_what_a_map_writes_stays_in_memory() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "machines/each.asl.json",
        json!({"StartAt": "Each", "States": {"Each": {
            "Type": "Map", "End": true,
            "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
                "Parameters": {"Bucket": "in", "Key.$": "$.key"}},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work", "States": {"Work": {"Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke", "End": true}}},
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "in", "Prefix": "out"}}
        }}})
        .to_string(),
    );
    sandbox.write("machines/cases/data/list.json", "[1, 2]");
    sandbox.write("machines/cases/input.json", r#"{"key": "list.json"}"#);
    sandbox.write(
        "machines/cases/mocks.json",
        r#"{"StateMachines": {"each": {"TestCases": {"Two": {"Work": "W"}}}}, "MockedResponses": {"W": {"0-1": {"Return": 1}}}}"#,
    );
    sandbox.write(
        "machines/cases/two.case.json",
        json!({
            "machine": "../each.asl.json", "input_file": "input.json", "mock_file": "mocks.json", "mock_case": "Two",
            "s3": {"in": "data"},
            "expect": {"output_at": {"$.ResultWriterDetails.Bucket": "in"}, "calls": {"Work": 2}}
        })
        .to_string(),
    );
    // A definition that is reached by two paths counts as one machine.
    sandbox.write(
        "machines/each.beside.case.json",
        r#"{"input": {"key": "none"}, "s3": {"in": "cases/data"}, "expect": {"error": "States.ItemReaderFailed"}}"#,
    );
    let before = sandbox.files("machines");
    let ran = sandbox.run("test machines");
    assert_eq!(
        ran.succeeds().stdout.matches("states reached").count(),
        1,
        "{}",
        ran.stdout
    );
    assert_eq!(sandbox.files("machines"), before);
}

#[test]
fn an_endless_express_machine_ends_at_its_event_limit() {
    let sandbox = Sandbox::new();
    sandbox.write("loop.asl.json", ENDLESS);
    sandbox.write(
        "loop.forever.case.json",
        r#"{"type": "EXPRESS", "max_events": 2000, "expect": {"cause_includes": "(2000)", "visits_exclude": ["C"]}}"#,
    );
    let ran = sandbox.run("test .");
    ran.succeeds();
    ran.prints(&["not reached: choice 0 (to `C`) of `B`"]);
}

#[test]
fn a_junit_report_is_valid_xml_whatever_the_cases_contain() {
    let sandbox = documented();
    case(
        &sandbox,
        "a<b>&\"'",
        &json!({"input": {"x": "\u{1}<&>\"'\n"}, "mocks": {"Charge": {"0": {"Return": 1}}},
            "expect": {"output": {"x": "]]>"}}}),
    );
    let ran = sandbox.run("test machines --junit report.xml");
    ran.ends_with(1);
    let text = sandbox.read("report.xml");
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"drivetrain\" tests=\"3\" failures=\"1\""));
    assert!(
        text.contains("name=\"orders.a&lt;b&gt;&amp;&quot;&apos;\""),
        "{text}"
    );
    assert!(text.contains("]]&gt;"), "{text}");
    let is_allowed = |one: char| one >= ' ' || one == '\n';
    assert!(text.chars().all(is_allowed), "{text}");
    // Every `&` begins one of the five entities or a number, and tags are balanced.
    for rest in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "apos;", "#10;"];
        assert!(
            known.iter().any(|entity| rest.starts_with(entity)),
            "&{rest}"
        );
    }
    for tag in ["testsuites", "testsuite", "failure"] {
        let begins = text.matches(&format!("<{tag} ")).count();
        assert_eq!(begins, text.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    sandbox
        .run("test machines --junit no/such/report.xml")
        .fails(1, &["no/such/report.xml"]);
}

#[test]
fn a_hundred_more_cases_run_concurrently_and_all_are_counted() {
    let sandbox = documented();
    let count = || {
        let printed = sandbox.run("test machines").succeeds().stdout.clone();
        let line = printed.lines().find(|line| line.contains(" cases: "));
        let words = line.unwrap().split_whitespace().next().unwrap();
        words.parse::<u32>().unwrap()
    };
    let before = count();
    let text = sandbox.read("machines/orders.second-try.case.json");
    for number in 0..100 {
        sandbox.write(&format!("machines/orders.{number}.case.json"), &text);
    }
    assert_eq!(count(), before + 100);
}

#[test]
fn a_new_machine_has_no_problems_and_its_cases_reach_every_state() {
    let sandbox = Sandbox::new();
    sandbox.run("new machine some/first-one").succeeds();
    let checked = sandbox.run("check some");
    assert_eq!(checked.succeeds().stdout, "some: no problems\n");
    let ran = sandbox.run("test some");
    ran.succeeds()
        .prints(&["3 of 3 states reached\n2 cases: 2 passed\n"]);
    sandbox
        .run("new machine some/first-one")
        .fails(2, &["already exists"]);
    sandbox
        .run("new machine some/a.b")
        .fails(2, &["`a.b`", "letters"]);
}

#[test]
fn a_report_never_replaces_an_input_and_a_stale_one_is_removed() {
    let sandbox = Sandbox::new();
    sandbox.run("new machine orders").succeeds();
    let definition = std::fs::read(sandbox.path("orders/orders.asl.json")).unwrap();
    sandbox
        .run("test orders --junit orders/orders.asl.json")
        .fails(
            2,
            &[
                "`--junit` would overwrite the JSON file `orders/orders.asl.json`",
                "report.xml",
            ],
        );
    assert_eq!(
        std::fs::read(sandbox.path("orders/orders.asl.json")).unwrap(),
        definition
    );
    sandbox.write("report.xml", "the last report");
    sandbox.write(
        "orders/orders.wrong.case.json",
        r#"{"expect": {"status": "X"}}"#,
    );
    assert_eq!(sandbox.run("test orders --junit report.xml").code, Some(2));
    assert!(!sandbox.path("report.xml").exists());
    // Through a link, so that a failure of this test does not remove the device itself.
    std::os::unix::fs::symlink("/dev/null", sandbox.path("device.xml")).unwrap();
    assert_eq!(sandbox.run("test orders --junit device.xml").code, Some(2));
    assert!(sandbox.path("device.xml").exists());
}
