//! Parses the arguments of the process, and converts the errors of clap.

use std::collections::HashMap;
use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use crate::cli::arguments::{CommandLine, TaskArgs};
use crate::error::{Error, ErrorKind};
use crate::terminal::printer::AnswerFormat;

/// The result of parsing the command line.
pub enum Parsed {
    /// A valid command line.
    CommandLine(Box<CommandLine>),
    /// An invalid command line.
    Invalid(InvalidCommandLine),
}

/// An invalid command line.
pub struct InvalidCommandLine {
    /// The usage error.
    pub error: Error,
    /// The format that the command line asks for, as far as it can be recognized.
    pub format: AnswerFormat,
    /// The flags for a waiting task, if the verb is `run`: the task must be answered even now.
    pub task: Option<TaskArgs>,
    /// The same error as clap prints it, with the usage of the verb.
    source: clap::Error,
}

impl InvalidCommandLine {
    /// Prints the error on standard error, and ends the process with the exit code of usage errors.
    pub fn exit(self) -> ! {
        self.source.exit()
    }
}

/// Parses the arguments of the process. If they ask for help or the version, prints that and ends the process.
#[must_use]
pub fn parse() -> Parsed {
    match CommandLine::try_parse() {
        Ok(cli) => Parsed::CommandLine(Box::new(cli)),
        Err(help) if !help.use_stderr() => help.exit(),
        Err(source) => Parsed::Invalid(InvalidCommandLine {
            error: usage_error(&source.render().to_string()),
            format: format_asked_for(),
            task: task_of_run(),
            source,
        }),
    }
}

/// Returns the value of the last valid `--output-format` on the command line, or text if there is none. Clap parses
/// each occurrence alone, because it may be unable to parse the whole command line.
#[expect(
    clippy::disallowed_methods,
    reason = "clap does not return the arguments that it parsed before an error"
)]
fn format_asked_for() -> AnswerFormat {
    let words: Vec<OsString> = std::env::args_os().collect();
    let flag = CommandLine::command()
        .get_arguments()
        .find(|argument| argument.get_id() == "output_format")
        .cloned();
    let parser = clap::Command::new("drivetrain")
        .no_binary_name(true)
        .ignore_errors(true)
        .args(flag);
    let mut formats = words.iter().enumerate().filter_map(|(at, word)| {
        word.to_str()?.strip_prefix("--output-format")?;
        let value = words.iter().skip(at).take(2);
        let matches = parser.clone().try_get_matches_from(value).ok()?;
        matches.get_one("output_format").copied()
    });
    formats.next_back().unwrap_or(AnswerFormat::Text)
}

/// Returns the flags for a waiting task, as far as they can be recognized on a command line with the verb `run`; `None`
/// for other verbs.
#[expect(
    clippy::disallowed_methods,
    reason = "clap does not return the arguments that it parsed before an error"
)]
fn task_of_run() -> Option<TaskArgs> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    verb_run(&words)?;
    let parser = || {
        let parser = clap::Command::new("drivetrain")
            .no_binary_name(true)
            .args_override_self(true)
            .ignore_errors(true);
        TaskArgs::augment_args(parser)
    };
    let takes_value: HashMap<String, bool> = parser()
        .get_arguments()
        .filter_map(|argument| {
            let flag = format!("--{}", argument.get_long()?);
            Some((flag, argument.get_action().takes_values()))
        })
        .collect();
    let mut kept = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let text = word.to_string_lossy();
        let (flag, is_attached) = match text.split_once('=') {
            Some((flag, _)) => (flag, true),
            None => (&*text, false),
        };
        if let Some(takes_value) = takes_value.get(flag) {
            kept.push(word);
            if *takes_value && !is_attached {
                kept.extend(words.get(at + 1));
            }
        }
    }
    let matches = parser().try_get_matches_from(kept).ok()?;
    TaskArgs::from_arg_matches(&matches).ok()
}

/// Returns the index of the verb `run` in the words after the program's name; `None` for other verbs.
pub(super) fn verb_run(words: &[OsString]) -> Option<usize> {
    let is_verb = |at: usize| {
        let is_value = at > 0 && words[at - 1] == "--output-format";
        !is_value && !words[at].to_string_lossy().starts_with('-')
    };
    let verb = (0..words.len()).find(|at| is_verb(*at))?;
    (words[verb] == "run").then_some(verb)
}

/// Builds an error from clap's text. The paragraphs of the text are the error with the arguments that it concerns,
/// sometimes a tip, and the usage.
fn usage_error(text: &str) -> Error {
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        match lines.split_first() {
            Some((first, rest)) if !rest.is_empty() => format!("{first} {}", rest.join(", ")),
            _ => lines.concat(),
        }
    });
    let message = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|paragraph| Some(paragraph.strip_prefix("tip: ")?.to_owned()));
    let hint = tip.unwrap_or_else(|| "`--help` lists the arguments".to_owned());
    Error::new(ErrorKind::Usage, message.trim_start_matches("error: ")).hint(hint)
}
