//! What all states of one execution share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use crate::definition::MachineType;
use crate::engine::execution::clock::{Clock, date_text};
use crate::engine::execution::stop::Stop;
use crate::engine::history::event::{EventType, HistorySink};
use crate::engine::history::recorder::Recorder;
use crate::engine::inspection::Inspection;
use crate::engine::port::task_handler::TaskHandler;
use crate::engine::port::tokens::Tokens;
use crate::scope::Host;

/// The variables of a thread of states.
pub(crate) type Variables = Map<String, Value>;

/// After how many transitions the engine lets others run, so that a stop is heard even in an endless loop.
const TRANSITIONS_PER_YIELD: u64 = 500;

/// What an execution shares with the executions of its distributed Maps.
pub(crate) struct Shared {
    pub(crate) handler: Arc<dyn TaskHandler>,
    pub(crate) sink: Option<Arc<dyn HistorySink>>,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) host: Mutex<Host>,
    pub(crate) names: Names,
    pub(crate) event_limit: Option<u64>,
    pub(crate) inspection: Option<Inspection>,
    pub(crate) stop: Arc<Stop>,
    transitions: AtomicU64,
}

/// What the execution's ARNs are made of.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) machine: String,
    pub(crate) execution: Option<String>,
    pub(crate) role_arn: Option<String>,
}

/// One execution.
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    context: Mutex<Context>,
    /// Parts of the context object that a caller gave, which stay as they are.
    given: Vec<String>,
}

/// The context object; the parts that differ between states are set when it is lent.
struct Context {
    whole: Value,
    /// What the part of the state was last made of: many items in a row see the same state.
    state: Option<(String, String, Option<u32>)>,
}

/// The item that a Map iteration is about.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) index: usize,
    /// Its name, where an object's fields are the items.
    pub(crate) key: Option<String>,
    pub(crate) value: Value,
}

/// The parts of the context object that differ between states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surrounding<'a> {
    pub(crate) state: &'a str,
    pub(crate) entered_at: &'a str,
    pub(crate) retry_count: Option<u32>,
    pub(crate) item: Option<&'a Item>,
    pub(crate) token: Option<&'a str>,
}

impl Shared {
    #[expect(
        clippy::too_many_arguments,
        reason = "one call, from the engine's builder, names each part once"
    )]
    pub(crate) fn new(
        handler: Arc<dyn TaskHandler>,
        sink: Option<Arc<dyn HistorySink>>,
        clock: Clock,
        tokens: Tokens,
        host: Host,
        names: Names,
        event_limit: Option<u64>,
        inspection: Option<Inspection>,
    ) -> Self {
        Self {
            handler,
            sink,
            clock,
            tokens,
            host: Mutex::new(host),
            names,
            event_limit,
            inspection,
            stop: Arc::default(),
            transitions: AtomicU64::new(0),
        }
    }

    /// Lends the clock and the randomness for one evaluation.
    pub(crate) fn host(&self) -> MutexGuard<'_, Host> {
        let mut host = self.randomness();
        host.now = self.clock.now();
        host
    }

    /// Lends the randomness alone, for what never asks for the time.
    pub(crate) fn randomness(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a transition; tells now and then that it is time to let others run.
    pub(crate) fn transition(&self) -> bool {
        self.transitions.fetch_add(1, Ordering::Relaxed) % TRANSITIONS_PER_YIELD
            == TRANSITIONS_PER_YIELD - 1
    }

    pub(crate) fn transitions(&self) -> u64 {
        self.transitions.load(Ordering::Relaxed)
    }

    /// Draws a UUID.
    pub(crate) fn uuid(&self) -> String {
        self.randomness().random.uuid()
    }
}

impl Run {
    /// Prepares the execution of a machine.
    pub(crate) fn of_machine(
        shared: Arc<Shared>,
        machine_type: MachineType,
        input: &Value,
    ) -> Self {
        let names = &shared.names;
        let name = names.execution.clone().unwrap_or_else(|| shared.uuid());
        let prefix = format!("arn:aws:states:{}:{}", names.region, names.account);
        let arn = match machine_type {
            MachineType::Standard => format!("{prefix}:execution:{}:{name}", names.machine),
            MachineType::Express => format!(
                "{prefix}:express:{}:{name}:{}",
                names.machine,
                shared.uuid()
            ),
        };
        let machine_arn = format!("{prefix}:stateMachine:{}", names.machine);
        let machine_name = names.machine.clone();
        Self::new(shared, arn, &name, input, &machine_arn, &machine_name)
    }

    /// Prepares the execution of one item of a distributed Map.
    pub(crate) fn of_item(shared: Arc<Shared>, label: &str, express: bool, input: &Value) -> Self {
        let names = &shared.names;
        let name = shared.uuid();
        let prefix = format!("arn:aws:states:{}:{}", names.region, names.account);
        let machine_name = format!("{}/{label}", names.machine);
        let kind = if express { "express" } else { "execution" };
        let arn = format!("{prefix}:{kind}:{machine_name}:{name}");
        let machine_arn = format!("{prefix}:stateMachine:{machine_name}");
        Self::new(shared, arn, &name, input, &machine_arn, &machine_name)
    }

