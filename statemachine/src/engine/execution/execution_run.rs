//! One execution: its recorder, its context object, its ARN.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::definition::MachineType;
use crate::engine::clock::date_text;
use crate::engine::execution::context_object::{Context, StateContext};
use crate::engine::execution::environment::{ARN_PREFIX, Environment};
use crate::engine::failure::Failure;
use crate::engine::history::event::EventType;
use crate::engine::history::recorder::Recorder;

/// One execution, or the test of one state.
pub(crate) struct Run {
    /// The environment, which the execution shares with its child executions.
    pub(crate) environment: Arc<Environment>,
    /// The recorder of this execution's events; each child execution has its own.
    pub(crate) recorder: Recorder,
    /// The context object, which is updated before each read.
    context: Mutex<Context>,
    /// The names of the parts of the context object that the caller of a test has set; the engine never changes these
    /// parts.
    given: Vec<String>,
}

impl Run {
    /// Creates an execution of a machine under a new ARN.
    pub(crate) fn of_machine(
        environment: Arc<Environment>,
        machine_type: MachineType,
        input: &Value,
    ) -> Self {
        let names = &environment.names;
        let name = environment.uuid();
        let arn = match machine_type {
            MachineType::Standard => format!("{ARN_PREFIX}:execution:{}:{name}", names.machine),
            MachineType::Express => format!(
                "{ARN_PREFIX}:express:{}:{name}:{}",
                names.machine,
                environment.uuid()
            ),
        };
        let machine_arn = format!("{ARN_PREFIX}:stateMachine:{}", names.machine);
        let machine_name = names.machine.clone();
        Self::new(environment, arn, &name, input, &machine_arn, &machine_name)
    }

    /// Creates the child execution of one item or batch of a distributed Map.
    pub(crate) fn of_item(
        environment: Arc<Environment>,
        label: &str,
        express: bool,
        input: &Value,
    ) -> Self {
        let names = &environment.names;
        let name = environment.uuid();
        let machine_name = format!("{}/{label}", names.machine);
        let kind = if express { "express" } else { "execution" };
        let arn = format!("{ARN_PREFIX}:{kind}:{machine_name}:{name}");
        let machine_arn = format!("{ARN_PREFIX}:stateMachine:{machine_name}");
        Self::new(environment, arn, &name, input, &machine_arn, &machine_name)
    }

    /// Creates a run with a recorder without events, and a context object that shows the ARN, names and input.
    fn new(
        environment: Arc<Environment>,
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
                "StartTime": date_text(environment.clock.now()),
                "Name": name,
                "RoleArn": environment.names.role_arn,
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": machine_arn, "Name": machine_name},
        });
        Self {
            recorder: Recorder::new(
                arn.into(),
                environment.clock,
                environment.event_limit,
                environment.sink.clone(),
                Arc::clone(&environment.stop),
            ),
            context: Mutex::new(Context {
                whole: context,
                state: None,
            }),
            given: Vec::new(),
            environment,
        }
    }

    /// Creates the run for the test of a state; `given` replaces parts of the context object.
    pub(crate) fn of_test(
        environment: Arc<Environment>,
        input: &Value,
        given: Map<String, Value>,
    ) -> Self {
        let (machine, name) = (environment.uuid(), environment.uuid());
        let arn = format!("{ARN_PREFIX}:express:{machine}:{name}");
        let machine_arn = format!("{ARN_PREFIX}:stateMachine:{machine}");
        let mut run = Self::new(environment, arn, &name, input, &machine_arn, &machine);
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

    /// Updates the context object for one state, and calls `read` with it.
    pub(crate) fn with_context<T>(
        &self,
        surrounding: &StateContext<'_>,
        read: impl FnOnce(&Value) -> T,
    ) -> T {
        let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        context.show(surrounding, &self.given);
        read(&context.whole)
    }

    /// Records an event without details, and returns its number.
    pub(crate) fn record_plain(
        &self,
        previous: u64,
        event_type: EventType,
    ) -> Result<u64, Failure> {
        self.recorder.record(previous, event_type, Default::default)
    }
}
