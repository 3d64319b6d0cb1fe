//! One move of a process: the step that it takes, the following steps that no other process can observe, and their
//! notes.

use super::{Event, Step, Taken};
use crate::configuration::{Actor, Configuration};
use crate::invariants::Invariant;
use crate::mutants::Mutant;
use crate::state::{Exit, LAST_ATTEMPT, LAST_PROCESS, Number, Process, State, StoreState};

/// A state that one event leads to.
#[derive(Clone, Copy, Debug)]
pub struct Successor {
    /// The state after the event.
    pub state: State,
    /// The event that leads to it.
    pub event: Event,
    /// The invariant that the event itself breaks, if any.
    pub broken: Option<Invariant>,
}

/// The states that one event can lead to.
#[derive(Debug, Default)]
pub struct Successors {
    /// One successor per possible event.
    pub next: Vec<Successor>,
    /// `true` if a successor was left out because the model's log is full.
    pub is_cut: bool,
}

/// A move of a process, from a state to one of its successors.
#[derive(Clone, Copy)]
pub struct Move<'a> {
    /// The configuration that is explored.
    pub model: &'a Configuration,
    /// The state so far.
    pub state: State,
    /// The index of the process that moves.
    pub who: usize,
    /// `true` if faults may happen during the move.
    pub with_faults: bool,
    attempt: u8,
    taken: [Option<Taken>; 6],
    broken: Option<Invariant>,
}

impl Configuration {
    /// Adds the states that a process can reach with its next step.
    pub fn step(&self, state: &State, who: usize, with_faults: bool, out: &mut Successors) {
        let mut at = Move {
            model: self,
            state: *state,
            who,
            with_faults,
            attempt: state.processes[who].attempt,
            taken: [None; 6],
            broken: None,
        };
        match at.me().step {
            Step::Exited => {}
            Step::Idle => {
                at.begin();
                at.finish(out);
            }
            Step::ListTables => at.list_tables().finish(out),
            Step::ReadLog => at.read_log().finish(out),
            Step::ListInputs => at.list_inputs().finish(out),
            Step::ListParts => at.list_parts().finish(out),
            Step::PutRecord => at.put_record(out),
            Step::ReadBack => at.read_back(out),
            Step::ReadFound => at.read_found(out),
            Step::FinishFound => at.finish_found().finish(out),
            Step::AbortAfterSame | Step::AbortAfterConflict | Step::AbortAndStartAgain => {
                at.abort_own().finish(out);
            }
            Step::Complete | Step::Look => at.complete_or_look(out),
            Step::AbortAll => at.abort_all(out),
            Step::LookAgain => at.look_again(out),
            Step::ReadMark => at.read_mark().finish(out),
            Step::ReadNext => at.read_next().finish(out),
            Step::PutVoid => at.put_void(out),
            Step::Delete => at.delete(out),
            Step::PutMark => at.put_mark().finish(out),
            Step::ListAttempts => at.list_attempts().finish(out),
            Step::RemoveUploads => at.remove_uploads(out),
            Step::StopBeforePut => at.stop_before_put().finish(out),
            Step::LastLook => at.last_look().finish(out),
            // `finish` has taken these with the step before them.
            Step::FinishLast
            | Step::FindRun
            | Step::Aim
            | Step::OpenUploads
            | Step::TakeNextNumber => unreachable!("{} is taken at once", at.me().step),
        }
    }

    /// Returns the role of a process.
    pub fn actor(&self, who: usize) -> Actor {
        match who {
            LAST_PROCESS => self.last_actor,
            who => self.actors[who],
        }
    }
}

impl Move<'_> {
    /// Returns a copy of the process that moves.
    pub fn me(&self) -> Process {
        self.state.processes[self.who]
    }

    /// Returns the process that moves, for changes.
    pub fn me_mut(&mut self) -> &mut Process {
        &mut self.state.processes[self.who]
    }

    /// Returns the store, for changes.
    pub fn store(&mut self) -> &mut StoreState {
        &mut self.state.store
    }

    /// Records for the trace that the process takes a step.
    pub fn takes(&mut self, step: Step) {
        let free = self.taken.iter_mut().find(|taken| taken.is_none());
        let taken = Taken {
            step,
            record: 0,
            key: None,
            note: "",
        };
        *free.expect("at most six steps follow each other at once") = Some(taken);
    }

    /// Records for the trace the record or key that the last step concerns, and its outcome.
    pub fn notes(&mut self, record: Number, key: Option<usize>, note: &'static str) {
        let last = self.taken.iter_mut().rev().flatten().next();
        let last = last.expect("a step is noted first");
        (last.record, last.key, last.note) = (record, key, note);
    }

    /// Records that the step breaks an invariant; the first one counts.
    pub fn breaks(&mut self, invariant: Invariant) {
        self.broken.get_or_insert(invariant);
    }

    /// Returns `true` if the configuration deviates from the protocol by this mutant.
    pub fn is(&self, mutant: Mutant) -> bool {
        self.model.is(mutant)
    }

    /// Ends the process, and clears what it remembers except its attempt and its put in flight.
    pub fn exits(&mut self, exit: Exit) {
        let me = self.me();
        *self.me_mut() = Process {
            step: Step::Exited,
            exit,
            attempt: me.attempt,
            in_flight: me.in_flight,
            ..Process::default()
        };
    }

    /// Takes the following steps that no other process can observe, then adds the resulting state.
    pub fn finish(mut self, out: &mut Successors) {
        loop {
            match self.me().step {
                Step::FinishLast => self.finish_last(),
                Step::FindRun => self.find_run(),
                Step::Aim => self.aim(),
                Step::OpenUploads => self.open_uploads(),
                Step::TakeNextNumber => self.take_next_number(),
                _ => break,
            }
        }
        self.state.forget_irrelevant();
        out.next.push(Successor {
            state: self.state,
            event: Event::Steps {
                who: self.who,
                attempt: self.attempt.max(self.me().attempt),
                taken: self.taken,
            },
            broken: self.broken,
        });
    }

    /// Begins the process, and takes its first step in the same move.
    fn begin(&mut self) {
        let begun = self.state.store.last();
        match self.model.actor(self.who) {
            Actor::Run(plan) => {
                let attempt = match self.who {
                    LAST_PROCESS => LAST_ATTEMPT,
                    who => u8::try_from(who).expect("there are few processes") + 1,
                };
                self.me_mut().begun = begun;
                self.start_attempt(plan, attempt, 1);
                *self = match self.me().step {
                    Step::ReadLog => self.read_log(),
                    _ => self.list_tables(),
                };
            }
            Actor::Repair | Actor::Vacuum | Actor::Reader => {
                *self = self.read_log();
            }
        }
    }
}
