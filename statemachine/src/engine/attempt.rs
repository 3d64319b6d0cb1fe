//! One attempt of one state: evaluates the state's fields and builds the failures of fields that cannot be evaluated.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::definition::QueryLanguage;
use crate::definition::field_values::{Payload, Selector, SelectorSource, Setting, SettingSource};
use crate::definition::jsonata_field::JsonataField;
use crate::definition::model::State;
use crate::engine::execution::context_object::StateContext;
use crate::engine::execution::execution_run::Run;
use crate::engine::execution::map_item::MapItem;
use crate::engine::failure::{Failure, FailureClass, names};
use crate::engine::inspection_data::{InspectedStep, MockedResult};
use crate::engine::state_data::Variables;
use crate::error::Error;
use crate::jsonata::JsonataScope;
use crate::jsonpath::NULL_INPUT;
use crate::scope::Scope;
use crate::template::Template;

/// The name of a tested state in its context object, whatever the definition calls it.
const TESTED_STATE: &str = "StateName";

/// One attempt to run a state, with everything that the evaluation of its fields reads.
pub(crate) struct Attempt<'a> {
    /// The execution that the state is part of.
    pub(crate) run: &'a Arc<Run>,
    /// The definition of the attempted state.
    pub(crate) state: &'a State,
    /// The variables as they were when the state was entered.
    pub(crate) variables: &'a Variables,
    /// The length in bytes of all variables as compact JSON text; 0 in the test of a state.
    pub(crate) variable_bytes: usize,
    /// The item of the innermost Map iteration around the state; `None` outside a Map.
    pub(crate) item: Option<&'a MapItem>,
    /// The number of the event that records the state's entry.
    pub(crate) entered: u64,
    /// The time at which the state was entered, as text; empty if no field of the state reads the context object.
    pub(crate) entered_at: String,
    /// The number of retries so far, 0 for the first attempt.
    pub(crate) retry_count: u32,
    /// The task token, new for each attempt; `None` if the state does not wait for a token.
    pub(crate) token: Option<String>,
}

/// The data that the paths and expressions of a field may read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldData<'a> {
    /// The value of `$` in JSONPath, or of `$states.input` in JSONata.
    pub(crate) input: &'a Value,
    /// The value of `$states.result`; `None` if the field may not read it.
    pub(crate) result: Option<&'a Value>,
    /// The value of `$states.errorOutput`; `None` outside a catcher.
    pub(crate) error: Option<&'a Value>,
}

impl<'a> FieldData<'a> {
    /// Creates the data of a field that may read an input, but no result and no error output.
    pub(crate) fn of(input: &'a Value) -> Self {
        Self {
            input,
            result: None,
            error: None,
        }
    }
}

