//! The steps of a state's data that its test records, and the mock that replaces the state's work.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::definition::QueryLanguage;
use crate::definition::model::{State, StateKind};
use crate::engine::failure::Failure;

/// The data of the test of a state: the recorded steps, and the mocks of the request.
#[derive(Debug)]
pub(crate) struct Inspection {
    /// The recorded values, by the names of their steps in the TestState API.
    steps: Mutex<Map<String, Value>>,
    /// The mock of the task, the branches or the iterations, if the request has one.
    pub(crate) mock: Option<MockedResult>,
    /// The text that replaces the object of an `ItemReader`; `None` if the request has no such text.
    pub(crate) item_reader_data: Option<String>,
}

/// The mock that replaces a state's work.
#[derive(Debug)]
pub(crate) struct MockedResult {
    /// The mocked result, or the mocked failure.
    pub(crate) result: Result<Value, Failure>,
    /// The number of a Map's iterations that count as failed; `None` if the request does not set it.
    pub(crate) failed_iterations: Option<usize>,
}

/// A step of a state's data whose value the TestState API shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InspectedStep {
    /// The input after `InputPath`.
    InputPath,
    /// The input after `Parameters`.
    Parameters,
    /// The value of `Arguments`.
    Arguments,
    /// The array that `ItemsPath` selects.
    ItemsPath,
    /// The items that `ItemsPointer` selects in the object of an ItemReader.
    ItemsPointer,
    /// The inputs of all iterations after `ItemSelector`.
    ItemSelector,
    /// The inputs of all iterations after `ItemBatcher`.
    ItemBatcher,
    /// The result of the state's work, before `ResultSelector`.
    Result,
    /// The result after `ResultSelector`.
    ResultSelector,
    /// The input with the result at `ResultPath`.
    ResultPath,
    /// The value of `MaxConcurrency`, 0 for no limit.
    MaxConcurrency,
    /// The value of `ToleratedFailureCount`.
    ToleratedFailureCount,
    /// The value of `ToleratedFailurePercentage`.
    ToleratedFailurePercentage,
}

impl InspectedStep {
    /// Returns the step's key in the response of the TestState API.
    fn name(self) -> &'static str {
        match self {
            Self::InputPath => "afterInputPath",
            Self::Parameters => "afterParameters",
            Self::Arguments => "afterArguments",
            Self::ItemsPath => "afterItemsPath",
            Self::ItemsPointer => "afterItemsPointer",
            Self::ItemSelector => "afterItemSelector",
            Self::ItemBatcher => "afterItemBatcher",
            Self::Result => "result",
            Self::ResultSelector => "afterResultSelector",
            Self::ResultPath => "afterResultPath",
            Self::MaxConcurrency => "maxConcurrency",
            Self::ToleratedFailureCount => "toleratedFailureCount",
            Self::ToleratedFailurePercentage => "toleratedFailurePercentage",
        }
    }

    /// Returns `true` if AWS shows the step for this state. The rules come from recordings, because AWS does not
    /// document them.
    fn is_shown(self, state: &State) -> bool {
        let json_path = state.language == QueryLanguage::JsonPath;
        match self {
            Self::InputPath => {
                json_path
                    && !matches!(
                        state.kind,
                        StateKind::Parallel(_) | StateKind::Pass(Some(_))
                    )
            }
            Self::Parameters => {
                json_path && matches!(state.kind, StateKind::Pass(None) | StateKind::Task(_))
            }
            Self::Arguments => {
                !json_path
                    && state.parameters.is_some()
                    && !matches!(state.kind, StateKind::Parallel(_))
            }
            Self::Result => match state.kind {
                StateKind::Pass(_) => json_path,
                StateKind::Task(_) => true,
                StateKind::Choice(_)
                | StateKind::Wait(_)
                | StateKind::Succeed
                | StateKind::Fail(_)
                | StateKind::Parallel(_)
                | StateKind::Map(_) => false,
            },
            Self::ResultSelector | Self::ResultPath => {
                json_path
                    && matches!(
                        state.kind,
                        StateKind::Pass(_)
                            | StateKind::Task(_)
                            | StateKind::Parallel(_)
                            | StateKind::Map(_)
                    )
            }
            _ => true,
        }
    }
}

impl Inspection {
    /// Creates an inspection that has recorded no steps yet.
    pub(crate) fn new(mock: Option<MockedResult>, item_reader_data: Option<String>) -> Self {
        Self {
            steps: Mutex::default(),
            mock,
            item_reader_data,
        }
    }

    /// Records the value of a step, if AWS shows the step for the state.
    pub(crate) fn note(&self, state: &State, step: InspectedStep, value: &Value) {
        if step.is_shown(state) {
            self.steps
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(step.name().to_owned(), value.clone());
        }
    }

    /// Returns a copy of the recorded values, by the names of their steps.
    pub(crate) fn steps(&self) -> Map<String, Value> {
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
