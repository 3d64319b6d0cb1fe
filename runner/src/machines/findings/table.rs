//! Formats findings as a table for people.

use std::io::{IsTerminal, stdout};

use serde::Serialize;

use crate::machines::findings::finding::Finding;
use crate::terminal::printer::ToText;

/// The minimum width of a wrapped line; a narrower terminal does not make lines shorter.
const NARROWEST: usize = 40;

/// Indentation, in spaces, of the message and the hint below a row.
const MARGIN: usize = 4;

/// Formats findings: position, severity, rule and JSON pointer in columns, and below them the message and the hint.
///
/// A position has the form `file:line:column`, which terminals and editors can open.
///
/// Lines are wrapped at the width of the terminal; output to a file or a pipe is not wrapped.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let width = stdout()
        .is_terminal()
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0).max(NARROWEST));
    table_within(findings, width)
}

/// Formats findings for a width in characters; with `None`, lines are not wrapped.
fn table_within(findings: &[Finding], width: Option<usize>) -> String {
    let mut text = String::new();
    for of_file in findings.chunk_by(|one, other| one.file == other.file) {
        let places: Vec<String> = of_file.iter().map(place).collect();
        let columns = ColumnWidths {
            place: longest(places.iter().map(String::as_str)),
            severity: longest(of_file.iter().map(Finding::severity_word)),
            code: longest(of_file.iter().map(|one| one.code.as_str())),
        };
        for (finding, place) in of_file.iter().zip(&places) {
            columns.write(finding, place, width, &mut text);
        }
    }
    text
}

/// Formats the position of a finding as `file:line:column`, or as the file alone if the line is unknown.
fn place(finding: &Finding) -> String {
    let file = &finding.file;
    match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        _ => file.clone(),
    }
}

/// Returns the length of the longest text, in characters.
fn longest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

/// Widths of the table's columns, in characters.
struct ColumnWidths {
    /// Width of the longest `file:line:column`.
    place: usize,
    /// Width of the longest severity.
    severity: usize,
    /// Width of the longest rule id.
    code: usize,
}

impl ColumnWidths {
    /// Writes the row of a finding and the lines below it.
    fn write(&self, finding: &Finding, place: &str, width: Option<usize>, text: &mut String) {
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        let head = format!(
            "{place:<at$}  {severity:<wide$}  {code:<long$}",
            at = self.place,
            severity = finding.severity_word(),
            wide = self.severity,
            code = finding.code,
            long = self.code,
        );
        let fits = |width: usize| head.chars().count() + 2 + pointer.chars().count() <= width;
        if width.is_none_or(fits) {
            *text += format!("{head}  {pointer}").trim_end();
            text.push('\n');
        } else {
            *text += head.trim_end();
            text.push('\n');
            // A long pointer gets its own line without wrapping, so that it can be copied.
            *text += &format!("{:MARGIN$}{pointer}\n", "");
        }
        write_wrapped(&finding.message, width, text);
        if let Some(hint) = &finding.hint {
            write_wrapped(&format!("hint: {hint}"), width, text);
        }
    }
}

/// Writes an indented paragraph; lines are wrapped at spaces only.
fn write_wrapped(paragraph: &str, width: Option<usize>, text: &mut String) {
    let most = width.map_or(usize::MAX, |width| width - MARGIN);
    for line in paragraph.lines() {
        for line in broken(line, most) {
            *text += &format!("{:MARGIN$}{line}\n", "");
        }
    }
}

/// Splits a line at spaces into lines of at most `most` characters; a longer word gets a line of its own.
fn broken(line: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0;
    for word in line.split(' ') {
        let word_length = word.chars().count();
        match lines.last_mut() {
            Some(last) if length + 1 + word_length <= most => {
                last.push(' ');
                last.push_str(word);
                length += 1 + word_length;
            }
            _ => {
                lines.push(word.to_owned());
                length = word_length;
            }
        }
    }
    lines
}

/// Answer of a command that could not run because its input has errors, such as an invalid definition.
#[derive(Debug, Serialize)]
pub struct Diagnostics {
    /// Always `INVALID`; the answer of an execution has its status in this field.
    status: &'static str,
    /// Findings in the input, of which at least one is an error.
    diagnostics: Vec<Finding>,
}

impl Diagnostics {
    /// Creates the answer of a command whose input has these findings.
    #[must_use]
    pub fn of(diagnostics: Vec<Finding>) -> Self {
        Self {
            status: "INVALID",
            diagnostics,
        }
    }
}

impl ToText for Diagnostics {
    fn text(&self) -> String {
        table(&self.diagnostics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drivetrain_statemachine::Severity;

    fn finding(line: usize, pointer: &str) -> Finding {
        Finding {
            severity: Severity::Warning,
            code: "TASK_WITHOUT_TIMEOUT".to_owned(),
            message: "the task may hang for 99,999,999 seconds, more than three years".to_owned(),
            pointer: Some(pointer.to_owned()),
            location: None,
            file: "a/orders.asl.json".to_owned(),
            line: Some(line),
            column: Some(5),
            hint: Some("set `TimeoutSeconds`".to_owned()),
        }
    }

    #[test]
    fn columns_are_aligned_and_long_lines_are_wrapped() {
        let found = [
            finding(7, "/States/Charge"),
            finding(
                120,
                "/States/EachOrder/ItemProcessor/States/ChargeTheCustomer",
            ),
        ];
        assert_eq!(
            table_within(&found, Some(60)),
            "a/orders.asl.json:7:5    warning  TASK_WITHOUT_TIMEOUT\n\
            \x20   /States/Charge\n\
            \x20   the task may hang for 99,999,999 seconds, more than\n\
            \x20   three years\n\
            \x20   hint: set `TimeoutSeconds`\n\
            a/orders.asl.json:120:5  warning  TASK_WITHOUT_TIMEOUT\n\
            \x20   /States/EachOrder/ItemProcessor/States/ChargeTheCustomer\n\
            \x20   the task may hang for 99,999,999 seconds, more than\n\
            \x20   three years\n\
            \x20   hint: set `TimeoutSeconds`\n"
        );
        let wide = table_within(&found, None);
        assert_eq!(wide.lines().count(), 6, "{wide}");
        assert!(
            wide.starts_with(
                "a/orders.asl.json:7:5    warning  TASK_WITHOUT_TIMEOUT  /States/Charge\n"
            ),
            "{wide}"
        );
    }

    #[test]
    fn lines_are_wrapped_at_spaces_and_no_word_is_lost() {
        assert_eq!(broken("ab cd e fghij k", 4), ["ab", "cd e", "fghij", "k"]);
        assert_eq!(broken("a  b", 9), ["a  b"]);
        assert_eq!(broken("", 4), [""]);
    }
}
