//! Every field of a test case: the one table that the reader, the documentation and the tests read.

#[cfg(test)]
use std::fmt::Write as _;

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct CaseField {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only the documentation shows it")
    )]
    pub value: &'static str,
    /// The meaning of its value.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only the documentation shows it")
    )]
    pub meaning: &'static str,
}

const fn field(name: &'static str, value: &'static str, meaning: &'static str) -> CaseField {
    CaseField {
        name,
        value,
        meaning,
    }
}

/// The fields of a case.
pub const CASE: &[CaseField] = &[
    field(
        "description",
        "text",
        "one sentence for whoever reads the case",
    ),
    field(
        "machine",
        "path",
        "the definition, from the case's folder; `orders.asl.json` or `orders.json` beside `orders.<anything>.case.json` where nothing is said",
    ),
    field(
        "type",
        "`STANDARD` or `EXPRESS`",
        "the type of the machine; STANDARD where nothing is said",
    ),
    field(
        "input",
        "JSON",
        "the execution's input; `{}` where nothing is said",
    ),
    field(
        "input_file",
        "path",
        "a file that holds the input, instead of `input`",
    ),
    field(
        "mocks",
        "object",
        "by the names of states, the answers of their tasks: by the numbers of the calls from 0, such as `\"0\"` or `\"1-3\"`, `{\"Return\": output}`, `{\"Throw\": {\"Error\": name, \"Cause\": text}}`, or `{\"Hang\": true}` for a call that is never answered, so that a timeout or a failure beside it ends it",
    ),
    field(
        "mock_file",
        "path",
        "a file in the format of Step Functions Local, instead of `mocks`",
    ),
    field(
        "mock_case",
        "text",
        "the case of that file; need not be named if there is only one",
    ),
    field(
        "s3",
        "object",
        "by the names of buckets, the folders that Map states read from instead; what they write is kept in memory",
    ),
    field(
        "start_time",
        "date",
        "when the execution starts; 2026-01-01T00:00:00Z where nothing is said",
    ),
    field(
        "seed",
        "number",
        "what random numbers, jitter and UUIDs are made from; 0 where nothing is said",
    ),
    field(
        "max_events",
        "number or `\"none\"`",
        "how many events the execution may have; 25,000 for a STANDARD machine and 1,000,000 for an EXPRESS one where nothing is said",
    ),
    field("expect", "object, required", "what must come out"),
];

/// The fields of `expect`.
pub const EXPECT: &[CaseField] = &[
    field(
        "status",
        "`SUCCEEDED`, `FAILED`, `TIMED_OUT`",
        "how the execution ends; FAILED where an error or a cause is expected and SUCCEEDED elsewhere, if nothing is said",
    ),
    field(
        "output",
        "JSON",
        "the whole output; numbers are compared by value",
    ),
    field(
        "output_includes",
        "JSON",
        "a part of the output: objects may have more fields than these, at any depth",
    ),
    field(
        "output_at",
        "object",
        "by JSONPaths, what stands in the output there",
    ),
    field("error", "text or null", "the error's name"),
    field("cause", "text or null", "the error's cause, in full"),
    field("cause_includes", "text", "a part of the cause"),
    field(
        "visits",
        "list of names",
        "all states that are entered, in their order, those inside Map and Parallel states included",
    ),
    field(
        "visits_include",
        "list of names",
        "states that are entered, in any order",
    ),
    field(
        "visits_exclude",
        "list of names",
        "states that are never entered",
    ),
    field(
        "calls",
        "object",
        "by the names of states, how often their tasks are called, retries included",
    ),
    field(
        "inputs_include",
        "object",
        "by the names of states and the numbers of their calls from 0, parts of what their tasks are called with",
    ),
    field(
        "duration_seconds",
        "number",
        "how long the execution takes, by its own clock",
    ),
];

/// Lists the names of fields.
#[must_use]
pub fn names(fields: &[CaseField]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

/// Returns the tables of the documentation.
#[cfg(test)]
fn reference() -> String {
    let mut text = String::new();
    for (title, fields) in [("A case", CASE), ("`expect`", EXPECT)] {
        let _ = write!(
            text,
            "{title}\n\n| field | value | meaning |\n|---|---|---|\n"
        );
        for CaseField {
            name,
            value,
            meaning,
        } in fields
        {
            let _ = writeln!(text, "| `{name}` | {value} | {meaning} |");
        }
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_field() {
        let written = include_str!("../../../CASES.md");
        let made = reference();
        assert!(
            written.contains(&made),
            "write this into `runner/CASES.md`:\n{made}"
        );
    }
}
