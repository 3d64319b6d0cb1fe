//! The model of a definition: names are resolved to indices, templates and paths are parsed.

use std::sync::Arc;
use std::time::Duration;

use crate::definition::choice::Choice;
use crate::definition::field_values::{Payload, Selector, Setting};
use crate::definition::map::{Distribution, ItemBatcher, ItemSource, ResultWriter};
use crate::definition::task::Task;
use crate::jsonpath::ReferencePath;

/// The language that computes a state's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum QueryLanguage {
    /// Paths, payload templates and intrinsic functions.
    #[default]
    JsonPath,
    /// Expressions between `{%` and `%}`.
    Jsonata,
}

impl QueryLanguage {
    /// Returns the language's name in `QueryLanguage`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::JsonPath => "JSONPath",
            Self::Jsonata => "JSONata",
        }
    }
}

/// The type of a workflow, which decides what its tasks may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MachineType {
    /// Runs up to a year, exactly once, with a history of 25,000 events.
    #[default]
    Standard,
    /// Runs up to five minutes and waits for no token and no job.
    Express,
}

/// A flow of states: a machine's, a branch's or an item processor's.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) start: usize,
    pub(crate) states: Vec<State>,
}

/// A state of any type.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    /// The name as a shared text, for events.
    pub(crate) shared_name: Arc<str>,
    pub(crate) language: QueryLanguage,
    pub(crate) kind: StateKind,
    /// `InputPath`; the whole input if it is absent.
    pub(crate) input_path: DataPath,
    /// `Parameters` or `Arguments`; those of a Map are its [`MapState::selector`].
    pub(crate) parameters: Option<Payload>,
    pub(crate) result_selector: Option<Payload>,
    pub(crate) assign: Option<Payload>,
    pub(crate) result_path: ResultPath,
    pub(crate) output_path: DataPath,
    pub(crate) output: Option<Payload>,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
    /// The state that follows; `None` if this one ends the flow.
    pub(crate) next: Option<usize>,
    /// `true` if a field may read the context object, which is only built then.
    pub(crate) reads_context: bool,
}

impl Flow {
    /// Finds a state at any depth, with the flow that it is part of.
    pub(crate) fn find_state(&self, name: &str) -> Option<(&Self, &State)> {
        let own = self.states.iter().find(|state| state.name == name);
        own.map(|state| (self, state)).or_else(|| {
            self.states
                .iter()
                .flat_map(State::flows)
                .find_map(|inner| inner.find_state(name))
        })
    }
}

impl State {
    /// Returns the flows inside the state: branches, or a Map's processor.
    pub(crate) fn flows(&self) -> &[Flow] {
        match &self.kind {
            StateKind::Parallel(branches) => branches,
            StateKind::Map(map) => std::slice::from_ref(&map.processor),
            _ => &[],
        }
    }
}

/// `InputPath` and `OutputPath`.
#[derive(Debug, Default)]
pub(crate) enum DataPath {
    #[default]
    Whole,
    /// The path is `null`: an empty object.
    Empty,
    Selected(Selector),
}

/// A `ResultPath`.
#[derive(Debug, Default)]
pub(crate) enum ResultPath {
    /// `$`: the result takes the input's place.
    #[default]
    Replace,
    /// `null`: the result is dropped.
    Discard,
    Insert(String, ReferencePath),
}

/// The type of a state, with the fields that only this type has.
#[derive(Debug)]
pub(crate) enum StateKind {
    Task(Box<Task>),
    /// A Pass state with its `Result`.
    Pass(Option<serde_json::Value>),
    Choice(Choice),
    Wait(Wait),
    Succeed,
    Fail(Fail),
    Parallel(Vec<Flow>),
    Map(Box<MapState>),
}

impl StateKind {
    /// Returns the name in `Type`, which begins the state's event types.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Pass(_) => "Pass",
            Self::Choice(_) => "Choice",
            Self::Wait(_) => "Wait",
            Self::Succeed => "Succeed",
            Self::Fail(_) => "Fail",
            Self::Parallel(_) => "Parallel",
            Self::Map(_) => "Map",
        }
    }
}

/// The end of a Wait state.
#[derive(Debug)]
pub(crate) enum Wait {
    Seconds(Setting),
    Timestamp(Setting),
}

/// The error and the cause of a Fail state.
#[derive(Debug)]
pub(crate) struct Fail {
    pub(crate) error: Option<Setting>,
    pub(crate) cause: Option<Setting>,
}

/// An entry of `Retry`.
#[derive(Debug)]
pub(crate) struct Retrier {
    pub(crate) errors: Vec<String>,
    pub(crate) interval: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay: Option<Duration>,
    pub(crate) full_jitter: bool,
}

/// An entry of `Catch`.
#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) errors: Vec<String>,
    pub(crate) next: usize,
    pub(crate) result_path: ResultPath,
    pub(crate) assign: Option<Payload>,
    pub(crate) output: Option<Payload>,
}

/// The fields of a Map state.
#[derive(Debug)]
pub(crate) struct MapState {
    pub(crate) processor: Flow,
    /// The field that holds the processor: `ItemProcessor`, or `Iterator` in older definitions.
    pub(crate) processor_field: &'static str,
    /// Set if each item is a child execution.
    pub(crate) distributed: Option<Distribution>,
    pub(crate) items: ItemSource,
    /// `ItemSelector`, or the older `Parameters`, with the name used.
    pub(crate) selector: Option<(&'static str, Payload)>,
    pub(crate) max_concurrency: Option<Setting>,
    pub(crate) tolerated_failure_count: Option<Setting>,
    pub(crate) tolerated_failure_percentage: Option<Setting>,
    pub(crate) batcher: Option<ItemBatcher>,
    pub(crate) writer: Option<ResultWriter>,
    pub(crate) label: Option<String>,
}
