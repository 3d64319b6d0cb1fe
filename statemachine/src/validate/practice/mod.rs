//! What AWS takes and practice regrets.

mod handlers;
mod paths;
mod payloads;

use serde_json::Value;

use crate::definition::fields::Problems;
use crate::definition::model::{Flow, Kind, State};
use crate::validate::{Code, Diagnostic};
use crate::walk::below;

/// Looks for warnings in a definition without errors.
pub(crate) fn check(source: &Value, flow: &Flow) -> Vec<Diagnostic> {
    let findings = Problems::default();
    check_flow(source, flow, "", &findings);
    findings.into_inner()
}

/// One state with what was written for it.
#[derive(Clone, Copy)]
struct Written<'a> {
    state: &'a State,
    source: &'a Value,
    pointer: &'a str,
}

impl Written<'_> {
    fn warn(&self, code: Code, below: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, &format!("{}{below}", self.pointer), message)
    }
}

fn check_flow(source: &Value, flow: &Flow, pointer: &str, findings: &Problems) {
    let Some(states) = source.get("States") else {
        return;
    };
    for state in &flow.states {
        let pointer = below(&below(pointer, "States"), &state.name);
        let Some(source) = states.get(&state.name) else {
            continue;
        };
        let written = Written {
            state,
            source,
            pointer: &pointer,
        };
        findings.extend(without_timeout(written));
        findings.extend(handlers::check(written, flow, states));
        findings.extend(payloads::check(written));
        for (inner, path) in state.flows().iter().zip(inner_paths(written)) {
            if let Some(source) = source.pointer(&path) {
                check_flow(source, inner, &format!("{pointer}{path}"), findings);
            }
        }
    }
}

/// Gives the places of the flows inside a state.
fn inner_paths(written: Written<'_>) -> Vec<String> {
    match &written.state.kind {
        Kind::Parallel(branches) => (0..branches.len())
            .map(|index| format!("/Branches/{index}"))
            .collect(),
        Kind::Map(map) => vec![format!("/{}", map.processor_field)],
        _ => Vec::new(),
    }
}

