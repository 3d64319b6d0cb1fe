//! `drivetrain check`: one job or machine or a folder of them; output as text, JSON and SARIF.

use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;

const SOUND: &str = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#;

fn mixed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("all/sound.asl.json", SOUND);
    sandbox.write(
        "all/deep/bad one.json",
        "{\"StartAt\": \"C\",\n \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\"}, \"C\": {\"Type\": \"Choice\", \"Choices\": \
         [{\"Variable\": \"$.a\", \"IsNull\": true, \"Next\": \"A\"}], \"Default\": \"E\"}, \"E\": {\"Type\": \"Succeed\"}}}",
    );
    sandbox.write(
        "all/deep/slow.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true}}}"#,
    );
    sandbox.write("all/deep/data.json", r#"{"States": ["CA", "NV"]}"#);
    sandbox.write("all/.hidden/bad.asl.json", "{");
    sandbox.write("all/made/CACHEDIR.TAG", "");
    sandbox.write("all/made/bad.asl.json", "{");
    sandbox
}

#[test]
fn every_machine_of_a_folder_is_checked() {
    let sandbox = mixed();
    let ran = sandbox.run("check all");
    ran.fails(2, &["`all` has 1 error"]);
    ran.prints(&[
        "all/deep/bad one.json:2:43  error  MISSING_TRANSITION_TARGET  /States/A/Next\n\
        \x20   Missing 'Next' target: B\n\
        \x20   hint: choose from `A`, `C`, `E`\n",
        "all/deep/slow.asl.json:1:34  warning  TASK_WITHOUT_TIMEOUT  /States/A\n",
        "    hint: set `TimeoutSeconds`\n",
        "all: 1 error, 1 warning in 3 machines\n",
    ]);
    std::fs::remove_file(sandbox.path("all/deep/bad one.json")).unwrap();
    let ran = sandbox.run("check all");
    assert!(
        ran.succeeds()
            .stdout
            .ends_with("all: 1 warning in 2 machines\n"),
        "{}",
        ran.stdout
    );
    sandbox
        .run("check all/sound.asl.json --type express")
        .succeeds();
    std::fs::create_dir_all(sandbox.path("empty")).unwrap();
    sandbox
        .run("check empty")
        .fails(2, &["`empty` contains no job and no state machine"]);
}

