//! Formats findings as SARIF 2.1.0, the format of code scanners.

use drivetrain_statemachine::Code;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::machines::findings::finding::{CASE_RULE, Finding, JOB_RULE, MOCK_RULE};

/// URL of the JSON schema of SARIF 2.1.0, errata 01.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Characters that must be percent-encoded in the path of a URI.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Returns a SARIF log with one run, which contains all rules and all findings.
#[must_use]
pub fn sarif(findings: &[Finding]) -> Value {
    let rules = rules();
    let results: Vec<Value> = findings.iter().map(|one| result(one, &rules)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "drivetrain",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|(id, text)| rule(id, text)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// Returns the id and the description of each rule.
fn rules() -> Vec<(&'static str, &'static str)> {
    let of_machines = Code::ALL
        .iter()
        .map(|code| (code.as_str(), code.description()));
    of_machines
        .chain([
            (JOB_RULE, "A job folder has an error."),
            (MOCK_RULE, "A mock file has an error."),
            (CASE_RULE, "A test case has an error."),
        ])
        .collect()
}

/// Formats a rule as SARIF's `reportingDescriptor`.
fn rule(id: &str, text: &str) -> Value {
    json!({"id": id, "shortDescription": {"text": text}})
}

/// Formats a finding as SARIF's `result`, with the hint in parentheses behind the message.
fn result(finding: &Finding, rules: &[(&'static str, &'static str)]) -> Value {
    let index = rules.iter().position(|(id, _)| *id == finding.code);
    let text = match &finding.hint {
        Some(hint) => format!("{} ({hint})", finding.message),
        None => finding.message.clone(),
    };
    let mut physical = json!({"artifactLocation": {"uri": uri(&finding.file)}});
    if let (Some(line), Some(column)) = (finding.line, finding.column) {
        // A parser may report line or column 0, which SARIF does not allow.
        physical["region"] = json!({"startLine": line.max(1), "startColumn": column.max(1)});
    }
    let mut location = json!({"physicalLocation": physical});
    if let Some(pointer) = finding
        .pointer
        .as_deref()
        .filter(|pointer| !pointer.is_empty())
    {
        location["logicalLocations"] = json!([{"fullyQualifiedName": pointer}]);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": finding.severity_word(),
        "message": {"text": text},
        "locations": [location],
    });
    if let Some(index) = index {
        result["ruleIndex"] = index.into();
    }
    result
}

/// Converts a path into a URI; a relative path stays relative, so that a scanner finds the file in its checkout.
fn uri(file: &str) -> String {
    let path = file.strip_prefix("./").unwrap_or(file);
    let encoded = utf8_percent_encode(path, NOT_IN_PATHS).to_string();
    if path.starts_with('/') {
        return format!("file://{encoded}");
    }
    // A colon in the first segment would end a scheme.
    let first = encoded.split('/').next().unwrap_or_default();
    if first.contains(':') && !path.contains("://") {
        format!("./{encoded}")
    } else {
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./a b/c#.json"), "a%20b/c%23.json");
        assert_eq!(uri("/tmp/é.json"), "file:///tmp/%C3%A9.json");
        assert_eq!(uri("a:b.json"), "./a:b.json");
        assert_eq!(uri("s3://bucket/job/job.toml"), "s3://bucket/job/job.toml");
    }
}