fn without_timeout(written: Written<'_>) -> Option<Diagnostic> {
    match &written.state.kind {
        Kind::Task(task) if task.timeout.is_none() => {
            let message = "the task may hang for 99,999,999 seconds, more than three years";
            let warning = written.warn(Code::TaskWithoutTimeout, "", message);
            Some(warning.hint("set `TimeoutSeconds`"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Code, MachineType, Severity, validate};

    /// Lists the codes of the warnings and where they point.
    fn warnings(states: &str) -> Vec<(Code, String)> {
        let text = format!(r#"{{"StartAt": "A", "States": {states}}}"#);
        let findings = validate(&text, MachineType::Standard);
        assert!(
            findings.iter().all(|one| one.severity == Severity::Warning),
            "{findings:?}"
        );
        let place = |one: crate::Diagnostic| (one.code, one.pointer.unwrap_or_default());
        findings
            .into_iter()
            .map(place)
            .filter(|(code, _)| *code != Code::TaskWithoutTimeout)
            .collect()
    }

    const TASK: &str = r#""Type": "Task", "Resource": "arn:aws:states:::lambda:invoke""#;

    #[test]
    fn a_task_should_name_a_timeout() {
        let text = format!(r#"{{"StartAt": "A", "States": {{"A": {{{TASK}, "End": true}}}}}}"#);
        let findings = validate(&text, MachineType::Standard);
        assert_eq!(findings[0].code, Code::TaskWithoutTimeout);
        let text = text.replace(r#""End""#, r#""TimeoutSeconds": 5, "End""#);
        assert_eq!(validate(&text, MachineType::Standard), []);
    }

    #[test]
    fn a_catch_should_keep_what_a_later_state_reads() {
        let machine = |catch: &str| {
            format!(
                r#"{{"A": {{{TASK}, "Catch": [{{"ErrorEquals": ["E"], "Next": "C"{catch}}}], "End": true}},
                    "C": {{"Type": "Pass", "Parameters": {{"id.$": "$.cluster.id"}}, "Next": "F"}}, "F": {{"Type": "Fail"}}}}"#
            )
        };
        let place = "/States/A/Catch/0".to_owned();
        assert_eq!(warnings(&machine("")), [(Code::CatchDropsInput, place)]);
        assert_eq!(warnings(&machine(r#", "ResultPath": "$.error""#)), []);
    }

    #[test]
    fn a_failure_should_not_end_in_success() {
        let machine = |handler: &str| {
            format!(
                r#"{{"A": {{{TASK}, "Catch": [{{"ErrorEquals": ["E"], "Next": "C"}}], "Next": "B"}},
                    "B": {{"Type": "Succeed"}}, "C": {{"Type": "Pass", {handler}}}, "F": {{"Type": "Fail"}}}}"#
            )
        };
        let ending = machine(r#""End": true"#).replace(r#", "F": {"Type": "Fail"}"#, "");
        assert_eq!(warnings(&ending)[0].0, Code::FailureEndsInSuccess);
        assert_eq!(warnings(&machine(r#""Next": "F""#)), []);
        let rejoining = machine(r#""Next": "B""#).replace(r#", "F": {"Type": "Fail"}"#, "");
        assert_eq!(warnings(&rejoining), []);
    }

    #[test]
    fn a_handler_should_be_reachable() {
        let machine = |first: &str, second: &str| {
            format!(
                r#"{{"A": {{{TASK}, "Retry": [{{"ErrorEquals": ["{first}"]}}, {{"ErrorEquals": ["{second}"]}}], "End": true}}}}"#
            )
        };
        let place = "/States/A/Retry/1".to_owned();
        assert_eq!(
            warnings(&machine("E", "E")),
            [(Code::UnreachableHandler, place.clone())]
        );
        assert_eq!(
            warnings(&machine("States.TaskFailed", "E")),
            [(Code::UnreachableHandler, place.clone())]
        );
        assert_eq!(
            warnings(&machine("E", "States.Runtime")),
            [(Code::UnreachableHandler, place)]
        );
        assert_eq!(warnings(&machine("E", "States.ALL")), []);
    }

    #[test]
    fn a_cluster_should_not_be_created_twice() {
        let machine = r#"{"A": {"Type": "Task", "Resource": "arn:aws:states:::elasticmapreduce:createCluster.sync",
            "Retry": [{"ErrorEquals": ["States.ALL"]}], "End": true}}"#;
        assert_eq!(
            warnings(machine),
            [(
                Code::CatchAllOnCreateCluster,
                "/States/A/Retry/0".to_owned()
            )]
        );
    }

    #[test]
    fn paths_should_stand_where_they_are_read() {
        let machine = r#"{"A": {"Type": "Pass", "Parameters": {"a": "$.x", "b": "States.UUID()", "c": "US$"}, "Next": "B"},
            "B": {"Type": "Pass", "Result": {"a.$": "$.x"}, "End": true}}"#;
        assert_eq!(
            warnings(machine),
            [
                (Code::NoPath, "/States/A/Parameters/a".to_owned()),
                (Code::NoDollar, "/States/A/Parameters/b".to_owned()),
                (Code::PassResultIsStatic, "/States/B/Result".to_owned()),
            ]
        );
    }

    #[test]
    fn many_results_should_be_written_out() {
        let machine = r#"{"A": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "P",
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "States": {"P": {"Type": "Pass", "End": true}}}}}"#;
        assert_eq!(
            warnings(machine),
            [(Code::PayloadMayExceedLimit, "/States/A".to_owned())]
        );
        assert_eq!(
            warnings(&machine.replace(
                r#""End": true, "ItemP"#,
                r#""ResultPath": null, "End": true, "ItemP"#
            )),
            []
        );
    }
}
