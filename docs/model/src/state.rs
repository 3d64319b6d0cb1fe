//! A state: the contents of the store, the memory of each process, and the faults that are left.

use crate::steps::Step;

/// Numbers that records can have, from 1; number 0 is never used.
///
/// A configuration that would need more is reported as cut, so a pass is never a matter of this limit.
pub const RECORDS: usize = 13;

/// Attempts: the one that published the first table, two for each of three processes, and one for the run after a freeze.
pub const ATTEMPTS: usize = 8;

/// The attempt of the run that comes after a freeze.
pub const LAST_ATTEMPT: u8 = 7;

/// Parts that an attempt can write.
pub const PARTS: usize = 2;

/// Keys of parts: no two attempts share one, because the attempt's id is in the name.
pub const KEYS: usize = ATTEMPTS * PARTS;

/// Processes of a configuration, and one that comes after a freeze.
pub const PROCESSES: usize = 4;

/// The process that comes after a freeze.
pub const LAST_PROCESS: usize = PROCESSES - 1;

/// A set of keys: bit `attempt * PARTS + part`.
pub type KeySet = u16;

/// A set of partitions.
pub type Partitions = u8;

/// A set of input objects.
pub type Inputs = u8;

/// A record's number.
pub type Number = u8;

/// All that decides what can happen next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The contents of the store.
    pub store: StoreState,
    /// The processes, those of the configuration first.
    pub processes: [Process; PROCESSES],
    /// The faults that are left.
    pub faults: Faults,
}

/// The contents of the store, and the attempts that its records repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StoreState {
    /// The log.
    pub records: [Record; RECORDS],
    /// The attempts; a record of a run repeats its attempt.
    pub attempts: [Attempt; ATTEMPTS],
    /// The keys of all parts.
    pub keys: [Key; KEYS],
}

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// The content of the record.
    pub entry: Entry,
    /// `true` if its mark is there.
    pub is_marked: bool,
}

/// The content of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Entry {
    /// There is no such record.
    #[default]
    Absent,
    /// This attempt committed.
    Run(u8),
    /// The record before is void.
    Void,
}

/// An attempt, as its record repeats it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Index of its plan in the configuration.
    pub plan: u8,
    /// The time at which it listed its inputs, as a rank among all attempts that matter.
    pub frozen: u8,
    /// Inputs that no later append may take.
    pub consumes: Inputs,
    /// Keys that its publish deletes.
    pub deletes: KeySet,
}

/// The content of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Key {
    /// Nothing: not opened, aborted, dropped or deleted; a completion is answered with `NoSuchUpload`.
    #[default]
    Absent,
    /// An upload, invisible until it is completed.
    Open,
    /// An upload whose completion was sent and may take effect at any time.
    Completing,
    /// An object.
    Object,
}

/// The memory of a process, and the step that it takes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    /// The step that it takes next.
    pub step: Step,
    /// Its end.
    pub exit: Exit,
    /// Its attempt; 0 if it has none.
    pub attempt: u8,
    /// The number of attempts that it has begun.
    pub starts: u8,
    /// The number of records when it began.
    pub begun: Number,
    /// The highest record of its one reading of the log.
    pub last: Number,
    /// The number that it aims at.
    pub aim: Number,
    /// `true` if it has sent a put for that number.
    pub has_put: bool,
    /// The number of a put that was sent, not answered, and may land at any time; 0 if there is none.
    pub in_flight: Number,
    /// The record that it publishes.
    pub publishing: Number,
    /// The reason for which it publishes.
    pub purpose: Purpose,
    /// The record of its own run that another attempt committed; 0 if there is none.
    pub same: Number,
    /// `true` if it publishes a void record because it has found the run before it lost.
    pub has_voided: bool,
    /// Parts whose completion, or abort, was answered.
    pub asked: u8,
    /// Parts that it has looked at.
    pub looked: u8,
    /// `true` if one of them was missing.
    pub is_missing: bool,
    /// Keys that it has listed, or has still to delete.
    pub keys: KeySet,
    /// Attempts whose uploads it removes.
    pub removes: u8,
}

/// The reason for which a process publishes a record; it decides how the process goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// It found the record unmarked when it read the log (1.3).
    #[default]
    Opening,
    /// It committed the record.
    Own,
    /// The record came first at its number (6.4).
    Found,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// It has not.
    #[default]
    Running,
    /// Exit 0.
    Success,
    /// Exit 5: another run has changed what this one would change.
    Conflict,
    /// Exit 75: the same command has to be run again.
    TryAgain,
    /// Exit 143: stopped before the commit.
    Stopped,
}

/// The number of times that each fault may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// The store drops an upload.
    pub drops: u8,
    /// A put is not answered and lands later, or never.
    pub late_puts: u8,
    /// A completion is not answered and takes effect later, or never.
    pub late_completions: u8,
    /// A completion is answered as if it were decided, although the upload is still open: 200 without an object, or five
    /// answers of `InvalidPart` while another process completes it.
    pub misleading: u8,
    /// A process receives a stop.
    pub stops: u8,
}

impl StoreState {
    /// Returns the number of the last record, 0 for an empty log.
    pub fn last(&self) -> Number {
        let records = self.records.iter().skip(1);
        let present = records.take_while(|record| record.entry != Entry::Absent);
        u8::try_from(present.count()).expect("a log has a dozen records")
    }

    /// Returns a record.
    pub fn record(&self, number: Number) -> Record {
        self.records[usize::from(number)]
    }

    /// Returns a record to change.
    pub fn record_mut(&mut self, number: Number) -> &mut Record {
        &mut self.records[usize::from(number)]
    }

    /// Returns `true` if a record of this number fits into the model.
    pub fn has_room(number: Number) -> bool {
        usize::from(number) < RECORDS
    }

    /// Returns `true` if the next record voids this one.
    pub fn is_voided(&self, number: Number) -> bool {
        let next = usize::from(number) + 1;
        next < RECORDS && self.records[next].entry == Entry::Void
    }

    /// Returns the attempt of a record of a run.
    pub fn attempt_of(&self, number: Number) -> Option<u8> {
        match self.record(number).entry {
            Entry::Run(attempt) => Some(attempt),
            Entry::Absent | Entry::Void => None,
        }
    }

    /// Returns the keys that a listing shows.
    pub fn visible(&self) -> KeySet {
        let objects = self.keys.iter().enumerate();
        let objects = objects.filter(|(_, key)| **key == Key::Object);
        objects.fold(0, |set, (at, _)| set | 1 << at)
    }

    /// Aborts an upload; what is not open stays as it is.
    pub fn abort(&mut self, key: usize) {
        if matches!(self.keys[key], Key::Open | Key::Completing) {
            self.keys[key] = Key::Absent;
        }
    }
}

/// Returns the index of a part's key.
pub fn key_of(attempt: u8, part: u8) -> usize {
    usize::from(attempt) * PARTS + usize::from(part)
}
