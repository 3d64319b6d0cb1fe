//! Prints the results of verbs, each in the format that was asked for.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Context, Error, ErrorKind, Result, printable};
use crate::terminal::print;
use crate::terminal::stderr::note;

/// Format of results. A further one is added in this file: in this enum and in [`Render`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// Result that knows its text; its JSON is what it serializes to.
pub trait ToText: Serialize {
    /// Returns the text for people, with its line ends.
    fn text(&self) -> String;

    /// Returns the result as SARIF; `None` for a verb that has no findings to scan.
    fn sarif(&self) -> Option<Value> {
        None
    }
}

/// Result that can be rendered in every format.
pub trait Render {
    /// Returns the result in a format, with its line ends.
    ///
    /// # Errors
    /// `Usage` for a format that this result does not have.
    fn render(&self, format: AnswerFormat) -> Result<String>;
}

impl<T: ToText> Render for T {
    fn render(&self, format: AnswerFormat) -> Result<String> {
        match format {
            // Text from files may contain control characters, which a terminal must not obey.
            AnswerFormat::Text => Ok(printable(&self.text()).into_owned()),
            AnswerFormat::Json => json(self),
            AnswerFormat::Sarif => match self.sarif() {
                Some(value) => json(&value),
                None => Err(Error::new(ErrorKind::Usage, "only `check` prints `sarif`")),
            },
        }
    }
}

/// Result that is JSON in every format, such as the content of a file that a verb prints instead of writing it.
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
    /// `true` if the result is an account of work that stays done.
    is_done: bool,
    /// End of the verb.
    verdict: Verdict,
    /// Error line for people, printed after the result.
    complaint: Option<String>,
}

/// End of a verb whose answer explains itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Success.
    Passed,
    /// The verb worked, and its subject failed, such as a simulated execution.
    Failed,
    /// The verb's input has errors.
    Invalid,
}

impl Answer {
    /// Creates the answer to a question: if it cannot be written, the verb has failed.
    pub fn asked(result: impl Render + 'static) -> Self {
        Self {
            result: Some(Box::new(result)),
            is_done: false,
            verdict: Verdict::Passed,
            complaint: None,
        }
    }

    /// Creates the account of what was done: it stays done if this cannot be written, so that only a warning says so.
    pub fn done(result: impl Render + 'static) -> Self {
        Self {
            is_done: true,
            ..Self::asked(result)
        }
    }

    /// Creates the answer of a verb that has printed everything itself, row by row.
    pub fn printed() -> Self {
        Self {
            result: None,
            is_done: true,
            verdict: Verdict::Passed,
            complaint: None,
        }
    }

    /// Sets how the verb ended.
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// Adds a line for people, printed as an error after the answer.
    pub fn complaint(mut self, line: impl Into<String>) -> Self {
        self.complaint = Some(line.into());
        self
    }
}

/// Printer of answers in one format.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// Format of every answer.
    format: AnswerFormat,
}

impl Printer {
    /// Creates a printer of a format.
    #[must_use]
    pub fn new(format: AnswerFormat) -> Self {
        Self { format }
    }

    /// `true` if a person reads the answers.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        self.format == AnswerFormat::Text
    }

    /// Prints an answer and returns how its verb ended.
    ///
    /// # Errors
    /// `Usage` for a format that the result does not have; `Failed` if the answer to a question cannot be written.
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

    /// Prints a failure as an object on standard output, if a program reads it. The object is built in `app::failed`: the report of
    /// the run with its `error`, or `status` and `error` alone. The text goes to standard error and says the
    /// same if this cannot be written.
    pub fn print_failure(self, failure: &impl Serialize) {
        if self.format == AnswerFormat::Json
            && let Ok(object) = serde_json::to_string(failure)
        {
            print::answer(&(object + "\n")).ok();
        }
    }
}

/// Serializes a result as indented JSON with a line end.
fn json(result: &(impl Serialize + ?Sized)) -> Result<String> {
    let text = serde_json::to_string_pretty(result)
        .context(ErrorKind::Failed, "cannot write the result")?;
    Ok(text + "\n")
}
