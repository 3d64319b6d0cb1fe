//! Runs states one after the other: enters, attempts, retries, catches, leaves.

use std::sync::Arc;

use serde_json::Value;

use crate::definition::model::{Catcher, Flow, State, StateKind};
use crate::engine::attempt::Attempt;
use crate::engine::clock::{date_text, sleep};
use crate::engine::execution::execution_run::Run;
use crate::engine::execution::map_item::MapItem;
use crate::engine::failure::{Failure, FailureClass};
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::{Details, EventType};
use crate::engine::history::recorder::ShownData;
use crate::engine::retriers::RetryCounter;
use crate::engine::state::{StateResult, catch_failure, run_attempt, run_attempt_at_once};
use crate::engine::state_data::{StateData, Variables};
use crate::engine::states::pass;

/// Runs a flow from its start to its end and returns its output.
pub(crate) async fn run_flow(
    run: &Arc<Run>,
    flow: &Flow,
    input: Value,
    thread: &mut FlowThread,
) -> Result<StateData, Failure> {
    let mut input = StateData::from(input);
    let mut current = flow.start;
    loop {
        if run.environment.transition() {
            thread.left_at = None;
            tokio::task::yield_now().await;
        }
        let (output, next) = run_state(run, &flow.states[current], input, thread).await?;
        match next {
            Some(next) => current = next,
            None => return Ok(output),
        }
        input = output;
    }
}

/// Runs one state, from the event of its entry to that of its exit; returns the output and the index of the next state.
pub(crate) async fn run_state(
    run: &Arc<Run>,
    state: &State,
    mut raw: StateData,
    thread: &mut FlowThread,
) -> Result<(StateData, Option<usize>), Failure> {
    let before = thread.last;
    let at = thread.left_at.take();
    let (entered, _) = run.recorder.record_state(
        before,
        entered_event(&state.kind),
        &state.shared_name,
        ShownData::Input(&mut raw),
        at,
    )?;
    thread.last = entered;
    let done = if never_waits(&state.kind) {
        run_at_once(run, state, raw, thread, before)
    } else {
        let mut open = OpenState {
            run,
            thread,
            event: aborted_event(&state.kind),
        };
        let done = attempt_until_done(run, state, &raw, open.thread, before).await;
        open.event = None;
        done.map(|done| done.or_unchanged(raw))
    };
    let done = done.inspect_err(|failure| {
        if failure.class == FailureClass::Runtime {
            run.recorder.mark_failing();
        }
    })?;
    let mut output = done.output;
    if let Some(event) = exited_event(&state.kind) {
        let shown = ShownData::Output(&mut output, done.assigned.as_ref());
        (thread.last, thread.left_at) =
            run.recorder
                .record_state(thread.last, event, &state.shared_name, shown, None)?;
    }
    if let Some(assigned) = done.assigned {
        thread.assign(assigned);
    }
    Ok((output, done.next))
}

/// A state that has been entered but not left; dropping it in a branch or an iteration records that it was aborted.
struct OpenState<'a> {
    /// The execution that records the event.
    run: &'a Run,
    /// The thread of the state; the abort event follows the thread's last event.
    thread: &'a mut FlowThread,
    /// The type of the abort event to record; `None` once the state has ended.
    event: Option<EventType>,
}

impl Drop for OpenState<'_> {
    fn drop(&mut self) {
        if let Some(event) = self.event.filter(|_| self.thread.nested) {
            self.run
                .recorder
                .abort(self.thread.last, event, Details::default);
        }
    }
}

/// The completed result of a state, in which the output is always present.
struct LeftState {
    /// The state's output.
    output: StateData,
    /// The variables to set, if the state has `Assign`.
    assigned: Option<Variables>,
    /// The index of the next state in the flow; `None` at the flow's end.
    next: Option<usize>,
}

impl StateResult {
    /// Completes the result: the raw input becomes the output if the state left it unchanged.
    fn or_unchanged(self, raw: StateData) -> LeftState {
        LeftState {
            output: self.output.unwrap_or(raw),
            assigned: self.assigned,
            next: self.next,
        }
    }
}

