//! Draws an execution as a tree of its states, for people.

use chrono::TimeDelta;
use drivetrain_statemachine::trace::{
    Attempted, Inside, Iteration, Iterations, Steps, Totals, Visit, VisitEnd,
};

use crate::machines::duration_text::time_span;
use crate::machines::findings::finding::plural;
use crate::report::grouped;

/// The most iterations of a Map that are all drawn. If there are more, only failed iterations are drawn, followed by
/// the totals per state.
const MOST_SHOWN: u64 = 10;

/// The length to which a cause is truncated in the tree; the end of the report shows the execution's cause in full.
const MOST_CAUSE_CHARACTERS: usize = 300;

/// Draws the visited states in order, each with its type, duration, result and inner states, and with its data if the
/// trace has it.
#[must_use]
pub fn tree(steps: &Steps) -> String {
    let mut text = String::new();
    draw_steps(steps, "", &mut text);
    text
}

/// Draws the states of one flow: the machine, a branch or an iteration. Each line begins with `guide`.
fn draw_steps(steps: &Steps, guide: &str, text: &mut String) {
    let last = steps.iter().count().saturating_sub(1);
    for (index, visit) in steps.iter().enumerate() {
        if index == steps.first.len() && steps.left_out > 0 {
            let states = grouped(steps.left_out);
            *text += &format!("{guide}├─ .. {states} more states ..\n");
        }
        let (branch, below) = if index == last {
            ("└─", "   ")
        } else {
            ("├─", "│  ")
        };
        *text += &format!("{guide}{branch} {}\n", line(visit));
        draw_below(visit, &format!("{guide}{below}"), text);
    }
}

/// Formats the line of a visited state: `Charge  Task  20 s  ok, retried 2 times`.
fn line(visit: &Visit) -> String {
    let Visit {
        state, state_type, ..
    } = visit;
    let mut notes = match visit.end {
        VisitEnd::Left => "ok".to_owned(),
        VisitEnd::Caught => "caught".to_owned(),
        VisitEnd::Failed => "FAILED".to_owned(),
        VisitEnd::Stopped => "stopped".to_owned(),
    };
    if let Inside::Iterations(iterations) = &visit.inside {
        notes += &format!(", {}", counts(iterations));
    }
    let retries = usize::try_from(visit.starts.saturating_sub(1)).unwrap_or(usize::MAX);
    if retries > 0 {
        notes += &format!(", retried {}", plural(retries, "time"));
    }
    format!(
        "{state}  {state_type}  {}  {notes}",
        time_span(visit.duration())
    )
}

/// Formats the number of iterations; if they ended differently, with a number per result: `3 iterations (2 ok, 1
/// failed)`.
fn counts(iterations: &Iterations) -> String {
    let total = usize::try_from(iterations.total()).unwrap_or(usize::MAX);
    let parts: Vec<String> = [
        (iterations.succeeded, "ok"),
        (iterations.failed, "failed"),
        (iterations.stopped, "stopped"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0 && *count < iterations.total())
    .map(|(count, word)| format!("{} {word}", grouped(count)))
    .collect();
    let details = if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    };
    format!("{}{details}", plural(total, "iteration"))
}

/// Draws the data, failures and inner states of a visit below its line.
fn draw_below(visit: &Visit, guide: &str, text: &mut String) {
    if let Some(input) = &visit.input {
        *text += &format!("{guide}  input   {input}\n");
    }
    // If an inner state caused the failure, its line already shows the reason.
    let shown_inside = failed_inside(visit).and_then(Visit::last_failure);
    for (number, attempted) in visit.attempts.iter().enumerate() {
        let is_last = number + 1 == visit.attempts.len();
        if is_last && shown_inside.is_some_and(|inner| same_reason(inner, attempted)) {
            continue;
        }
        let hidden = visit.failures - visit.attempts.len() as u64;
        if hidden > 0 && number + 1 == visit.attempts.len() {
            *text += &format!("{guide}  .. {} more failures ..\n", grouped(hidden));
        }
        let after = time_span(attempted.at - visit.entered_at);
        *text += &format!("{guide}  failed after {after}: {}\n", reason(attempted));
    }
    if let Some(output) = &visit.output {
        *text += &format!("{guide}  output  {output}\n");
    }
    match &visit.inside {
        Inside::Nothing => {}
        Inside::Branches(branches) => {
            for (index, steps) in branches.iter().enumerate() {
                let is_last = index + 1 == branches.len();
                draw_group(
                    &format!("branch {}", index + 1),
                    steps,
                    is_last,
                    guide,
                    text,
                );
            }
        }
        Inside::Iterations(iterations) => draw_iterations(iterations, guide, text),
    }
}