impl Attempt<'_> {
    /// Evaluates a field such as `Parameters` or `Output`, whose value is a template with paths or expressions.
    pub(crate) fn payload(
        &self,
        payload: &Payload,
        field: &str,
        data: FieldData<'_>,
    ) -> Result<Value, Failure> {
        self.payload_for_item(payload, field, data, self.item)
    }

    /// Evaluates a payload with `item` as the value of `$$.Map.Item`, instead of the attempt's own item.
    pub(crate) fn payload_for_item(
        &self,
        payload: &Payload,
        field: &str,
        data: FieldData<'_>,
        item: Option<&MapItem>,
    ) -> Result<Value, Failure> {
        match payload {
            Payload::JsonPath(template) => self
                .with_scope(data.input, item, |scope| {
                    template.evaluate(scope, &mut self.run.environment.randomness())
                })
                .map_err(|error| self.runtime(&error.to_string())),
            Payload::Jsonata(template) => self.expression(template, field, data, item),
        }
    }

    /// Evaluates a payload template and moves values out of the input, which the caller no longer needs.
    pub(crate) fn template_by_moving(
        &self,
        template: &Template,
        input: &mut Value,
    ) -> Result<Value, Failure> {
        self.with_context(self.item, |context| {
            let host = &mut self.run.environment.randomness();
            template.evaluate_by_moving(input, context, self.variables, host)
        })
        .map_err(|error| self.runtime(&error.to_string()))
    }

    /// Evaluates a payload template on the input `built` and overwrites `built` with the result. The same template must
    /// have built the input.
    pub(crate) fn template_in_place(
        &self,
        template: &Template,
        built: &mut Value,
    ) -> Result<(), Failure> {
        self.with_context(self.item, |context| {
            let host = &mut self.run.environment.randomness();
            template.evaluate_in_place(built, context, self.variables, host)
        })
        .map_err(|error| self.runtime(&error.to_string()))
    }

    /// Evaluates the JSONata expressions of a field. `$states` gets a copy of the input, or of the context object, only
    /// if an expression reads it.
    pub(crate) fn expression(
        &self,
        expressions: &JsonataField,
        field: &str,
        data: FieldData<'_>,
        item: Option<&MapItem>,
    ) -> Result<Value, Failure> {
        let JsonataField { template, reads } = expressions;
        let mut states = Map::new();
        if reads.input {
            states.insert("input".to_owned(), data.input.clone());
        }
        if reads.context {
            let context = self.with_context(item, |context| context_part(context, reads.execution));
            states.insert("context".to_owned(), context);
        }
        for (name, value) in [("result", data.result), ("errorOutput", data.error)] {
            if let Some(value) = value {
                states.insert(name.to_owned(), value.clone());
            }
        }
        let scope = JsonataScope {
            states: &Value::Object(states),
            variables: self.variables,
        };
        template
            .evaluate(field, &scope, &mut self.run.environment.host())
            .map_err(|error| self.jsonata_failure(field, &error))
    }

    /// Evaluates a path or the call of an intrinsic function.
    ///
    /// The inner error means that the path finds nothing. AWS's message for this case differs by field, so the caller
    /// builds the failure.
    pub(crate) fn query(
        &self,
        selector: &Selector,
        input: &Value,
    ) -> Result<Result<Value, Error>, Failure> {
        match &selector.source {
            SelectorSource::Query(query) => self.with_scope(input, self.item, |scope| {
                if query.reads_null(scope) {
                    return Err(self.runtime(NULL_INPUT));
                }
                Ok(query.evaluate(scope))
            }),
            SelectorSource::Call(call) => self
                .with_scope(input, self.item, |scope| {
                    call.evaluate(scope, &mut self.run.environment.randomness())
                })
                .map(Ok)
                .map_err(|error| self.runtime(&error.to_string())),
        }
    }

    /// Evaluates a path like [`query`](Self::query), but borrows a value that is part of the input or of a variable.
    pub(crate) fn look<'v>(
        &'v self,
        selector: &'v Selector,
        input: &'v Value,
    ) -> Result<Result<Cow<'v, Value>, Error>, Failure> {
        static NOTHING: Value = Value::Null;
        match &selector.source {
            SelectorSource::Query(query) if !query.reads_context() => {
                let scope = Scope {
                    input,
                    context: &NOTHING,
                    variables: self.variables,
                };
                if query.reads_null(&scope) {
                    return Err(self.runtime(NULL_INPUT));
                }
                Ok(query.resolve(&scope))
            }
            _ => self
                .query(selector, input)
                .map(|found| found.map(Cow::Owned)),
        }
    }

    /// Evaluates a path that must find a value, as `InputPath` must.
    pub(crate) fn required<'v>(
        &'v self,
        selector: &'v Selector,
        input: &'v Value,
    ) -> Result<Cow<'v, Value>, Failure> {
        self.look(selector, input)?
            .map_err(|error| self.runtime(&format!("Invalid path '{}' : {error}", selector.text)))
    }

    /// Evaluates a path; if it finds nothing, the failure has the text that AWS uses for payload templates.
    pub(crate) fn template_path(
        &self,
        selector: &Selector,
        field: &str,
        input: &Value,
    ) -> Result<Value, Failure> {
        self.query(selector, input)?.map_err(|_| {
            self.runtime(&format!(
                "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{input}'",
                selector.text
            ))
        })
    }

    /// Evaluates a field with a single value, such as `TimeoutSeconds`: a literal, a path or an expression.
    pub(crate) fn setting(&self, setting: &Setting, data: FieldData<'_>) -> Result<Value, Failure> {
        match &setting.source {
            SettingSource::Literal(value) => Ok(value.clone()),
            SettingSource::Path(selector) => {
                self.required(selector, data.input).map(Cow::into_owned)
            }
            SettingSource::Jsonata { template, .. } => {
                self.expression(template, setting.field, data, self.item)
            }
        }
    }

    /// Builds the failure of a JSONata expression whose result has the wrong type.
    pub(crate) fn unexpected_type(
        &self,
        text: &str,
        field: &str,
        expected: &str,
        value: &Value,
    ) -> Failure {
        let actual = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        self.evaluation(
            Some(field),
            &format!(
                "The JSONata expression '{text}' specified for the field '{field}' returned an unexpected result \
                 type. Expected '{expected}', but was '{actual}' for value: {value}"
            ),
        )
    }

    /// Builds a failure with the name `States.Runtime`, which no retrier or catcher matches.
    pub(crate) fn runtime(&self, message: &str) -> Failure {
        self.failure(FailureClass::Runtime, names::RUNTIME, message)
    }

    /// Builds a `States.QueryEvaluationError`; `location` is the path of the JSONata field that failed.
    pub(crate) fn evaluation(&self, location: Option<&str>, message: &str) -> Failure {
        let class = FailureClass::Evaluation {
            location: location.map(str::to_owned),
        };
        self.failure(class, names::QUERY_EVALUATION_ERROR, message)
    }

    /// Builds the failure of an invalid value: `States.Runtime` in a JSONPath state, `States.QueryEvaluationError` in a
    /// JSONata state.
    pub(crate) fn invalid(&self, field: Option<&str>, message: &str) -> Failure {
        match self.state.language {
            QueryLanguage::JsonPath => self.runtime(message),
            QueryLanguage::Jsonata => self.evaluation(field, message),
        }
    }

    /// Builds a failure whose cause names the state and the number of the state's entry event.
    pub(crate) fn failure(&self, class: FailureClass, error: &str, message: &str) -> Failure {
        // The test of a single state has no events, so its causes do not name one.
        if self.run.environment.inspection.is_some() {
            return Failure::new(class, error, message);
        }
        let cause = format!(
            "An error occurred while executing the state '{}' (entered at the event id #{}). {message}",
            self.state.name, self.entered
        );
        Failure::new(class, error, cause)
    }

    /// Records the value of a data step in the test of a state; does nothing in an execution.
    pub(crate) fn inspect(&self, step: InspectedStep, value: &Value) {
        if let Some(inspection) = &self.run.environment.inspection {
            inspection.note(self.state, step, value);
        }
    }

    /// Returns the mock that replaces the state's work; `None` in executions and in tests without a mock.
    pub(crate) fn mock(&self) -> Option<&MockedResult> {
        self.run.environment.inspection.as_ref()?.mock.as_ref()
    }

    /// Builds the failure of a JSONata error. The failure's location is the nested field that the error names, or else
    /// `field`.
    fn jsonata_failure(&self, field: &str, error: &Error) -> Failure {
        let location = error.field().unwrap_or(field);
        self.evaluation(Some(location), &error.to_string())
    }

    /// Calls `evaluate` with all data that a JSONPath field may read: input, context object and variables.
    fn with_scope<T>(
        &self,
        input: &Value,
        item: Option<&MapItem>,
        evaluate: impl FnOnce(&Scope<'_>) -> T,
    ) -> T {
        let variables = self.variables;
        self.with_context(item, |context| {
            evaluate(&Scope {
                input,
                context,
                variables,
            })
        })
    }

    /// Calls `read` with the context object, or with `null` if no field of the state reads it.
    fn with_context<T>(&self, item: Option<&MapItem>, read: impl FnOnce(&Value) -> T) -> T {
        if !self.state.reads_context {
            return read(&Value::Null);
        }
        let tested = self.run.environment.inspection.is_some();
        let surrounding = StateContext {
            state: if tested {
                TESTED_STATE
            } else {
                &self.state.name
            },
            entered_at: &self.entered_at,
            retry_count: self
                .state
                .kind
                .has_error_handlers()
                .then_some(self.retry_count),
            item,
            token: self.token.as_deref(),
        };
        self.run.with_context(&surrounding, read)
    }
}

/// Copies the context object; leaves out `Execution` if no expression reads it.
fn context_part(context: &Value, with_execution: bool) -> Value {
    match context {
        Value::Object(parts) if !with_execution => parts
            .iter()
            .filter(|(name, _)| *name != "Execution")
            .map(|(name, part)| (name.clone(), part.clone()))
            .collect(),
        whole => whole.clone(),
    }
}