/// Runs a state that never waits, and so has no retriers and no catchers.
fn run_at_once(
    run: &Arc<Run>,
    state: &State,
    raw: StateData,
    thread: &mut FlowThread,
    before: u64,
) -> Result<LeftState, Failure> {
    let attempt = first_attempt(
        run,
        state,
        thread,
        (&thread.variables, thread.item.as_deref()),
    );
    let done = if pass::can_move(state) {
        pass::perform_by_moving(&attempt, raw).map(|output| LeftState {
            output,
            assigned: None,
            next: state.next,
        })
    } else {
        let mut raw = raw;
        let mut spare = raw.take_text();
        run_attempt_at_once(&attempt, raw.value(), &mut spare).map(|done| {
            raw.return_text(spare);
            done.or_unchanged(raw)
        })
    };
    if let Err(failure) = &done {
        record_evaluation_failure(run, state, thread, before, failure)?;
    }
    done
}

/// Creates the first attempt of a state that has just been entered.
fn first_attempt<'a>(
    run: &'a Arc<Run>,
    state: &'a State,
    thread: &FlowThread,
    (variables, item): (&'a Variables, Option<&'a MapItem>),
) -> Attempt<'a> {
    Attempt {
        run,
        state,
        variables,
        variable_bytes: thread.variable_bytes,
        item,
        entered: thread.last,
        entered_at: if state.reads_context {
            date_text(run.environment.clock.now())
        } else {
            String::new()
        },
        retry_count: 0,
        token: None,
    }
}

