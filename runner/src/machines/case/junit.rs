//! Writes test reports in JUnit's XML format, which CI servers can read.

use std::time::Duration;

use crate::machines::case::difference::Difference;

/// The result of a case, as the report shows it.
#[derive(Clone, Debug)]
pub struct Reported<'a> {
    /// The path of the machine's definition, which is also the name of the suite.
    pub machine: &'a str,
    /// The case's name.
    pub name: &'a str,
    /// The wall-clock time that the case took.
    pub took: Duration,
    /// The differences from the expectations; empty if the case passed.
    pub differences: &'a [Difference],
}

/// Returns a report with one suite per machine. Cases of the same machine must be adjacent.
#[must_use]
pub fn junit(cases: &[Reported<'_>]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    text += &format!("<testsuites name=\"drivetrain\" {}>\n", totals(cases));
    for suite in cases.chunk_by(|one, other| one.machine == other.machine) {
        let machine = escaped(suite[0].machine);
        text += &format!(
            "  <testsuite name=\"{machine}\" {} skipped=\"0\">\n",
            totals(suite)
        );
        for case in suite {
            write_case(case, &mut text);
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

/// Formats the attributes of a suite: the numbers of its cases and failures, and the time.
fn totals(cases: &[Reported<'_>]) -> String {
    let failures = cases.iter().filter(|case| !case.differences.is_empty());
    let took: Duration = cases.iter().map(|case| case.took).sum();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{}\"",
        cases.len(),
        failures.count(),
        seconds(took)
    )
}

/// Writes a case; if it failed, with all its differences as one failure.
fn write_case(case: &Reported<'_>, text: &mut String) {
    *text += &format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
        escaped(case.name),
        escaped(case.machine),
        seconds(case.took)
    );
    let Some(first) = case.differences.first() else {
        *text += "/>\n";
        return;
    };
    let message = format!(
        "{}: expected {}, got {}",
        first.what, first.expected, first.got
    );
    let lines: Vec<String> = case
        .differences
        .iter()
        .map(|one| {
            format!(
                "{}\n  expected {}\n  got      {}",
                one.what, one.expected, one.got
            )
        })
        .collect();
    *text += &format!(
        ">\n      <failure type=\"difference\" message=\"{}\">{}</failure>\n    </testcase>\n",
        escaped(&message),
        escaped(&lines.join("\n"))
    );
}

/// Formats a duration as JUnit writes it, in seconds with milliseconds.
fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// Escapes a text for an attribute or an element. Replaces characters that XML cannot contain with U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&apos;",
            '\n' | '\t' | '\r' => escaped += &format!("&#{};", u32::from(character)),
            '\0'..=' ' if character != ' ' => escaped.push(char::REPLACEMENT_CHARACTER),
            '\u{FFFE}' | '\u{FFFF}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_cannot_contain_are_escaped_or_replaced() {
        assert_eq!(
            escaped("a<b>&\"c'\n\u{1}\u{FFFF}é"),
            "a&lt;b&gt;&amp;&quot;c&apos;&#10;\u{FFFD}\u{FFFD}é"
        );
    }
}
