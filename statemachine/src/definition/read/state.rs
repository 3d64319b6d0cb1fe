//! Reads the states of a flow, and the fields of Wait, Fail and Parallel states.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::model::{Fail, State, StateKind, StateType, Wait};
use crate::definition::read::allowed_fields::{AllowedFields, BRANCH, EVERY_STATE};
use crate::definition::read::field_values::Expected;
use crate::definition::read::flow::{InheritedSettings, LONGEST_SECONDS, read_flow};
use crate::definition::read::object_fields::Fields;
use crate::definition::read::targets::{NO_STATE, StateIndices, target};
use crate::definition::timestamp::is_timestamp;
use crate::diagnostics::hint::known_names_hint;

impl Fields<'_> {
    /// Reads a state. Reports all problems, and returns the state with the fields that could be read.
    pub(crate) fn state(
        &self,
        name: &str,
        names: &StateIndices<'_>,
        around: InheritedSettings,
    ) -> State {
        let mut state = State::blank(name, read_language(self, around.language));
        if !self.require(&["Type"]) {
            return state;
        }
        let Some(type_name) = self.text("Type") else {
            return state;
        };
        let Some(state_type) = StateType::of(type_name) else {
            let message = format!("State type '{type_name}' is unknown");
            let known = StateType::ALL.into_iter().map(StateType::as_str);
            self.refuse_with("Type", message, || known_names_hint(type_name, known));
            return state;
        };
        let allowed = AllowedFields::of(state_type);
        read_languages(self, allowed, state.language, around.language);
        self.text("Comment");
        if allowed.may_end() {
            state.next = read_next(self, names);
        }
        state.assign = self.object_payload("Assign", state.language);
        state.reads_context = reads_context(self);
        match state.language {
            QueryLanguage::JsonPath => {
                state.input_path = self.data_path("InputPath");
                state.output_path = self.data_path("OutputPath");
                state.result_selector = self.object_payload("ResultSelector", state.language);
                state.result_path = self.result_path();
                if state_type != StateType::Map {
                    state.parameters = self.payload("Parameters", state.language);
                }
            }
            QueryLanguage::Jsonata => {
                state.output = self.payload("Output", state.language);
                state.parameters = self.payload("Arguments", state.language);
            }
        }
        state.kind = match state_type {
            StateType::Task => self.task(state.language, around.machine_type),
            StateType::Choice => self.choice(state.language, names),
            StateType::Wait => read_wait(self, state.language),
            StateType::Succeed => StateKind::Succeed,
            StateType::Fail => read_fail(self, state.language),
            StateType::Parallel => read_parallel(self, around),
            StateType::Map => self.map(state.language, around),
            StateType::Pass => StateKind::Pass(self.get("Result").cloned()),
        };
        state.retry = self.retry();
        state.catch = self.catch(state.language, names);
        state
    }
}

/// Reads a state's `QueryLanguage`; a JSONPath state in a JSONata machine is reported.
fn read_language(fields: &Fields<'_>, machine: QueryLanguage) -> QueryLanguage {
    // Measured: any unknown language counts as JSONata.
    let own = match fields.language() {
        None if fields.has("QueryLanguage") => Some(QueryLanguage::Jsonata),
        own => own,
    };
    if own == Some(QueryLanguage::JsonPath) && machine == QueryLanguage::Jsonata {
        fields.refuse(
            "",
            "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
        );
    }
    own.unwrap_or(machine)
}