/// Attempts a state until it succeeds or no retrier has a retry left; then a catcher may handle the last failure.
async fn attempt_until_done(
    run: &Arc<Run>,
    state: &State,
    raw: &StateData,
    thread: &mut FlowThread,
    before: u64,
) -> Result<StateResult, Failure> {
    let (variables, item) = (thread.variables.clone(), thread.item.clone());
    let mut attempt = first_attempt(run, state, thread, (&variables, item.as_deref()));
    let raw = raw.value();
    let mut retries = RetryCounter::new(&state.retry);
    loop {
        if let StateKind::Task(task) = &state.kind
            && task.resource.waits_for_token()
        {
            attempt.token = Some(run.environment.uuid());
        }
        let attempted = run_attempt(&attempt, thread, raw).await;
        let inner_success = thread.inner_success.take();
        let failure = match attempted {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        // A failure after the branches or iterations have succeeded follows the event that records their success.
        thread.last = inner_success.unwrap_or(thread.last);
        let follows = if thread.last == attempt.entered {
            before
        } else {
            thread.last
        };
        record_evaluation_failure(run, state, thread, follows, &failure)?;
        let delay = retries.next(&failure, &mut run.environment.host().random);
        if let Some(delay) = delay {
            sleep(delay).await;
            attempt.retry_count += 1;
            continue;
        }
        // Measured: an error of the machine itself ends the execution at once, and the enclosing states record no event
        // for it.
        if failure.class == FailureClass::Runtime {
            return Err(failure);
        }
        let follows = thread.last;
        record_state_failure(run, state, thread)?;
        let taken = |catcher: &Catcher| failure.matches(&catcher.errors);
        let Some(index) = state.catch.iter().position(taken) else {
            record_aborted_task(run, state, thread, &failure)?;
            return Err(failure);
        };
        let done = catch_failure(&attempt, raw, &failure, index);
        if let Err(failure) = &done
            && failure.class != FailureClass::Runtime
        {
            record_evaluation_failure(run, state, thread, follows, failure)?;
            record_state_failure(run, state, thread)?;
        }
        return done;
    }
}

/// Records that a field could not be evaluated, if this caused the failure and no branch or iteration has recorded it.
///
/// `follows` is the number of the event that the new event follows. As on AWS, this is the event before the state's
/// entry, or before the state's failure if a field of the catcher fails.
fn record_evaluation_failure(
    run: &Run,
    state: &State,
    thread: &mut FlowThread,
    follows: u64,
    failure: &Failure,
) -> Result<(), Failure> {
    if let FailureClass::Evaluation { location } = &failure.class
        && !failure.from_inside
    {
        thread.last = run
            .recorder
            .record(follows, EventType::EvaluationFailed, || Details {
                error: failure.error.clone(),
                cause: failure.cause.clone(),
                location: location.clone(),
                state: Some(state.name.clone()),
                ..Details::default()
            })?;
    }
    Ok(())
}

/// Records that a task was aborted, as AWS does when the failure of a task ends a branch or an iteration.
fn record_aborted_task(
    run: &Run,
    state: &State,
    thread: &FlowThread,
    failure: &Failure,
) -> Result<(), Failure> {
    let of_task = matches!(
        failure.class,
        FailureClass::Ordinary | FailureClass::Timeout { .. }
    );
    if thread.nested && of_task && matches!(state.kind, StateKind::Task(_)) {
        // Measured: the next event follows the failure, not this event.
        run.record_plain(thread.last, EventType::TaskStateAborted)?;
    }
    Ok(())
}

/// Records that a state failed for good, if it is a Map or a Parallel state.
fn record_state_failure(run: &Run, state: &State, thread: &mut FlowThread) -> Result<(), Failure> {
    let event = match state.kind {
        StateKind::Map(_) => EventType::MapStateFailed,
        StateKind::Parallel(_) => EventType::ParallelStateFailed,
        StateKind::Task(_)
        | StateKind::Pass(_)
        | StateKind::Choice(_)
        | StateKind::Wait(_)
        | StateKind::Succeed
        | StateKind::Fail(_) => return Ok(()),
    };
    thread.last = run.record_plain(thread.last, event)?;
    Ok(())
}

/// Returns `true` for the types of state that are left as soon as they are entered.
fn never_waits(kind: &StateKind) -> bool {
    match kind {
        StateKind::Pass(_) | StateKind::Choice(_) | StateKind::Succeed | StateKind::Fail(_) => true,
        StateKind::Task(_) | StateKind::Wait(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
            false
        }
    }
}

/// Returns the type of the event that records the entry of a state.
fn entered_event(kind: &StateKind) -> EventType {
    match kind {
        StateKind::Task(_) => EventType::TaskStateEntered,
        StateKind::Pass(_) => EventType::PassStateEntered,
        StateKind::Choice(_) => EventType::ChoiceStateEntered,
        StateKind::Wait(_) => EventType::WaitStateEntered,
        StateKind::Succeed => EventType::SucceedStateEntered,
        StateKind::Fail(_) => EventType::FailStateEntered,
        StateKind::Parallel(_) => EventType::ParallelStateEntered,
        StateKind::Map(_) => EventType::MapStateEntered,
    }
}

/// Returns the type of the event that records the exit of a state; `None` for a Fail state, which ends its flow.
fn exited_event(kind: &StateKind) -> Option<EventType> {
    match kind {
        StateKind::Task(_) => Some(EventType::TaskStateExited),
        StateKind::Pass(_) => Some(EventType::PassStateExited),
        StateKind::Choice(_) => Some(EventType::ChoiceStateExited),
        StateKind::Wait(_) => Some(EventType::WaitStateExited),
        StateKind::Succeed => Some(EventType::SucceedStateExited),
        StateKind::Fail(_) => None,
        StateKind::Parallel(_) => Some(EventType::ParallelStateExited),
        StateKind::Map(_) => Some(EventType::MapStateExited),
    }
}

/// Returns the type of the event that records that a state was aborted; `None` for states that never wait.
fn aborted_event(kind: &StateKind) -> Option<EventType> {
    match kind {
        StateKind::Task(_) => Some(EventType::TaskStateAborted),
        StateKind::Wait(_) => Some(EventType::WaitStateAborted),
        StateKind::Parallel(_) => Some(EventType::ParallelStateAborted),
        StateKind::Map(_) => Some(EventType::MapStateAborted),
        StateKind::Pass(_) | StateKind::Choice(_) | StateKind::Succeed | StateKind::Fail(_) => None,
    }
}
