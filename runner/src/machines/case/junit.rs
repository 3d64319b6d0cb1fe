//! Judged cases as JUnit's XML, which build servers read.

use std::time::Duration;

use crate::machines::case::difference::Difference;

/// A case as the report shows it.
#[derive(Clone, Debug)]
pub struct Reported<'a> {
    /// The machine.
    pub machine: &'a str,
    /// The case.
    pub name: &'a str,
    /// How long it took.
    pub took: Duration,
    /// What is not as expected.
    pub differences: &'a [Difference],
}

/// Writes a suite for each machine; cases of one machine must stand together.
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

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// Makes a text fit for an attribute or an element. What XML cannot hold at all becomes the replacement character.
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
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(
            escaped("a<b>&\"c'\n\u{1}\u{FFFF}é"),
            "a&lt;b&gt;&amp;&quot;c&apos;&#10;\u{FFFD}\u{FFFD}é"
        );
    }
}
