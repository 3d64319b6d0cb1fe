//! `validation.jsonl` and the validations of `measured.jsonl`: accepted and rejected definitions, with AWS's findings.

use std::collections::BTreeMap;

use drivetrain_statemachine::{Diagnostic, Machine, MachineType, validate};
use serde_json::Value;

use crate::support::corpus::{Score, rows, text};

fn machine_type(row: &Value) -> MachineType {
    if row["type"] == "EXPRESS" {
        MachineType::Express
    } else {
        MachineType::Standard
    }
}

fn errors(definition: &str, machine_type: MachineType) -> Vec<Diagnostic> {
    validate(definition, machine_type)
        .into_iter()
        .filter(Diagnostic::is_error)
        .collect()
}

fn listed(errors: &[Diagnostic]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn aws_and_this_crate_accept_and_refuse_the_same() {
    let (mut accepted, mut refused, mut messages) =
        (Score::default(), Score::default(), Score::default());
    let mut advice: BTreeMap<String, Score> = BTreeMap::new();
    for row in rows("validation.jsonl")
        .iter()
        .filter(|row| row["definition_text"].is_string())
    {
        let name = text(row, "name");
        let errors = errors(text(row, "definition_text"), machine_type(row));
        let is_expected = errors.is_empty() == (row["expected"] == "OK");
        if text(row, "authority") != "AWS" {
            let score = advice.entry(text(row, "corpus").to_owned()).or_default();
            score.total += 1;
            score.passed += usize::from(is_expected);
            if !is_expected && std::env::var_os("DRIVETRAIN_ASL_ADVICE").is_some() {
                println!(
                    "advice differs: {name}\n    expected {}, got {}",
                    row["expected"],
                    listed(&errors)
                );
            }
        } else if row["expected"] == "OK" {
            accepted.count("acceptance", name, (!is_expected).then(|| listed(&errors)));
        } else {
            let (code, message, location) = recorded(row);
            if let Some(exception) = row["exception"]["message"].as_str() {
                let machine = Machine::parse_as(text(row, "definition_text"), machine_type(row));
                let worded = machine.map_or_else(|error| error.aws_message(), |_| String::new());
                assert_eq!(worded, exception, "{name}");
            }
            let found = errors.iter().find(|error| error.code.as_str() == code);
            refused.count(
                "refusal",
                name,
                found
                    .is_none()
                    .then(|| format!("expected {code}, got {}", listed(&errors))),
            );
            let equal = |error: &&Diagnostic| {
                error.message == message.trim() && error.location.as_deref() == location.as_deref()
            };
            let same = errors.iter().find(equal).is_some();
            messages.count(
                "message",
                name,
                (!same).then(|| format!("expected {message}, got {}", listed(&errors))),
            );
        }
    }
    println!(
        "validation.jsonl: accepted {}/{}",
        accepted.passed, accepted.total
    );
    println!(
        "validation.jsonl: refused with AWS's code {}/{}",
        refused.passed, refused.total
    );
    println!(
        "validation.jsonl: with its message and place {}/{}",
        messages.passed, messages.total
    );
    for (corpus, score) in advice {
        println!(
            "validation.jsonl: advice of {corpus} {}/{}",
            score.passed, score.total
        );
    }
    assert_eq!(
        accepted.passed, accepted.total,
        "what ran on AWS is accepted"
    );
    assert_eq!(
        refused.passed, refused.total,
        "what AWS refuses is refused with its code"
    );
}

/// Returns the code, the message and the place of a recorded finding.
fn recorded(row: &Value) -> (String, String, Option<String>) {
    if let Some(diagnostic) = row["diagnostics"].get(0) {
        let field = |name: &str| diagnostic[name].as_str().map(str::to_owned);
        return (
            field("code").unwrap_or_default(),
            field("message").unwrap_or_default(),
            field("location"),
        );
    }
    let exception = &row["exception"];
    let message = exception["message"]
        .as_str()
        .or(exception["exception_value"].as_str())
        .unwrap_or_default();
    let inner = message
        .split_once("Invalid State Machine Definition: '")
        .map_or("", |(_, inner)| inner);
    let inner = inner.strip_suffix('\'').unwrap_or(inner);
    let (code, rest) = inner.split_once(": ").unwrap_or((inner, ""));
    let (message, location) = rest.rsplit_once(" at ").unwrap_or((rest, ""));
    (
        code.to_owned(),
        message.to_owned(),
        Some(location.to_owned()),
    )
}

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn measured_findings_are_reproduced() {
    let mut score = Score::default();
    for row in rows("measured.jsonl")
        .iter()
        .filter(|row| row["code"].is_string())
    {
        let errors = errors(&row["definition"].to_string(), MachineType::Standard);
        let found = errors.iter().any(|error| {
            row["code"] == error.code.as_str()
                && row["message"] == error.message.as_str()
                && row["location"].as_str() == error.location.as_deref()
        });
        let expected = || {
            format!(
                "expected {} {} {}",
                row["code"], row["message"], row["location"]
            )
        };
        score.count(
            "refusal",
            text(row, "name"),
            (!found).then(|| format!("{}, got {}", expected(), listed(&errors))),
        );
    }
    println!("measured.jsonl: refusals {}/{}", score.passed, score.total);
    assert!(
        score.passed >= 14,
        "at least 14 of the 17 measured refusals are met"
    );
}
