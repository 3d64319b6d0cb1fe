//! The table of the fields of a test case. The reader, the documentation and the tests use the same table.

#[cfg(test)]
use std::fmt::Write as _;

/// A field of a test case, with its documentation.
#[derive(Clone, Copy, Debug)]
pub struct CaseField {
    /// The field's key in a case file.
    pub name: &'static str,
    /// The type of the value, for the documentation.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "only the test that compares the documentation reads it"
        )
    )]
    pub value: &'static str,
    /// The meaning of the value, for the documentation.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "only the test that compares the documentation reads it"
        )
    )]
    pub meaning: &'static str,
}

/// Creates a row of the tables [`CASE`] and [`EXPECT`].
const fn field(name: &'static str, value: &'static str, meaning: &'static str) -> CaseField {
    CaseField {
        name,
        value,
        meaning,
    }
}

/// The fields of a case, in the order of the documentation.
pub const CASE: &[CaseField] = &[
    field(
        "description",
        "string",
        "one sentence that explains the case to its readers",
    ),
    field(
        "machine",
        "path",
        "the definition, relative to the case's folder; by default `orders.asl.json` or `orders.json` beside `orders.<anything>.case.json`",
    ),
    field(
        "type",
        "`STANDARD` or `EXPRESS`",
        "the type of the machine; `STANDARD` by default",
    ),
    field("input", "JSON", "the execution's input; `{}` by default"),
    field(
        "input_file",
        "path",
        "a file with the input, instead of `input`",
    ),
    field(
        "mocks",
        "object",
        "per state, the answers of its task: by call number from 0, such as `\"0\"` or `\"1-3\"`, `{\"Return\": output}`, `{\"Throw\": {\"Error\": name, \"Cause\": text}}`, or `{\"Hang\": true}` for a call that is never answered, so that a timeout or the failure of a sibling ends it",
    ),
    field(
        "mock_file",
        "path",
        "a file in the format of Step Functions Local, instead of `mocks`",
    ),
    field(
        "mock_case",
        "string",
        "the case in `mock_file`; optional if that file has only one case for the machine",
    ),
    field(
        "s3",
        "object",
        "per bucket, a local folder that Map states read; objects that Map states write are kept in memory",
    ),
    field(
        "start_time",
        "date",
        "the time at which the execution starts; 2026-01-01T00:00:00Z by default",
    ),
    field(
        "seed",
        "number",
        "the seed of random numbers, jitter and UUIDs; 0 by default",
    ),
    field(
        "max_events",
        "number or `\"none\"`",
        "the most events that the execution may have; by default 25,000 for a `STANDARD` machine and 1,000,000 for an `EXPRESS` one",
    ),
    field("expect", "object, required", "the expectations"),
];

/// The fields of `expect`, in the order of the documentation.
pub const EXPECT: &[CaseField] = &[
    field(
        "status",
        "`SUCCEEDED`, `FAILED`, `TIMED_OUT`",
        "the status in which the execution ends; by default `FAILED` if an error or a cause is expected, otherwise `SUCCEEDED`",
    ),
    field(
        "output",
        "JSON",
        "the whole output; numbers are compared by value",
    ),
    field(
        "output_includes",
        "JSON",
        "a part of the output: objects may have more fields than expected, at any depth",
    ),
    field(
        "output_at",
        "object",
        "per JSONPath, the value at that path of the output",
    ),
    field(
        "error",
        "string or null",
        "the error's name; null if there must be none",
    ),
    field(
        "cause",
        "string or null",
        "the error's cause, in full; null if there must be none",
    ),
    field("cause_includes", "string", "a part of the cause"),
    field(
        "visits",
        "list of names",
        "all states that are entered, in order, including those inside Map and Parallel states",
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
        "per state, the number of its task calls, retries included",
    ),
    field(
        "inputs_include",
        "object",
        "per state and call number from 0, a part of the input of the call",
    ),
    field(
        "duration_seconds",
        "number",
        "the duration of the execution in virtual time",
    ),
];

/// Returns the names of all fields of a table.
#[must_use]
pub fn names(fields: &[CaseField]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

/// Formats both tables as Markdown, as `CASES.md` contains them.
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
