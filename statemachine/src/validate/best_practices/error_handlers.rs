//! Checks of retriers and catchers that do not do what their author expects.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::model::{Catcher, Flow, ResultPath, Retrier, State, StateKind};
use crate::definition::task::ResourceKind;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::validate::best_practices::referenced_input_fields::first_fields;
use crate::validate::best_practices::written_state::WrittenState;
use crate::validate::flow_graph::{regular_successors, successors};

/// The error name that matches every failure.
const ALL: &str = "States.ALL";

/// Checks the retriers and the catchers of a state; `states` is the JSON of the flow's states.
pub(super) fn check(written: WrittenState<'_>, flow: &Flow, states: &Value) -> Vec<Diagnostic> {
    let state = written.state;
    let mut findings = Vec::new();
    let retriers: Vec<&[String]> = state
        .retry
        .iter()
        .map(|Retrier { errors, .. }| errors.as_slice())
        .collect();
    let catchers: Vec<&[String]> = state
        .catch
        .iter()
        .map(|Catcher { errors, .. }| errors.as_slice())
        .collect();
    for (field, handlers) in [("Retry", &retriers), ("Catch", &catchers)] {
        for (index, errors) in handlers.iter().enumerate() {
            let place = format!("/{field}/{index}");
            if creates_cluster(state) && errors.iter().any(|name| name == ALL) {
                let message = "`States.ALL` also matches a timeout of this task, after which a cluster that the task \
                     created may keep running and cost money";
                let warning = written.warn(Code::CatchAllOnCreateCluster, &place, message);
                findings.push(warning.hint("list the errors to handle instead of `States.ALL`"));
            }
            if !errors.is_empty() && errors.iter().all(|name| is_taken(name, &handlers[..index])) {
                let message = format!(
                    "no error reaches this entry of `{field}`, whose `ErrorEquals` is [{}]",
                    errors.join(", ")
                );
                let warning = written.warn(Code::UnreachableHandler, &place, message);
                findings.push(warning.hint(why_unreachable(errors)));
            }
        }
    }
    let regular = if state.catch.is_empty() {
        Vec::new()
    } else {
        reached(flow, &[flow.start], false)
    };
    for (index, catcher) in state.catch.iter().enumerate() {
        let place = format!("/Catch/{index}");
        if let Some((reader, field)) = dropped_field(written, flow, states, catcher) {
            let message = format!(
                "the error output replaces the whole input, but the state `{reader}` reads `$.{field}` of that input"
            );
            let warning = written.warn(Code::CatchDropsInput, &place, message);
            findings.push(warning.hint("set `ResultPath`, for example to `$.error`"));
        }
        if let Some(end) = success_of_failure(flow, &regular, catcher) {
            let message = format!(
                "the failure is caught, and the execution then succeeds in the state `{end}`"
            );
            let warning = written.warn(Code::FailureEndsInSuccess, &place, message);
            findings.push(warning.hint(
                "if the execution should fail, let the path of this catcher end in a Fail state",
            ));
        }
    }
    findings
}

/// Returns the hint for a retrier or catcher that no error reaches; `errors` is its `ErrorEquals`.
fn why_unreachable(errors: &[String]) -> &'static str {
    if errors.iter().all(|name| name == "States.Runtime") {
        "`States.Runtime` is never retried or caught: remove this entry"
    } else {
        "earlier entries match all these errors: move this entry before them, or remove this entry"
    }
}

/// Returns `true` if the task creates a cluster, which costs money until it is deleted.
fn creates_cluster(state: &State) -> bool {
    matches!(&state.kind, StateKind::Task(task) if matches!(
        task.resource.kind(),
        ResourceKind::Integration { call, .. }
            if matches!(call.split('.').next(), Some("createCluster" | "runJobFlow"))
    ))
}

/// Returns `true` if earlier handlers match every failure with this error name, or if the name is never retried or
/// caught.
fn is_taken(name: &str, earlier: &[&[String]]) -> bool {
    let is_task_failure =
        name != ALL && (!name.starts_with("States.") || name == "States.TaskFailed");
    name == "States.Runtime"
        || earlier
            .iter()
            .flat_map(|errors| errors.iter())
            .any(|taken| {
                taken == name
                    || taken == ALL
                    || taken == "States.TaskFailed" && is_task_failure
                    || taken == "States.Timeout" && name == "States.HeartbeatTimeout"
            })
}

/// Returns a field that the catcher dropped but a later state reads: the name of that state, and the name of the field.
fn dropped_field(
    written: WrittenState<'_>,
    flow: &Flow,
    states: &Value,
    catcher: &Catcher,
) -> Option<(String, String)> {
    if written.state.language == QueryLanguage::Jsonata
        || !matches!(catcher.result_path, ResultPath::Replace)
    {
        return None;
    }
    let mut known: Vec<String> = ["Error", "Cause"].map(str::to_owned).to_vec();
    let mut seen = vec![false; flow.states.len()];
    let mut current = Some(catcher.next);
    // The search stops at a Choice state: its conditions may tell failures apart, which this check does not evaluate.
    while let Some(index) = current {
        if std::mem::replace(seen.get_mut(index)?, true) {
            return None;
        }
        let state = &flow.states[index];
        if let Some(field) = first_fields(state, states.get(&state.name))
            .into_iter()
            .find(|field| !known.contains(field))
        {
            return Some((state.name.clone(), field));
        }
        match (&state.kind, &state.result_path) {
            (StateKind::Choice(_), _) => return None,
            (StateKind::Wait(_) | StateKind::Succeed | StateKind::Fail(_), _)
            | (_, ResultPath::Discard) => {}
            (StateKind::Pass(None), ResultPath::Replace) if state.parameters.is_none() => {}
            (_, ResultPath::Insert(text, _)) => known.extend(first_field(text)),
            // After this state, the data no longer comes from the catcher.
            (_, ResultPath::Replace) => return None,
        }
        current = state.next;
    }
    None
}

/// Returns the first field of a path into the input; `None` for other paths.
fn first_field(path: &str) -> Option<String> {
    let field = path.strip_prefix("$.")?.split(['.', '[']).next()?;
    Some(field.to_owned())
}

/// Returns the name of a state in which the execution succeeds after a caught failure; `None` if every such state can
/// also be reached without a failure.
fn success_of_failure(flow: &Flow, regular: &[bool], catcher: &Catcher) -> Option<String> {
    let handled = reached(flow, &[catcher.next], true);
    let end = (0..flow.states.len())
        .filter(|index| handled[*index])
        .find(|index| {
            let state = &flow.states[*index];
            !regular[*index]
                && match state.kind {
                    StateKind::Succeed => true,
                    StateKind::Fail(_) | StateKind::Choice(_) => false,
                    StateKind::Task(_)
                    | StateKind::Pass(_)
                    | StateKind::Wait(_)
                    | StateKind::Parallel(_)
                    | StateKind::Map(_) => state.next.is_none(),
                }
        })?;
    Some(flow.states[end].name.clone())
}

/// Returns for each state `true` if it can be reached from `from`; follows catchers only if `with_handlers` is set.
fn reached(flow: &Flow, from: &[usize], with_handlers: bool) -> Vec<bool> {
    let mut reached = vec![false; flow.states.len()];
    let mut waiting = from.to_vec();
    while let Some(index) = waiting.pop() {
        let Some(seen) = reached.get_mut(index) else {
            continue;
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        let state = &flow.states[index];
        waiting.extend(if with_handlers {
            successors(state)
        } else {
            regular_successors(state)
        });
    }
    reached
}
