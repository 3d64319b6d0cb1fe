//! One finding about a definition.

use std::fmt;

use serde::Serialize;

use crate::diagnostics::place::Place;

/// The severity of a finding: whether AWS would reject the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// AWS would reject the machine.
    Error,
    /// AWS accepts the machine, but it may not do what its author expects.
    Warning,
}

/// Declares `Code` with its texts from one list, so that a rule's documentation is also its description.
macro_rules! codes {
    ($(#[doc = $docs:literal] $name:ident = $text:literal,)*) => {
        /// The rule that a definition breaks, under AWS's own name if AWS has the rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $docs] $name,)*
        }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the code as AWS writes it, such as `SCHEMA_VALIDATION_FAILED`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns one sentence about the problem that the rule finds.
            #[must_use]
            pub fn description(self) -> &'static str {
                let sentence = match self {
                    $(Self::$name => $docs,)*
                };
                sentence.trim_ascii()
            }
        }
    };
}

codes! {
    /// A field is missing, unknown, of the wrong type or out of range.
    SchemaValidationFailed = "SCHEMA_VALIDATION_FAILED",
    /// A transition names a state that does not exist, or no transition leads to a state.
    MissingTransitionTarget = "MISSING_TRANSITION_TARGET",
    /// The workflow, or a branch or an item processor inside it, has no state that ends it.
    MissingEndState = "MISSING_END_STATE",
    /// The text is not JSON.
    InvalidJsonDescription = "INVALID_JSON_DESCRIPTION",
    /// The definition is missing.
    MissingDescription = "MISSING_DESCRIPTION",
    /// A resource is not an ARN.
    InvalidResource = "INVALID_RESOURCE",
    /// Two states have the same name.
    DuplicateStateName = "DUPLICATE_STATE_NAME",
    /// A state's name is empty or longer than 80 characters.
    InvalidStateName = "INVALID_STATE_NAME",
    /// Two Maps have the same label.
    DuplicateLabelName = "DUPLICATE_LABEL_NAME",
    /// A Map's label is empty, is longer than 40 characters or contains a character that an ARN must not contain.
    InvalidLabelName = "INVALID_LABEL_NAME",
    /// The definition nests 128 or more levels deep.
    TooDeeplyNested = "TOO_DEEPLY_NESTED",
    /// A `{% %}` expression cannot be parsed.
    InvalidJsonataExpression = "INVALID_JSONATA_EXPRESSION",
    /// A `{% %}` expression uses a feature that Step Functions does not support.
    UnsupportedJsonataExpression = "UNSUPPORTED_JSONATA_EXPRESSION",
    /// A field whose name does not end in `.$` contains an intrinsic function call, which is therefore never evaluated.
    NoDollar = "NO_DOLLAR",
    /// A field whose name does not end in `.$` contains a path, which is therefore never evaluated.
    NoPath = "NO_PATH",
    /// A Pass state's `Result` contains a path, but a `Result` is never evaluated.
    PassResultIsStatic = "PASS_RESULT_IS_STATIC",
    /// A catcher replaces the whole input, and a later state reads a field of the replaced input.
    CatchDropsInput = "CATCH_DROPS_INPUT",
    /// A Task without a timeout may wait for more than three years.
    TaskWithoutTimeout = "TASK_WITHOUT_TIMEOUT",
    /// A task that creates a cluster retries or catches `States.ALL`: a cluster may keep costing money after a timeout.
    CatchAllOnCreateCluster = "CATCH_ALL_ON_CREATE_CLUSTER",
    /// A failure is caught and the execution still ends in success.
    FailureEndsInSuccess = "FAILURE_ENDS_IN_SUCCESS",
    /// A retrier or catcher handles no error: earlier ones match all its errors, or it names only `States.Runtime`.
    UnreachableHandler = "UNREACHABLE_HANDLER",
    /// A payload may exceed 256 KiB, which fails the state.
    PayloadMayExceedLimit = "PAYLOAD_MAY_EXCEED_LIMIT",
    /// An object has the same key more than once, and only the last of its values counts.
    DuplicateKey = "DUPLICATE_KEY",
}

/// One finding about a definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// The severity: an error if AWS would reject the machine.
    pub severity: Severity,
    /// The rule that the definition breaks.
    pub code: Code,
    /// The problem, in AWS's own words if AWS reports it and its words are known.
    pub message: String,
    /// The JSON pointer (RFC 6901) of the field, such as `/States/A/Choices/0/Next`; `None` if the finding is about the
    /// whole text.
    pub pointer: Option<String>,
    /// The field in the notation of AWS's API, such as `/States/A/Choices[0]/Next`.
    pub location: Option<String>,
    /// The field's line and column; `None` if the definition was given as a value.
    pub place: Option<Place>,
    /// Advice on how to solve the problem; `None` if the message says it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Builds an error about the field at a pointer.
    pub(crate) fn error(code: Code, pointer: &str, message: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            ..Self::of_text(code, message)
        }
    }

    /// Builds a warning about the field at a pointer.
    pub(crate) fn warning(code: Code, pointer: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, pointer, message)
        }
    }

    /// Builds an error about the whole text.
    pub(crate) fn of_text(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            pointer: None,
            location: None,
            place: None,
            hint: None,
        }
    }

    /// Adds a hint, which says what to do about the problem.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Returns `true` if AWS would reject the machine.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)?;
        if let Some(location) = &self.location {
            write!(formatter, " at {location}")?;
        }
        Ok(())
    }
}