    fn new(
        shared: Arc<Shared>,
        arn: String,
        name: &str,
        input: &Value,
        machine_arn: &str,
        machine_name: &str,
    ) -> Self {
        let context = json!({
            "Execution": {
                "Id": arn,
                "Input": input,
                "StartTime": date_text(shared.clock.now()),
                "Name": name,
                "RoleArn": shared.names.role_arn,
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": machine_arn, "Name": machine_name},
        });
        Self {
            recorder: Recorder::new(
                arn.into(),
                shared.clock,
                shared.event_limit,
                shared.sink.clone(),
                Arc::clone(&shared.stop),
            ),
            context: Mutex::new(Context {
                whole: context,
                state: None,
            }),
            given: Vec::new(),
            shared,
        }
    }

    /// Prepares the test of one state, with parts of the context object that the caller gives.
    pub(crate) fn of_test(shared: Arc<Shared>, input: &Value, given: Map<String, Value>) -> Self {
        let names = &shared.names;
        let (machine, name) = (shared.uuid(), shared.uuid());
        let prefix = format!("arn:aws:states:{}:{}", names.region, names.account);
        let arn = format!("{prefix}:express:{machine}:{name}");
        let machine_arn = format!("{prefix}:stateMachine:{machine}");
        let mut run = Self::new(shared, arn, &name, input, &machine_arn, &machine);
        let context = run
            .context
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Value::Object(fields) = &mut context.whole {
            if let Some(Value::Object(execution)) = fields.get_mut("Execution") {
                execution.shift_remove("RedriveCount");
            }
            run.given = given.keys().cloned().collect();
            fields.extend(given);
        }
        run
    }

    /// Lends the context object as one state sees it.
    pub(crate) fn with_context<T>(
        &self,
        surrounding: &Surrounding<'_>,
        read: impl FnOnce(&Value) -> T,
    ) -> T {
        let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        context.show(surrounding, &self.given);
        read(&context.whole)
    }

    /// Records an event without details.
    pub(crate) fn record_plain(
        &self,
        previous: u64,
        event_type: EventType,
    ) -> Result<u64, crate::engine::failure::Failure> {
        self.recorder.record(previous, event_type, Default::default)
    }
}

impl Context {
    /// Sets the parts that differ between states, but for those that a caller gave.
    fn show(&mut self, surrounding: &Surrounding<'_>, given: &[String]) {
        let Self { whole, state } = self;
        let Value::Object(fields) = whole else {
            return;
        };
        let is_given = |name: &str| given.iter().any(|given| given == name);
        let is_shown = state
            .as_ref()
            .is_some_and(|(name, entered_at, retry_count)| {
                name == surrounding.state
                    && entered_at == surrounding.entered_at
                    && *retry_count == surrounding.retry_count
            });
        if !is_shown && !is_given("State") {
            fields.insert("State".to_owned(), surrounding.to_context());
            *state = Some((
                surrounding.state.to_owned(),
                surrounding.entered_at.to_owned(),
                surrounding.retry_count,
            ));
        }
        if !is_given("Task") {
            match surrounding.token {
                Some(token) => {
                    fields.insert("Task".to_owned(), json!({"Token": token}));
                }
                None => {
                    fields.shift_remove("Task");
                }
            }
        }
        if !is_given("Map") {
            match surrounding.item {
                Some(item) => {
                    let shown = fields.get_mut("Map");
                    if !shown.is_some_and(|shown| item.replaces(shown)) {
                        fields.insert("Map".to_owned(), item.to_context());
                    }
                }
                None => {
                    fields.shift_remove("Map");
                }
            }
        }
    }
}

impl Surrounding<'_> {
    fn to_context(self) -> Value {
        let mut state = Map::new();
        state.insert("Name".to_owned(), self.state.into());
        state.insert("EnteredTime".to_owned(), self.entered_at.into());
        if let Some(count) = self.retry_count {
            state.insert("RetryCount".to_owned(), count.into());
        }
        Value::Object(state)
    }
}

impl Item {
    /// Takes the place of another item in the context object, if both have the same fields.
    fn replaces(&self, shown: &mut Value) -> bool {
        let Some(Value::Object(fields)) = shown.get_mut("Item") else {
            return false;
        };
        if fields.len() != 2 + usize::from(self.key.is_some()) {
            return false;
        }
        let key = self.key.as_ref().map(|key| Value::from(key.as_str()));
        let own = [Some(self.index.into()), key, Some(self.value.clone())];
        for (place, value) in fields.values_mut().zip(own.into_iter().flatten()) {
            *place = value;
        }
        true
    }

    fn to_context(&self) -> Value {
        let mut item = Map::new();
        item.insert("Index".to_owned(), self.index.into());
        if let Some(key) = &self.key {
            item.insert("Key".to_owned(), key.clone().into());
        }
        item.insert("Value".to_owned(), self.value.clone());
        json!({"Item": item})
    }
}