#[test]
fn jobs_and_machines_are_checked_together() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox.write("sales/orders.asl.json", SOUND);
    let ran = sandbox.run("check sales");
    assert_eq!(
        ran.succeeds().stdout,
        "sales: no problems in 1 job and 1 machine\n"
    );
    sandbox.replace("sales/job.toml", "decimal(", "decimall(");
    sandbox.run("check .").fails(2, &["`.` has 3 errors"]);
    let checked = sandbox.json_with_code("check .", 2);
    assert_eq!(
        (&checked["errors"], &checked["warnings"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(
        checked["checked"],
        json!(["./sales", "./sales/orders.asl.json"])
    );
    let first = &checked["diagnostics"][0];
    assert_eq!(
        (&first["code"], &first["file"]),
        (&json!("INVALID_JOB"), &json!("./sales/job.toml"))
    );
    assert!(first["hint"].is_string(), "{first}");
    sandbox.run("check rental_facts").succeeds();
}

#[test]
fn sarif_has_rules_locations_and_levels() {
    let sandbox = mixed();
    let log = sandbox.run("check all --output-format sarif").json(2);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let text = rules[index]["shortDescription"]["text"].as_str().unwrap();
        assert!(text.ends_with('.') && !text.starts_with(' '), "{text}");
    }
    assert_eq!(results[0]["level"], "error");
    assert_eq!(
        results[0]["locations"][0],
        json!({
            "physicalLocation": {
                "artifactLocation": {"uri": "all/deep/bad%20one.json"},
                "region": {"startLine": 2, "startColumn": 43}
            },
            "logicalLocations": [{"fullyQualifiedName": "/States/A/Next"}]
        })
    );
    assert_eq!(results[1]["level"], "warning");
    let sound = sandbox.run("check all/sound.asl.json --output-format sarif");
    let log = sound.json(0);
    assert_eq!(log["runs"][0]["results"], json!([]));
    // SARIF describes findings, which only `check` has.
    let ran = sandbox.run("jobs --output-format sarif");
    ran.fails(2, &["only `drivetrain check`"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_file_that_is_not_a_definition_is_reported_with_its_location() {
    let sandbox = Sandbox::new();
    for (text, line, hint) in [
        ("", "  error  SCHEMA_VALIDATION_FAILED", "empty"),
        ("{\n", ":2:1  error  INVALID_JSON_DESCRIPTION", ""),
        ("[]", "  error  SCHEMA_VALIDATION_FAILED", ""),
        (
            "\u{FEFF}{}",
            ":1:1  error  INVALID_JSON_DESCRIPTION",
            "byte order mark",
        ),
        (
            "StartAt: A\n",
            ":1:1  error  INVALID_JSON_DESCRIPTION",
            "YAML",
        ),
    ] {
        sandbox.write("m.asl.json", text);
        let ran = sandbox.run("check m.asl.json");
        ran.fails(2, &["1 error"]);
        let begins = format!("m.asl.json{line}\n");
        assert!(
            ran.stdout.starts_with(&begins) && ran.stdout.contains(hint),
            "{}",
            ran.stdout
        );
    }
    sandbox.write("m.asl.json", [0xFF, 0xFE]);
    sandbox.run("check m.asl.json").fails(2, &["not UTF-8"]);
    sandbox
        .run("check nowhere.asl.json")
        .fails(3, &["no file or folder `nowhere.asl.json`"]);
}

#[test]
fn a_location_is_a_json_pointer_and_also_what_aws_writes() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "m.asl.json",
        r#"{"StartAt": "a/b", "States": {"a/b": {"Type": "Choice",
            "Choices": [{"Variable": "$.x", "IsNull": true, "Next": "E"}, {"Variable": "$.x", "IsNul": true, "Next": "nd"}],
            "Default": "End"}, "End": {"Type": "Succeed"}, "End": {"Type": "Succeed"}}}"#,
    );
    let checked = sandbox.json_with_code("check m.asl.json", 2);
    let found = checked["diagnostics"].as_array().unwrap();
    let places: Vec<[&str; 3]> = found
        .iter()
        .map(|one| ["code", "pointer", "location"].map(|name| one[name].as_str().unwrap()))
        .collect();
    assert!(places.contains(&[
        "MISSING_TRANSITION_TARGET",
        "/States/a~1b/Choices/0/Next",
        "/States/a~1b/Choices[0]/Next"
    ]));
    assert!(places.contains(&["DUPLICATE_KEY", "/States/End", "/States/End"]));
    let unknown = found
        .iter()
        .find(|one| one["message"].as_str().unwrap().contains("IsNul"))
        .unwrap();
    assert_eq!(unknown["pointer"], "/States/a~1b/Choices/1");
    assert_eq!(unknown["hint"], "did you mean `IsNull`?");
    let log = sandbox
        .run("check m.asl.json --output-format sarif")
        .json(2);
    let results = log["runs"][0]["results"].to_string();
    assert!(
        results.contains(r#""fullyQualifiedName":"/States/a~1b/Choices/0/Next""#),
        "{results}"
    );
    // The JSON pointer of the whole document is empty, but AWS writes `/`.
    sandbox.write("m.asl.json", r#"{"States": {}}"#);
    let checked = sandbox.json_with_code("check m.asl.json", 2);
    let first = &checked["diagnostics"][0];
    assert_eq!(
        (&first["pointer"], &first["location"]),
        (&json!(""), &json!("/"))
    );
}

#[test]
fn an_unreadable_definition_does_not_hide_the_problems_of_others() {
    let sandbox = Sandbox::new();
    sandbox.write("all/broken.asl.json", r#"{"StartAt": "A", "States": {}}"#);
    sandbox.write("all/wide.asl.json", b"\xff\xfe{\0}\0");
    let report = sandbox.run("check all --output-format sarif").json(2);
    let results = report["runs"][0]["results"].as_array().unwrap();
    let of = |file: &str| {
        let named = |result: &&Value| result.to_string().contains(file);
        results.iter().filter(named).count()
    };
    assert!(of("broken.asl.json") > 0, "{report}");
    assert_eq!(of("wide.asl.json"), 1, "{report}");
    sandbox
        .run("check all/wide.asl.json")
        .fails(2, &["wide.asl.json` is not UTF-8"]);
}

#[test]
fn check_reports_each_problem_of_a_job_and_of_a_machine_with_its_location() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox.run("check ./sales").succeeds();
    sandbox.replace("sales/job.toml", "decimal(", "decimall(");
    let ran = sandbox.run("check ./sales");
    ran.fails(2, &["3 errors"]);
    ran.prints(&["job.toml:"]);
    sandbox.write(
        "machine.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#,
    );
    let ran = sandbox.run("check machine.asl.json");
    ran.fails(2, &["2 errors"]);
    ran.prints(&[
        "machine.asl.json:1:",
        "MISSING_TRANSITION_TARGET  /States/A/Next",
    ]);
}
