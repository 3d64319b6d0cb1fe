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
    /// Returns the language as the field `QueryLanguage` writes it.
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
    /// Runs up to five minutes and cannot wait for a task token or a job.
    Express,
}

/// States and the one to start with: a whole machine, a branch of a Parallel state or the processor of a Map state.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// The index of the state that `StartAt` names.
    pub(crate) start: usize,
    /// The states in the order of the definition; `next` and `start` are indices into them.
    pub(crate) states: Vec<State>,
}

/// A state of any type.
#[derive(Debug)]
pub(crate) struct State {
    /// The state's name, the key in `States`.
    pub(crate) name: String,
    /// The same name as a shared text, which events clone without a copy.
    pub(crate) shared_name: Arc<str>,
    /// The language of the state's fields, its own or the machine's.
    pub(crate) language: QueryLanguage,
    /// The state's type with the fields of that type.
    pub(crate) kind: StateKind,
    /// `InputPath`: the part of the input that the state works on, only for JSONPath.
    pub(crate) input_path: DataPath,
    /// `Parameters` or `Arguments`; `None` for a Map, whose `Parameters` are its [`MapState::selector`].
    pub(crate) parameters: Option<Payload>,
    /// `ResultSelector`, which reshapes the result before `ResultPath` places it.
    pub(crate) result_selector: Option<Payload>,
    /// `Assign`: the variables that the state sets when it succeeds.
    pub(crate) assign: Option<Payload>,
    /// `ResultPath`: the place in the input that receives the result, only for JSONPath.
    pub(crate) result_path: ResultPath,
    /// `OutputPath`: the part of the data that the next state receives, only for JSONPath.
    pub(crate) output_path: DataPath,
    /// `Output`, only for JSONata.
    pub(crate) output: Option<Payload>,
    /// The retriers in order; the first that matches the error applies.
    pub(crate) retry: Vec<Retrier>,
    /// The catchers in order; the first that matches the error applies.
    pub(crate) catch: Vec<Catcher>,
    /// The index of the state that follows; `None` if this one ends the flow or is a Choice.
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

/// The value of an `InputPath` or `OutputPath`.
#[derive(Debug, Default)]
pub(crate) enum DataPath {
    /// The path is absent or `$`: the data stays unchanged.
    #[default]
    Whole,
    /// The path is `null`: the data becomes an empty object.
    Empty,
    /// The data becomes the value at a path.
    Selected(Selector),
}

/// The value of a `ResultPath`.
#[derive(Debug, Default)]
pub(crate) enum ResultPath {
    /// `$`: the result takes the input's place.
    #[default]
    Replace,
    /// `null`: the result is dropped.
    Discard,
    /// The result is inserted at a path, kept as text for messages.
    Insert(String, ReferencePath),
}

/// The type of a state, with the fields that only this type has.
#[derive(Debug)]
pub(crate) enum StateKind {
    /// A Task state, which calls a resource.
    Task(Box<Task>),
    /// A Pass state with its `Result`, if it has one.
    Pass(Option<serde_json::Value>),
    /// A Choice state, whose rules select the next state.
    Choice(Choice),
    /// A Wait state, with the duration or the end of its pause.
    Wait(Wait),
    /// A Succeed state, which ends its flow with success.
    Succeed,
    /// A Fail state, which ends its flow with an error and a cause.
    Fail(Fail),
    /// A Parallel state with its branches, which run concurrently on the same input.
    Parallel(Vec<Flow>),
    /// A Map state, which runs one flow per item or batch.
    Map(Box<MapState>),
}

impl StateKind {
    /// Returns the state type as `Type` writes it. The names of the state's event types begin with it.
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

/// The duration or the end of a Wait state's pause.
#[derive(Debug)]
pub(crate) enum Wait {
    /// `Seconds` or `SecondsPath`: a pause of fixed length.
    Seconds(Setting),
    /// `Timestamp` or `TimestampPath`: a pause until an instant.
    Timestamp(Setting),
}

/// The fields of a Fail state.
#[derive(Debug)]
pub(crate) struct Fail {
    /// The error's name; absent if the definition has none.
    pub(crate) error: Option<Setting>,
    /// The human-readable cause; absent if the definition has none.
    pub(crate) cause: Option<Setting>,
}

/// An entry of `Retry`.
#[derive(Debug)]
pub(crate) struct Retrier {
    /// The error names of `ErrorEquals`, which may include AWS's wildcards such as `States.ALL`.
    pub(crate) errors: Vec<String>,
    /// The delay before the first retry.
    pub(crate) interval: Duration,
    /// The most retries; 0 means that these errors are never retried.
    pub(crate) max_attempts: u32,
    /// The factor, at least 1, by which the delay grows with each retry.
    pub(crate) backoff_rate: f64,
    /// The upper limit of the delay, before jitter; `None` for the longest that AWS accepts, a year.
    pub(crate) max_delay: Option<Duration>,
    /// `true` to draw each delay at random between 0 and the computed one.
    pub(crate) full_jitter: bool,
}

/// An entry of `Catch`.
#[derive(Debug)]
pub(crate) struct Catcher {
    /// The error names of `ErrorEquals`, which may include AWS's wildcards such as `States.ALL`.
    pub(crate) errors: Vec<String>,
    /// The index of the state that handles the error.
    pub(crate) next: usize,
    /// The place in the input that receives the error output; JSONata catchers always replace the whole input.
    pub(crate) result_path: ResultPath,
    /// The variables that the catcher sets, evaluated only when it catches.
    pub(crate) assign: Option<Payload>,
    /// The catcher's `Output`, only for JSONata.
    pub(crate) output: Option<Payload>,
}

/// The fields of a Map state.
#[derive(Debug)]
pub(crate) struct MapState {
    /// The flow that runs once per item or batch.
    pub(crate) processor: Flow,
    /// The field that holds the processor: `ItemProcessor`, or `Iterator` in older definitions.
    pub(crate) processor_field: &'static str,
    /// The configuration of distributed mode, which runs each item or batch as a child execution; `None` if inline.
    pub(crate) distributed: Option<Distribution>,
    /// The source of the items.
    pub(crate) items: ItemSource,
    /// The `ItemSelector` or the older `Parameters`, with the name of the field that is used.
    pub(crate) selector: Option<(&'static str, Payload)>,
    /// The most iterations that run at the same time; 0 means as many as AWS would run.
    pub(crate) max_concurrency: Option<Setting>,
    /// The number of failed items up to which the Map still succeeds.
    pub(crate) tolerated_failure_count: Option<Setting>,
    /// The share of failed items, 0 to 100, up to which the Map still succeeds.
    pub(crate) tolerated_failure_percentage: Option<Setting>,
    /// The grouping of items into batches; `None` gives each item its own child execution.
    pub(crate) batcher: Option<ItemBatcher>,
    /// The export or transformation of the results; `None` if there is no `ResultWriter`.
    pub(crate) writer: Option<ResultWriter>,
    /// The `Label`, which names the Map Run in ARNs; at most 40 characters.
    pub(crate) label: Option<String>,
}
