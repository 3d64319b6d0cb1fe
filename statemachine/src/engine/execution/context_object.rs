//! The context object, `$$`, as each state sees it.

use serde_json::{Map, Value, json};

use crate::engine::execution::map_item::MapItem;

/// The context object of one execution. Its `State`, `Task` and `Map` differ between states and are updated before each
/// read.
pub(super) struct Context {
    /// The object as JSON; its `State`, `Task` and `Map` are those of the state that read the object last.
    pub(super) whole: Value,
    /// The name, entry time and retry count in the current `State`; `None` before the first read. `State` is rebuilt
    /// only when one of them changes.
    pub(super) state: Option<(String, String, Option<u32>)>,
}

/// The parts of the context object that differ between states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StateContext<'a> {
    /// The name of the state, which `$$.State.Name` shows.
    pub(crate) state: &'a str,
    /// The time at which the state was entered, as text; `$$.State.EnteredTime` shows it.
    pub(crate) entered_at: &'a str,
    /// The number of retries so far; `None` for a state that cannot have retriers.
    pub(crate) retry_count: Option<u32>,
    /// The item of the innermost Map iteration around the state; `None` outside a Map.
    pub(crate) item: Option<&'a MapItem>,
    /// The task token, which `$$.Task.Token` shows; `None` if the state does not wait for a token.
    pub(crate) token: Option<&'a str>,
}

impl Context {
    /// Updates `State`, `Task` and `Map` for a state, except the parts named in `given`, which the caller of a test has
    /// set.
    pub(super) fn show(&mut self, surrounding: &StateContext<'_>, given: &[String]) {
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

impl StateContext<'_> {
    /// Builds the value of `$$.State`.
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
