//! Prints the results of verbs in the format that the user has chosen.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Context, Error, ErrorKind, Result, printable};
use crate::terminal::print;
use crate::terminal::row_writer::RowFormat;
use crate::terminal::stderr::note;

/// Format of results. To add a format, extend this enum, its methods and [`Render`]; the command line takes names and
/// help from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

impl AnswerFormat {
    /// All formats, in the order of the help.
    pub const ALL: [Self; 3] = [Self::Text, Self::Json, Self::Sarif];

    /// Returns the name of the format on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sarif => "sarif",
        }
    }

    /// Returns the help of the format.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Text => "Text for people",
            Self::Json => "JSON for programs",
            Self::Sarif => "SARIF for code scanning; only `check` supports it",
        }
    }

    /// Returns `true` if the format has a form only for findings, which `check` reports.
    #[must_use]
    pub const fn is_only_for_findings(self) -> bool {
        match self {
            Self::Text | Self::Json => false,
            Self::Sarif => true,
        }
    }

    /// Returns `true` if people read the format; rows and trees are then printed as text.
    #[must_use]
    pub const fn is_for_people(self) -> bool {
        match self {
            Self::Text => true,
            Self::Json | Self::Sarif => false,
        }
    }

    /// Returns the format of the rows that `query` prints, unless the user chooses one.
    #[must_use]
    pub const fn rows(self, to_terminal: bool) -> RowFormat {
        match self {
            Self::Text if to_terminal => RowFormat::Table,
            Self::Text => RowFormat::Csv,
            Self::Json | Self::Sarif => RowFormat::Json,
        }
    }

    /// Returns `true` if a failure is also printed as an object on standard output.
    const fn has_failures(self) -> bool {
        match self {
            Self::Json => true,
            Self::Text | Self::Sarif => false,
        }
    }

    /// Creates the error for a verb whose result has no form in the format.
    #[must_use]
    pub fn unsupported(self) -> Error {
        let message = format!(
            "only `drivetrain check` supports `--output-format {}`",
            self.name()
        );
        Error::new(ErrorKind::Usage, message)
            .hint("use `--output-format json` or `--output-format text`")
    }
}

/// Result that can be formatted as text; its JSON is its serialization.
pub trait ToText: Serialize {
    /// Formats the result as text for people, with a line end after the last line.
    fn text(&self) -> String;

    /// Formats the result as SARIF; returns `None` if it is not a list of findings.
    fn sarif(&self) -> Option<Value> {
        None
    }
}

/// Result that can be rendered in every format.
pub trait Render {
    /// Formats the result, with a line end after the last line.
    ///
    /// # Errors
    /// `Usage` if the result cannot be rendered in this format.
    fn render(&self, format: AnswerFormat) -> Result<String>;
}

impl<T: ToText> Render for T {
    fn render(&self, format: AnswerFormat) -> Result<String> {
        match format {
            // Text from files may contain control characters; a terminal must not execute them.
            AnswerFormat::Text => Ok(printable(&self.text()).into_owned()),
            AnswerFormat::Json => json(self),
            AnswerFormat::Sarif => match self.sarif() {
                Some(value) => json(&value),
                None => Err(format.unsupported()),
            },
        }
    }
}

/// Result that is printed as JSON in every format, such as a file that a verb prints instead of writing it.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> Render for Json<T> {
    fn render(&self, _format: AnswerFormat) -> Result<String> {
        json(&self.0)
    }
}

/// Answer of a verb, ready to be printed.
#[must_use = "an answer is printed by the caller of the verb"]
pub struct Answer {
    /// Result to print; `None` if the verb has printed it already.
    result: Option<Box<dyn Render>>,
    /// `true` if the result reports work that stays done even if the result cannot be written.
    is_done: bool,
    /// Verdict, which determines the exit code.
    verdict: Verdict,
    /// Error message for people, printed after the result.
    complaint: Option<String>,
}

/// Verdict of a verb that has an answer; it determines the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The verb succeeded.
    Passed,
    /// The verb worked, but its subject failed, such as a simulated execution.
    Failed,
    /// The verb's input has errors.
    Invalid,
    /// A child process did the work and printed the result; this process ends with the exit code of that result.
    ByChild(u8),
}

impl Answer {
    /// Creates the answer to a question: if it cannot be printed, the verb has failed.
    pub fn asked(result: impl Render + 'static) -> Self {
        Self {
            result: Some(Box::new(result)),
            is_done: false,
            verdict: Verdict::Passed,
            complaint: None,
        }
    }

    /// Creates the report of work that stays done: if the report cannot be written to standard output, only a warning
    /// follows. A report that cannot be rendered in the format is still an error.
    pub fn done(result: impl Render + 'static) -> Self {
        Self {
            is_done: true,
            ..Self::asked(result)
        }
    }

    /// Creates the answer of a verb that has already printed its result, row by row.
    pub fn printed() -> Self {
        Self {
            result: None,
            is_done: true,
            verdict: Verdict::Passed,
            complaint: None,
        }
    }

    /// Sets the verdict, which is [`Verdict::Passed`] otherwise.
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// Adds an error message for people, printed after the result.
    pub fn complaint(mut self, line: impl Into<String>) -> Self {
        self.complaint = Some(line.into());
        self
    }
}

/// Printer of answers in one format.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// Format of every answer, as `--output-format` says.
    format: AnswerFormat,
}

impl Printer {
    /// Creates a printer that renders every answer in this format.
    #[must_use]
    pub fn new(format: AnswerFormat) -> Self {
        Self { format }
    }

    /// Returns `true` if the answers are text for people.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        self.format.is_for_people()
    }

    /// Returns the format of the rows that `query` prints, unless the user chooses one.
    #[must_use]
    pub fn rows(self, to_terminal: bool) -> RowFormat {
        self.format.rows(to_terminal)
    }

    /// Prints an answer and returns its verdict.
    ///
    /// # Errors
    /// `Usage` if the result cannot be rendered in the printer's format; `Failed` if the answer to a question cannot be
    /// written.
    pub fn print(self, answer: &Answer) -> Result<Verdict> {
        if let Some(result) = &answer.result {
            let rendered = result.render(self.format)?;
            if answer.is_done {
                print::outcome(&rendered);
            } else {
                print::answer(&rendered)?;
            }
        }
        if let Some(complaint) = answer.complaint.as_ref().filter(|_| self.is_for_people()) {
            note(&format!("error: {complaint}"));
        }
        Ok(answer.verdict)
    }

    /// Prints a failure as an object on standard output, if the format is JSON.
    ///
    /// `app::failed` builds the object: the report of the run with its `error`, or only `status` and `error`. A failure
    /// to write is ignored, because standard error has the same information as text.
    pub fn print_failure(self, failure: &impl Serialize) {
        if self.format.has_failures()
            && let Ok(object) = serde_json::to_string(failure)
        {
            print::answer(&(object + "\n")).ok();
        }
    }
}

/// Serializes a result as indented JSON with a line end.
fn json(result: &(impl Serialize + ?Sized)) -> Result<String> {
    let text = serde_json::to_string_pretty(result)
        .context(ErrorKind::Failed, "the result cannot be converted to JSON")?;
    Ok(text + "\n")
}