/// Reports fields that the state's type does not allow, or allows only in the other query language.
fn read_languages(
    fields: &Fields<'_>,
    allowed: &AllowedFields,
    own: QueryLanguage,
    machine: QueryLanguage,
) {
    let other = match own {
        QueryLanguage::JsonPath => QueryLanguage::Jsonata,
        QueryLanguage::Jsonata => QueryLanguage::JsonPath,
    };
    let (known, foreign) = (allowed.in_language(own), allowed.in_language(other));
    fields.only(&[EVERY_STATE, allowed.both, known, foreign]);
    // A JSONPath state in a JSONata machine was reported already; its JSONata fields are not reported in addition.
    if own == QueryLanguage::JsonPath && machine == QueryLanguage::Jsonata {
        return;
    }
    for name in foreign.iter().filter(|name| fields.has(name)) {
        fields.refuse(
            "",
            format!(
                "The QueryLanguage is set to '{}', but field '{name}' is only supported for the '{}' QueryLanguage",
                own.as_str(),
                other.as_str()
            ),
        );
    }
}

/// Reads `Next` and `End`, of which exactly one is required; returns `None` if the state ends the flow.
fn read_next(fields: &Fields<'_>, names: &StateIndices<'_>) -> Option<usize> {
    let ends = fields.flag("End");
    if fields.has("Next") == (ends == Some(true)) {
        fields.refuse("", "Exactly one of these fields is required: [Next, End]");
    }
    fields
        .has("Next")
        .then(|| target(fields, "Next", names).unwrap_or(NO_STATE))
}

/// Reads the field that determines how long a Wait state waits; exactly one such field is required.
fn read_wait(fields: &Fields<'_>, language: QueryLanguage) -> StateKind {
    let fields_of_time = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
    if fields_of_time
        .iter()
        .filter(|name| fields.has(name))
        .count()
        != 1
    {
        fields.refuse(
            "",
            format!(
                "Exactly one of these fields is required: [{}]",
                fields_of_time.join(", ")
            ),
        );
    }
    let seconds = fields.setting(
        "Seconds",
        "SecondsPath",
        language,
        Expected::Whole(0, LONGEST_SECONDS),
    );
    if let Some(seconds) = seconds {
        return StateKind::Wait(Wait::Seconds(seconds));
    }
    let timestamp = fields.setting("Timestamp", "TimestampPath", language, Expected::Text);
    if let Some(Setting {
        source: SettingSource::Literal(Value::String(text)),
        ..
    }) = &timestamp
        && !is_timestamp(text)
    {
        fields.refuse("Timestamp", "String does not match RFC3339 timestamp");
    }
    timestamp.map_or(StateKind::Pass(None), |timestamp| {
        StateKind::Wait(Wait::Timestamp(timestamp))
    })
}

/// Reads the error and the cause of a Fail state.
fn read_fail(fields: &Fields<'_>, language: QueryLanguage) -> StateKind {
    StateKind::Fail(Fail {
        error: fields.setting("Error", "ErrorPath", language, Expected::Text),
        cause: fields.setting("Cause", "CausePath", language, Expected::Text),
    })
}

/// Reads the branches of a Parallel state; at least one is required.
fn read_parallel(fields: &Fields<'_>, around: InheritedSettings) -> StateKind {
    fields.require(&["Branches"]);
    let mut branches = Vec::new();
    fields.objects("Branches", |branch| {
        branch.only(&[BRANCH]);
        branches.push(read_flow(&branch, around));
    });
    if fields.has("Branches") && branches.is_empty() {
        fields.refuse("Branches", "At least one branch is required");
    }
    StateKind::Parallel(branches)
}

/// Returns `true` if a field may read the context object; fields of inner states do not count.
fn reads_context(fields: &Fields<'_>) -> bool {
    fields
        .values
        .iter()
        .filter(|(name, _)| !["Branches", "ItemProcessor", "Iterator"].contains(&name.as_str()))
        .any(|(_, value)| mentions_context(value))
}

/// Returns `true` if any string in the value may name the context object. In doubt, the answer is `true`.
fn mentions_context(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            text.contains("$$")
                || text.contains("context")
                || text
                    .match_indices("$states")
                    .any(|(at, word)| !text[at + word.len()..].starts_with('.'))
        }
        Value::Array(items) => items.iter().any(mentions_context),
        Value::Object(fields) => fields.values().any(mentions_context),
        _ => false,
    }
}
