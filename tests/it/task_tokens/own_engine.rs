//! Steps that executions of the crate `statemachine` hand out: its tokens answer over HTTP as Step Functions does, also
//! where emulators differ from it.

use std::process::Child;
use std::sync::{Arc, Mutex};

use drivetrain_statemachine::{
    Engine, ErrorKind, ExecutionControl, History, Machine, Outcome, Status, TaskCall, TaskFailure,
    Tokens,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::{HeldRun, Mode, assert_no_answer};
use crate::support::process_output::{ProcessOutput, child_of, signal_process};
use crate::support::s3_gate::{HeldRequest, S3Request, When};
use crate::support::task_server::{self, Reply, TaskServer};

/// Answers a request to Step Functions by the tokens of an engine.
fn answer(tokens: &Tokens, call: &task_server::TaskCall) -> Reply {
    let text = |key: &str| call.body[key].as_str().map(str::to_owned);
    let token = text("taskToken").unwrap();
    let answered = match call.action.as_str() {
        "SendTaskHeartbeat" => tokens.heartbeat(&token),
        "SendTaskSuccess" => {
            let output = serde_json::from_str(&text("output").unwrap()).unwrap();
            tokens.succeed(&token, output)
        }
        "SendTaskFailure" => tokens.fail(&token, text("error"), text("cause")),
        other => panic!("{other}"),
    };
    match answered.map_err(|error| error.kind()) {
        Ok(()) => Reply::Accepted,
        Err(ErrorKind::UnknownToken) => Reply::Error("InvalidToken"),
        Err(_) => Reply::Error("TaskTimedOut"),
    }
}

/// An execution in progress.
struct StartedExecution<'a> {
    control: ExecutionControl,
    result: JoinHandle<Outcome>,
    runtime: &'a Runtime,
}

impl StartedExecution<'_> {
    /// Waits for the end of the execution.
    fn end(self) -> Outcome {
        self.runtime.block_on(self.result).unwrap()
    }
}

/// A run that steps of an execution start, and the engine of that execution.
struct Steps {
    runtime: Runtime,
    tokens: Tokens,
    server: TaskServer,
    run: Arc<HeldRun>,
    engine: Engine,
    history: History,
    started: Arc<Mutex<Vec<Child>>>,
}

impl Steps {
    fn new(flags: &str) -> Self {
        let tokens = Tokens::default();
        let answers = tokens.clone();
        let server = TaskServer::answering(move |call, _| answer(&answers, call));
        let run = Arc::new(HeldRun::new(&server, Mode::Supervised, flags));
        let started = Arc::new(Mutex::new(Vec::new()));
        let (starting, sandbox) = (Arc::clone(&started), Arc::clone(&run));
        let history = History::default();
        let engine = Engine::new(move |call: TaskCall| {
            let step = &call.input["Steps"][0]["HadoopJarStep"];
            let words = step["Args"].as_array().unwrap().iter();
            let words: Vec<&str> = words.skip(1).map(|word| word.as_str().unwrap()).collect();
            starting
                .lock()
                .unwrap()
                .push(sandbox.sandbox.start_words(&words));
            async { Ok::<_, TaskFailure>(json!({"StepIds": ["s-1TEST"]})) }
        })
        .tokens(tokens.clone())
        .history(history.clone());
        Self {
            runtime: Runtime::new().unwrap(),
            tokens,
            server,
            run,
            engine,
            history,
            started,
        }
    }

    /// Returns a machine with one step, whose words are those of the run but for the token.
    fn machine(&self, fields: &Value) -> Machine {
        let line = self.run.line.replace(&Mode::Supervised.flags(), "");
        let words = format!("drivetrain {line}");
        let words: Vec<String> = words
            .split_whitespace()
            .map(|word| format!("'{word}'"))
            .collect();
        let args = format!(
            "States.Array({}, '--task-token', $$.Task.Token)",
            words.join(", ")
        );
        let mut state = json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:emr:addJobFlowSteps.waitForTaskToken",
            "Parameters": {
                "JobFlowId": "j-1TEST",
                "Steps": [{
                    "Name": "sales",
                    "ActionOnFailure": "CONTINUE",
                    "HadoopJarStep": {"Jar": "command-runner.jar", "Args.$": args}
                }]
            },
            "End": true
        });
        let fields = fields.as_object().unwrap().clone();
        state.as_object_mut().unwrap().extend(fields);
        let machine = json!({"StartAt": "Step", "States": {"Step": state}});
        Machine::parse(&machine.to_string()).unwrap()
    }

    /// Holds a request of the run to its store.
    fn hold(&self, when: When, matches: fn(&S3Request) -> bool) -> HeldRequest {
        self.run.s3.gate.hold(when, 1, matches)
    }

    /// Starts an execution of a machine whose step has these fields too.
    fn start(&self, fields: &Value) -> StartedExecution<'_> {
        let machine = self.machine(fields);
        let _entered = self.runtime.enter();
        let execution = self.engine.start(&machine, json!({})).unwrap();
        StartedExecution {
            control: execution.control(),
            result: self.runtime.spawn(execution.result()),
            runtime: &self.runtime,
        }
    }

    /// Returns the process of the last step.
    fn process(&self) -> Child {
        let last = self.started.lock().unwrap().pop();
        last.expect("a step was started")
    }

    fn events(&self) -> Vec<String> {
        let events = self.history.events();
        events
            .iter()
            .map(|event| event.event_type.as_str().to_owned())
            .collect()
    }

    #[track_caller]
    fn assert_failed(&self, outcome: &Outcome, error: &str, event: &str) -> String {
        assert_eq!(outcome.status, Status::Failed, "{outcome:?}");
        assert_eq!(outcome.error.as_deref(), Some(error), "{outcome:?}");
        assert!(
            self.events().contains(&event.to_owned()),
            "{:?}",
            self.events()
        );
        outcome.cause.clone().unwrap_or_default()
    }
}

