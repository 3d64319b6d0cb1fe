//! The steps of a process. Each bears its number in `docs/commit-protocol.md`.
//!
//! A step is one request to the store, or the work on one answer; between two steps any other process may run, and a process
//! that is never chosen again has crashed. Steps that no other process can see follow the step before them at once.

mod clean;
mod commit;
mod freeze;
mod publish;
mod stop;

use std::fmt;

use crate::configuration::{Actor, Configuration};
use crate::invariants::Invariant;
use crate::mutants::Mutant;
use crate::state::{Exit, LAST_ATTEMPT, LAST_PROCESS, Number, Process, State, StoreState};

/// The step that a process takes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Step {
    /// It has not begun.
    #[default]
    Idle,
    /// Lists the table roots.
    ListTables,
    /// Reads the log.
    ReadLog,
    /// Finishes the publish of the last record, if it is not marked.
    FinishLast,
    /// Lists the inputs.
    ListInputs,
    /// Lists a table whose log it has read, for the versions of its parts.
    ListParts,
    /// Looks in the log for a record that answers for its run.
    FindRun,
    /// Decides what it aims at, consumes and deletes.
    Aim,
    /// Opens the uploads of its parts and sends their bytes.
    OpenUploads,
    /// Puts the record, create-only.
    PutRecord,
    /// Reads the record at its number after any answer but success.
    ReadBack,
    /// Reads all records from its number on.
    ReadFound,
    /// Finishes the publish of the last of them.
    FinishFound,
    /// Aborts its uploads because another attempt has committed its run.
    AbortAfterSame,
    /// Aborts its uploads because another run conflicts.
    AbortAfterConflict,
    /// Aborts its uploads because what it was built on, or its own record, is void.
    AbortAndStartAgain,
    /// Aims at the number after the records that came first.
    TakeNextNumber,
    /// Completes an upload of the record.
    Complete,
    /// Looks at the key of a part.
    Look,
    /// Aborts the uploads of the record.
    AbortAll,
    /// Looks at the keys of all parts once more.
    LookAgain,
    /// Looks at the record's mark.
    ReadMark,
    /// Reads the next record.
    ReadNext,
    /// Puts the record that voids this one, create-only.
    PutVoid,
    /// Deletes a key that the record replaces, or that a void record takes back.
    Delete,
    /// Puts the record's mark.
    PutMark,
    /// Lists the attempts that are old and reads which of them are in a record.
    ListAttempts,
    /// Aborts an upload of an attempt that was in no record.
    RemoveUploads,
    /// Aborts its uploads because it was told to stop before its put.
    StopBeforePut,
    /// Reads its number once more because it was told to stop after its put was sent.
    LastLook,
    /// It has ended.
    Exited,
}

impl Step {
    /// Returns the step's number in `docs/commit-protocol.md`; a test compares these with the document.
    pub fn number(self) -> &'static str {
        match self {
            Self::Idle | Self::Exited => "",
            Self::ListTables => "1.1",
            Self::ReadLog => "1.2",
            Self::FinishLast => "1.3",
            Self::ListInputs => "1.4",
            Self::ListParts => "1.5",
            Self::FindRun => "2.2",
            Self::Aim => "2.3",
            Self::OpenUploads => "3.1",
            Self::PutRecord => "6.1",
            Self::ReadBack => "6.2",
            Self::ReadFound => "6.3",
            Self::FinishFound => "6.4",
            Self::AbortAfterSame | Self::AbortAfterConflict | Self::AbortAndStartAgain => "6.5",
            Self::TakeNextNumber => "6.6",
            Self::Complete => "7.1",
            Self::Look => "7.2",
            Self::AbortAll => "7.3",
            Self::LookAgain => "7.4",
            Self::ReadMark => "7.5",
            Self::ReadNext => "7.6",
            Self::PutVoid => "7.7",
            Self::Delete => "7.9",
            Self::PutMark => "7.10",
            Self::ListAttempts => "8.1",
            Self::RemoveUploads => "8.2",
            Self::StopBeforePut => "9.1",
            Self::LastLook => "9.2",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self:?}", self.number())
    }
}

/// A step that was taken, for a trace.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The step.
    pub step: Step,
    /// The record that it is about; 0 if it is about none.
    pub record: Number,
    /// The key that it is about.
    pub key: Option<usize>,
    /// What came of it.
    pub note: &'static str,
}

/// Who did something, and what.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost every event is one of a process, and none is kept"
)]
pub enum Event {
    /// A process took a step, and the steps after it that no other process sees.
    Steps {
        /// The process.
        who: usize,
        /// Its attempt when it began.
        attempt: u8,
        /// The steps; those after the first `None` are unused.
        taken: [Option<Taken>; 6],
    },
    /// The store did something on its own.
    Store {
        /// The key that it is about.
        key: Option<usize>,
        /// The record that it is about; 0 if it is about none.
        record: Number,
        /// What happened.
        note: &'static str,
    },
}

/// A state that can come next.
#[derive(Clone, Copy, Debug)]
pub struct Successor {
    /// The state.
    pub state: State,
    /// What leads to it.
    pub event: Event,
    /// The invariant that the event itself breaks.
    pub broken: Option<Invariant>,
}

/// The states that can come next.
#[derive(Debug, Default)]
pub struct Successors {
    /// The states.
    pub next: Vec<Successor>,
    /// Whether one was left out because the log of the model is full.
    pub is_cut: bool,
}

/// One move of a process, from a state to a successor of it.
#[derive(Clone, Copy)]
pub struct Move<'a> {
    /// What is modeled.
    pub model: &'a Configuration,
    /// The state so far.
    pub state: State,
    /// The process that moves.
    pub who: usize,
    /// Whether faults may happen.
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
            Step::Delete => at.delete().finish(out),
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

    /// Returns what a process is there for.
    pub fn actor(&self, who: usize) -> Actor {
        match who {
            LAST_PROCESS => self.last_actor,
            who => self.actors[who],
        }
    }
}

impl Move<'_> {
    /// Returns what the process remembers.
    pub fn me(&self) -> Process {
        self.state.processes[self.who]
    }

    /// Returns what the process remembers, to change it.
    pub fn me_mut(&mut self) -> &mut Process {
        &mut self.state.processes[self.who]
    }

    /// Returns the store to change it.
    pub fn store(&mut self) -> &mut StoreState {
        &mut self.state.store
    }

    /// Writes down that the process takes a step.
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

    /// Writes down what came of the step: the record or key that it is about, and the outcome.
    pub fn notes(&mut self, record: Number, key: Option<usize>, note: &'static str) {
        let last = self.taken.iter_mut().rev().flatten().next();
        let last = last.expect("a step is noted first");
        (last.record, last.key, last.note) = (record, key, note);
    }

    /// Writes down that the step breaks an invariant.
    pub fn breaks(&mut self, invariant: Invariant) {
        self.broken.get_or_insert(invariant);
    }

    /// Returns `true` if the order of steps deviates in this way.
    pub fn is(&self, mutant: Mutant) -> bool {
        self.model.is(mutant)
    }

    /// Ends the process.
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

    /// Takes the steps that no other process sees, then adds the state.
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

    /// Begins: the first step follows at once.
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
