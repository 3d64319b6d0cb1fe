//! Checks each state for best practices.

use serde_json::Value;

use crate::definition::model::{Flow, StateKind};
use crate::definition::read::object_fields::DiagnosticCollector;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::json_pointer::child_pointer;
use crate::validate::best_practices::written_state::WrittenState;
use crate::validate::best_practices::{error_handlers, payloads};

/// Returns the warnings about a definition that has no errors.
pub(crate) fn check(source: &Value, flow: &Flow) -> Vec<Diagnostic> {
    let findings = DiagnosticCollector::default();
    check_flow(source, flow, "", &findings);
    findings.into_inner()
}

/// Checks each state of a flow and of the flows inside it.
fn check_flow(source: &Value, flow: &Flow, pointer: &str, findings: &DiagnosticCollector) {
    let Some(states) = source.get("States") else {
        return;
    };
    for state in &flow.states {
        let pointer = child_pointer(&child_pointer(pointer, "States"), &state.name);
        let Some(source) = states.get(&state.name) else {
            continue;
        };
        let written = WrittenState {
            state,
            source,
            pointer: &pointer,
        };
        findings.extend(without_timeout(written));
        findings.extend(error_handlers::check(written, flow, states));
        findings.extend(payloads::check(written));
        for (inner, path) in state.flows().iter().zip(state.flow_pointers()) {
            if let Some(source) = source.pointer(&path) {
                check_flow(source, inner, &format!("{pointer}{path}"), findings);
            }
        }
    }
}

/// Returns a warning if the state is a Task without a timeout.
fn without_timeout(written: WrittenState<'_>) -> Option<Diagnostic> {
    match &written.state.kind {
        StateKind::Task(task) if task.timeout.is_none() => {
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

    /// Returns the codes and the pointers of the warnings.
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
    fn any_later_read_of_dropped_input_is_found() {
        let machine = |handler: &str| {
            format!(
                r#"{{"A": {{{TASK}, "Catch": [{{"ErrorEquals": ["E"], "Next": "C"}}], "End": true}}, "C": {{{handler}}}, "F": {{"Type": "Fail"}}}}"#
            )
        };
        let inner = r#""ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}}, "Next": "F""#;
        for reading in [
            r#""Type": "Pass", "Parameters": {"t.$": "States.Format('{}', $.id)"}, "Next": "F""#.to_owned(),
            r#""Type": "Wait", "SecondsPath": "$.seconds", "Next": "F""#.to_owned(),
            format!(r#""Type": "Map", "ItemsPath": "$.items", {inner}"#),
            format!(r#""Type": "Map", "ItemSelector": {{"id.$": "$.id"}}, {inner}"#),
            r#""Type": "Choice", "Choices": [{"Variable": "$.id", "IsNull": true, "Next": "F"}], "Default": "F""#
                .to_owned(),
        ] {
            let found = warnings(&machine(&reading));
            assert_eq!(found.len(), 1, "{reading}: {found:?}");
            assert_eq!(found[0].0, Code::CatchDropsInput);
        }
        for reading in [
            r#""Type": "Pass", "Parameters": {"t.$": "States.Format('$.id {}', $.Cause)"}, "Next": "F""#,
            r#""Type": "Choice", "Choices": [{"Variable": "$.id", "IsPresent": true, "Next": "F"}], "Default": "F""#,
            r#""Type": "Pass", "Parameters": {"t.$": "$$.Execution.Input.id"}, "Next": "F""#,
        ] {
            assert_eq!(warnings(&machine(reading)), [], "{reading}");
        }
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
        assert_eq!(
            warnings(&machine("States.Timeout", "States.HeartbeatTimeout"))[0].0,
            Code::UnreachableHandler
        );
        for (first, second) in [
            ("E", "States.ALL"),
            ("E", "F"),
            ("E", "States.TaskFailed"),
            ("States.TaskFailed", "States.Timeout"),
            ("States.HeartbeatTimeout", "States.Timeout"),
        ] {
            assert_eq!(warnings(&machine(first, second)), [], "{first} {second}");
        }
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
        for near in [
            machine.replace("States.ALL", "States.TaskFailed"),
            machine.replace("createCluster.sync", "addStep.sync"),
        ] {
            assert_eq!(warnings(&near), [], "{near}");
        }
    }

    #[test]
    fn paths_should_be_in_fields_that_are_evaluated() {
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
    fn answers_without_a_bound_should_be_cut() {
        let machine = |field: &str| {
            format!(
                r#"{{"A": {{"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject"{field}, "End": true}}}}"#
            )
        };
        assert_eq!(
            warnings(&machine("")),
            [(Code::PayloadMayExceedLimit, "/States/A".to_owned())]
        );
        for near in [
            r#", "ResultPath": null"#,
            r#", "ResultSelector": {"e.$": "$.ETag"}"#,
        ] {
            assert_eq!(warnings(&machine(near)), []);
        }
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
        let with_writer = |writer: &str| {
            let field = format!(r#""ResultWriter": {writer}, "End": true, "ItemP"#);
            warnings(&machine.replace(r#""End": true, "ItemP"#, &field))
        };
        let shaped =
            with_writer(r#"{"WriterConfig": {"OutputType": "JSON", "Transformation": "COMPACT"}}"#);
        assert_eq!(shaped[0].0, Code::PayloadMayExceedLimit);
        let exported =
            r#"{"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}"#;
        assert_eq!(with_writer(exported), []);
    }
}