/// Returns the visit of the inner state that ended its branch or iteration with a failure; the first one if there are
/// several.
fn failed_inside(visit: &Visit) -> Option<&Visit> {
    let flows: Vec<&Steps> = match &visit.inside {
        Inside::Nothing => Vec::new(),
        Inside::Branches(branches) => branches.iter().collect(),
        Inside::Iterations(iterations) => iterations.kept.iter().map(|kept| &kept.steps).collect(),
    };
    let mut last = flows
        .into_iter()
        .filter_map(|steps| steps.iter().next_back());
    last.find(|visit| visit.end == VisitEnd::Failed)
}

/// Returns `true` if both attempts failed with the same error and cause.
fn same_reason(one: &Attempted, other: &Attempted) -> bool {
    one.error == other.error && one.cause == other.cause
}

/// Draws every iteration if there are at most [`MOST_SHOWN`]; otherwise the failed iterations and the totals per state.
fn draw_iterations(iterations: &Iterations, guide: &str, text: &mut String) {
    let in_full = iterations.total() <= MOST_SHOWN;
    let mut shown: Vec<&Iteration> = iterations
        .kept
        .iter()
        .filter(|kept| in_full || kept.end == VisitEnd::Failed)
        .collect();
    shown.sort_by_key(|kept| kept.index);
    for (at, kept) in shown.iter().enumerate() {
        let is_last = in_full && at + 1 == shown.len();
        draw_group(
            &format!("iteration {}", kept.index),
            &kept.steps,
            is_last,
            guide,
            text,
        );
    }
    if in_full {
        return;
    }
    let last = iterations.states.len().saturating_sub(1);
    for (index, (state, totals)) in iterations.states.iter().enumerate() {
        let branch = if index == last { "└─" } else { "├─" };
        *text += &format!("{guide}{branch} {state}  {}\n", summed(totals));
    }
}

/// Formats the totals of a state over all iterations: `10,000 visits  1.5 s each  12 failed attempts  3 FAILED`.
fn summed(totals: &Totals) -> String {
    let visits = usize::try_from(totals.visits).unwrap_or(usize::MAX);
    let each = i32::try_from(totals.visits)
        .ok()
        .and_then(|visits| totals.duration.checked_div(visits))
        .unwrap_or(TimeDelta::zero());
    let each = TimeDelta::milliseconds(each.num_milliseconds());
    let mut text = format!("{}  {} each", plural(visits, "visit"), time_span(each));
    // The last failure of a visit that failed for good is counted below.
    let attempts = totals.failures.saturating_sub(totals.failed);
    if attempts > 0 {
        let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
        text += &format!("  {}", plural(attempts, "failed attempt"));
    }
    if totals.failed > 0 {
        text += &format!("  {} FAILED", grouped(totals.failed));
    }
    text
}

/// Draws the line of a branch or an iteration, and below it the states that it visited.
fn draw_group(name: &str, steps: &Steps, is_last: bool, guide: &str, text: &mut String) {
    let (branch, below) = if is_last {
        ("└─", "   ")
    } else {
        ("├─", "│  ")
    };
    *text += &format!("{guide}{branch} {name}\n");
    draw_steps(steps, &format!("{guide}{below}"), text);
}

/// Formats an attempt's error and cause on one line.
fn reason(attempted: &Attempted) -> String {
    let error = match (&attempted.error, &attempted.cause) {
        (Some(error), _) => error,
        (None, Some(_)) => "an error without a name",
        (None, None) => "the history does not record the error",
    };
    let Some(cause) = attempted.cause.as_deref().filter(|cause| !cause.is_empty()) else {
        return error.to_owned();
    };
    let line: String = cause.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_CAUSE_CHARACTERS) {
        Some((end, _)) => format!("{error}: {}..", &line[..end]),
        None => format!("{error}: {line}"),
    }
}
