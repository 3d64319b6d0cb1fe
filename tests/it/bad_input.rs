//! Bad input: each one a clear error that names the thing, its exit code, and nothing published.

use crate::harness::{Place, Ran};

fn sample() -> Place {
    let place = Place::new();
    place.json("generate --rentals 300 --seed 1 --out data");
    place
}

fn facts(place: &Place, flags: &str) -> Ran {
    let ran = place.run(&format!(
        "run rental_facts --input data --output lake {flags}"
    ));
    let published = place.files("lake/rental_facts");
    assert!(ran.code == Some(0) || published.is_empty(), "{published:?}");
    ran
}

#[test]
fn a_wrong_word_on_the_command_line_is_usage() {
    let place = sample();
    facts(&place, "--param nonsense=1").fails(2, &["`nonsense`", "hint:"]);
    facts(&place, "--param from=yesterday").fails(2, &["`from`", "yesterday"]);
    facts(&place, "--param from=2024-02-01 --param to=2024-01-01").fails(2, &["window"]);
    facts(&place, "--check nonsense").fails(2, &["`nonsense`"]);
    facts(&place, "--threads 0").fails(2, &["--threads"]);
    facts(&place, "--memory-limit many").fails(2, &["`many`"]);
    facts(&place, "--compression middle-out")
        .code
        .filter(|code| *code == 2)
        .unwrap();
    place
        .run("run no_such_job --input data --output lake")
        .fails(2, &["`no_such_job`", "rental_facts"]);
    place
        .run("run ./nowhere --input data --output lake")
        .fails(2, &["nowhere"]);
    place
        .run("run rental_facts --output lake")
        .fails(2, &["--input"]);
    place
        .run("run rental_facts --input gopher://x --output lake")
        .fails(2, &["gopher"]);
}

#[test]
fn an_output_root_within_the_raw_data_is_refused_before_anything_is_made() {
    let place = sample();
    let raw = place.files("data");
    place
        .run("run rental_facts --input data --output data/raw")
        .fails(2, &["raw"]);
    place
        .run("run rental_facts --input data --output data/raw/users/lake")
        .fails(2, &["raw"]);
    assert_eq!(place.files("data"), raw);
}

#[test]
fn missing_input_is_named() {
    let place = sample();
    std::fs::remove_dir_all(place.path("data/raw/users")).unwrap();
    facts(&place, "").fails(3, &["raw/users"]);
    place
        .run("run vehicle_location_metrics --input data --output lake")
        .fails(3, &["rental_facts"]);
    place
        .run("run rental_facts --input nowhere --output lake")
        .fails(3, &["nowhere"]);
}

#[test]
fn a_missing_column_fails_the_gate_with_the_files_name() {
    let place = sample();
    place.write(
        "data/raw/locations/other.csv",
        "location_id,city\n9999,Paris\n",
    );
    facts(&place, "").fails(4, &["other.csv", "state"]);
}

#[test]
fn too_few_rows_fail_the_gate() {
    let place = sample();
    for (name, _) in place.files("data/raw/users") {
        std::fs::remove_file(place.path(&format!("data/raw/users/{name}"))).unwrap();
    }
    place.write(
        "data/raw/users/empty.csv",
        "user_id,first_name,last_name,email,phone_number,driver_license_number,driver_license_expiry,creation_date,is_active\n",
    );
    facts(&place, "").fails(4, &["users"]);
}

#[test]
fn too_many_bad_rows_fail_the_gate_and_the_quarantine_is_there() {
    let place = sample();
    let bad = "location_id,location_name,address,city,state,zip_code,latitude,longitude\n\
               seven,A,B,C,CA,94540,1.0,1.0\n"
        .to_owned()
        + &"7,A,B,C,CA,9454,1.0,1.0\n".repeat(100);
    place.write("data/raw/locations/bad.csv", bad);
    facts(&place, "").fails(4, &["locations", "quarantine"]);
    let quarantine = place.files("lake/_drivetrain/rental_facts/quarantine");
    let csv = quarantine
        .iter()
        .find(|(name, _)| name.ends_with("rows.csv"))
        .unwrap();
    let text = String::from_utf8(csv.1.clone()).unwrap();
    assert!(text.contains("bad.csv") && text.contains("seven"), "{text}");
    facts(&place, "--on-bad-row fail").fails(4, &["bad.csv"]);
}

#[test]
fn a_foreign_object_is_refused_by_name_unless_it_may_be_replaced() {
    let place = sample();
    place.write(
        "lake/rental_facts/rental_facts/rental_date=2024-01-01/theirs.parquet",
        "not ours",
    );
    let ran = place.run("run rental_facts --input data --output lake");
    ran.fails(5, &["theirs.parquet", "--replace-foreign"]);
    place
        .run("run rental_facts --input data --output lake --replace-foreign")
        .succeeds();
    let left = place.files("lake/rental_facts");
    assert!(!left.iter().any(|(name, _)| name.contains("theirs")));
}

#[test]
fn an_error_as_json_names_what_a_state_machine_sees() {
    let place = Place::new();
    let ran = place.run("run rental_facts --input nowhere --output lake --output-format json");
    assert_eq!(ran.code, Some(3));
    let error: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(error["error"]["name"], "Drivetrain.InputMissing");
    assert_eq!(error["error"]["exit_code"], 3);
}

#[test]
fn check_tells_each_mistake_of_a_job_and_of_a_machine_with_its_place() {
    let place = Place::new();
    place.run("new job sales").succeeds();
    place.run("check ./sales").succeeds();
    let manifest = std::fs::read_to_string(place.path("sales/job.toml")).unwrap();
    place.write("sales/job.toml", manifest.replace("decimal(", "decimall("));
    let ran = place.run("check ./sales");
    ran.fails(2, &["problem"]);
    assert!(ran.stdout.contains("job.toml:"), "{}", ran.stdout);
    place.write(
        "machine.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#,
    );
    let ran = place.run("check machine.asl.json");
    ran.fails(2, &["2 problems"]);
    assert!(ran.stdout.contains("machine.asl.json:1:"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("MISSING_TRANSITION_TARGET /States/A/Next"),
        "{}",
        ran.stdout
    );
}
