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

/// The type of a workflow, which determines its limits and what its tasks may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MachineType {
    /// Runs up to a year, exactly once, with a history of 25,000 events.
    #[default]
    Standard,
    /// Runs up to five minutes and cannot wait for a task token or for the end of a service's job (`.sync`).
    Express,
}

/// States and the index of the first one: a whole machine, a branch of a Parallel state or the processor of a Map
/// state.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// The index of the state that `StartAt` names.
    pub(crate) start: usize,
    /// The states in the order of the definition; `next` and `start` are indices into them.
    pub(crate) states: Vec<State>,
}

/// A state of any type: the fields that types share, and in `kind` the fields of one type.
#[derive(Debug)]
pub(crate) struct State {
    /// The state's name, the key in `States`.
    pub(crate) name: String,
    /// The state's name as a shared text, which events clone without copying the text.
    pub(crate) shared_name: Arc<str>,
    /// The query language of the state's fields: the state's own, or else the machine's.
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
    /// `Output`: the value that the next state receives, only for JSONata.
    pub(crate) output: Option<Payload>,
    /// The retriers in order; the first that matches the error applies.
    pub(crate) retry: Vec<Retrier>,
    /// The catchers in order; the first that matches the error applies.
    pub(crate) catch: Vec<Catcher>,
    /// The index of the state that follows; `None` if this state ends the flow or is a Choice.
    pub(crate) next: Option<usize>,
    /// `true` if a field may read the context object; otherwise the object is not built.
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
    /// Creates a Pass state without fields, to be filled in or to stand in for a state that cannot be read.
    pub(crate) fn blank(name: &str, language: QueryLanguage) -> Self {
        Self {
            name: name.to_owned(),
            shared_name: name.into(),
            language,
            kind: StateKind::Pass(None),
            input_path: DataPath::Whole,
            parameters: None,
            result_selector: None,
            assign: None,
            result_path: ResultPath::Replace,
            output_path: DataPath::Whole,
            output: None,
            retry: Vec::new(),
            catch: Vec::new(),
            next: None,
            reads_context: false,
        }
    }

    /// Returns the flows inside the state: branches, or a Map's processor.
    pub(crate) fn flows(&self) -> &[Flow] {
        match &self.kind {
            StateKind::Parallel(branches) => branches,
            StateKind::Map(map) => std::slice::from_ref(&map.processor),
            StateKind::Task(_)
            | StateKind::Pass(_)
            | StateKind::Choice(_)
            | StateKind::Wait(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => &[],
        }
    }

    /// Returns the JSON pointers of [`Self::flows`], relative to the state.
    pub(crate) fn flow_pointers(&self) -> Vec<String> {
        match &self.kind {
            StateKind::Parallel(branches) => (0..branches.len())
                .map(|index| format!("/Branches/{index}"))
                .collect(),
            StateKind::Map(map) => vec![format!("/{}", map.processor_field)],
            StateKind::Task(_)
            | StateKind::Pass(_)
            | StateKind::Choice(_)
            | StateKind::Wait(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => Vec::new(),
        }
    }
}

/// The value of an `InputPath` or `OutputPath`, which selects a part of the data.
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

/// The value of a `ResultPath`, which determines how a result and the input are combined.
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

/// The type of a state, which its field `Type` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateType {
    /// Calls a resource.
    Task,
    /// Passes its input on, changed or with a fixed result.
    Pass,
    /// Selects the next state by rules.
    Choice,
    /// Waits for a time.
    Wait,
    /// Ends its flow with success.
    Succeed,
    /// Ends its flow with an error.
    Fail,
    /// Runs branches at the same time.
    Parallel,
    /// Runs a flow for each item.
    Map,
}

impl StateType {
    /// All types, in the order of the variants.
    pub(crate) const ALL: [Self; 8] = [
        Self::Task,
        Self::Pass,
        Self::Choice,
        Self::Wait,
        Self::Succeed,
        Self::Fail,
        Self::Parallel,
        Self::Map,
    ];

    /// Finds a type by the text of `Type`; `None` if there is no such type.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Returns the type as `Type` writes it. The names of the state's event types begin with it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Pass => "Pass",
            Self::Choice => "Choice",
            Self::Wait => "Wait",
            Self::Succeed => "Succeed",
            Self::Fail => "Fail",
            Self::Parallel => "Parallel",
            Self::Map => "Map",
        }
    }
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
    /// Returns the type without its fields.
    pub(crate) fn state_type(&self) -> StateType {
        match self {
            Self::Task(_) => StateType::Task,
            Self::Pass(_) => StateType::Pass,
            Self::Choice(_) => StateType::Choice,
            Self::Wait(_) => StateType::Wait,
            Self::Succeed => StateType::Succeed,
            Self::Fail(_) => StateType::Fail,
            Self::Parallel(_) => StateType::Parallel,
            Self::Map(_) => StateType::Map,
        }
    }

    /// Returns `true` if states of the type have `Retry` and `Catch`, because their work may fail.
    pub(crate) fn has_error_handlers(&self) -> bool {
        match self {
            Self::Task(_) | Self::Parallel(_) | Self::Map(_) => true,
            Self::Pass(_) | Self::Choice(_) | Self::Wait(_) | Self::Succeed | Self::Fail(_) => {
                false
            }
        }
    }

    /// Returns the state type as `Type` writes it.
    pub(crate) fn name(&self) -> &'static str {
        self.state_type().as_str()
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
    /// The error's name; `None` if the definition has neither `Error` nor `ErrorPath`.
    pub(crate) error: Option<Setting>,
    /// The human-readable cause; `None` if the definition has neither `Cause` nor `CausePath`.
    pub(crate) cause: Option<Setting>,
}

/// An entry of `Retry`: the errors that it matches and the delays between its retries.
#[derive(Debug)]
pub(crate) struct Retrier {
    /// The error names of `ErrorEquals`, which may include AWS's wildcards such as `States.ALL`.
    pub(crate) errors: Vec<String>,
    /// `IntervalSeconds`: the delay before the first retry.
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

/// An entry of `Catch`: the errors that it matches and the state that continues.
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
    /// The catcher's `Output`, which becomes the input of the next state; only for JSONata.
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
    /// The source of the items, each of which is processed by an iteration or as part of a batch.
    pub(crate) items: ItemSource,
    /// The `ItemSelector` or the older `Parameters`, with the name of the field that is used.
    pub(crate) selector: Option<(&'static str, Payload)>,
    /// The most iterations that run at the same time; 0 means as many as AWS would run.
    pub(crate) max_concurrency: Option<Setting>,
    /// The number of failed items up to which the Map still succeeds.
    pub(crate) tolerated_failure_count: Option<Setting>,
    /// The share of failed items, 0 to 100, up to which the Map still succeeds.
    pub(crate) tolerated_failure_percentage: Option<Setting>,
    /// The grouping of items into batches; `None` gives each item its own iteration, or its own child execution in
    /// distributed mode.
    pub(crate) batcher: Option<ItemBatcher>,
    /// The export or transformation of the results; `None` if there is no `ResultWriter`.
    pub(crate) writer: Option<ResultWriter>,
    /// The `Label`, which names the Map Run in ARNs; at most 40 characters.
    pub(crate) label: Option<String>,
}