#[test]
fn a_success_is_the_output_of_the_execution() {
    let steps = Steps::new("");
    let execution = steps.start(&json!({"HeartbeatSeconds": 60}));
    let output = execution.end().output.unwrap();
    assert_eq!(output["record"], 1);
    assert_eq!(output["tables"][0]["live"]["rows"], 4);
    ProcessOutput::wait_for(steps.process()).succeeds();
    assert!(steps.events().contains(&"TaskSucceeded".to_owned()));
}

#[test]
fn a_failure_has_its_name_and_its_cause() {
    let steps = Steps::new("");
    let bad = "order_id,shop_id,ordered_at,amount,paid\n1,10,soon,3.00,yes\n";
    let sandbox = &steps.run.sandbox;
    sandbox.write("sales/sample/raw/orders/orders.csv", bad);
    let outcome = steps.start(&json!({})).end();
    ProcessOutput::wait_for(steps.process()).fails(4, &["too many rows"]);
    let cause = steps.assert_failed(&outcome, "Drivetrain.QualityGate", "TaskFailed");
    assert!(
        cause.contains("the rejected rows are in `s3://bucket/"),
        "{cause}"
    );
}

#[test]
fn a_stopped_execution_stops_its_run() {
    let steps = Steps::new("--heartbeat 1s");
    let held = steps.hold(When::Before, S3Request::sends_part);
    let execution = steps.start(&json!({}));
    held.reached();
    execution.control.stop(Some("Operator".to_owned()), None);
    ProcessOutput::wait_for(steps.process()).fails(143, &["TaskTimedOut", "nothing was published"]);
    assert_eq!(execution.end().status, Status::Aborted);
    assert_no_answer(&steps.server);
    assert!(!steps.run.is_committed());
}

#[test]
fn a_lost_node_is_a_missed_heartbeat() {
    let steps = Steps::new("--heartbeat 1s");
    let held = steps.hold(When::Before, S3Request::sends_part);
    let execution = steps.start(&json!({"HeartbeatSeconds": 4}));
    held.reached();
    let mut process = steps.process();
    let child = child_of(process.id());
    process.kill().unwrap();
    signal_process(child, "KILL");
    process.wait().unwrap();
    let outcome = execution.end();
    steps.assert_failed(&outcome, "States.Timeout", "TaskTimedOut");
    assert!(outcome.stopped_at - outcome.started_at >= chrono::Duration::seconds(4));
    assert!(!steps.run.is_committed());
}

#[test]
fn a_killed_run_is_retried_by_its_name_and_found_done() {
    let steps = Steps::new("");
    let held = steps.hold(When::After, |request| {
        request.puts("/log/00000000000000000001.json")
    });
    let execution = steps.start(&json!({"Retry": [
        {"ErrorEquals": ["Drivetrain.TryAgain"], "IntervalSeconds": 1, "MaxAttempts": 1}
    ]}));
    held.reached();
    let process = steps.process();
    signal_process(child_of(process.id()), "KILL");
    held.resume();
    ProcessOutput::wait_for(process).fails(75, &["may be committed"]);
    let output = execution.end().output.expect("the second attempt succeeds");
    assert_eq!(output["already_done"], true);
    ProcessOutput::wait_for(steps.process()).succeeds();
    let calls = steps.server.calls();
    let token = |at: usize| calls[at].body["taskToken"].clone();
    assert_ne!(token(0), token(calls.len() - 1));
}

#[test]
fn a_task_that_another_has_answered_is_not_answered_again() {
    let steps = Steps::new("--heartbeat 1s");
    let held = steps.hold(When::Before, S3Request::sends_part);
    let execution = steps.start(&json!({}));
    held.reached();
    let token = steps.server.calls()[0].body["taskToken"].clone();
    let answered = steps
        .tokens
        .succeed(token.as_str().unwrap(), json!("by another"));
    answered.unwrap();
    ProcessOutput::wait_for(steps.process()).fails(143, &["TaskTimedOut", "nothing was published"]);
    assert_eq!(execution.end().output, Some(json!("by another")));
    assert_no_answer(&steps.server);
}
