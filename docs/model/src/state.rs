//! A state: the contents of the store, the memory of each process, and the number of faults that may still happen.

use crate::steps::Step;

/// Length of the array of records, which are numbered from 1; index 0 is unused.
///
/// A configuration that needs more records is reported as cut and does not pass, so this limit cannot hide a violation.
pub const RECORDS: usize = 13;

/// Attempts: the one that published the first table, two for each of three processes, and one for a run after all are
/// halted.
pub const ATTEMPTS: usize = 8;

/// The attempt of the run that starts after all processes are halted.
pub const LAST_ATTEMPT: u8 = 7;

/// The most parts that an attempt writes.
pub const PARTS: usize = 2;

/// The number of object names of parts. No two attempts share one, because the name contains the attempt's id.
pub const KEYS: usize = ATTEMPTS * PARTS;

/// Processes: three of the configuration, and one that starts after they are halted.
pub const PROCESSES: usize = 4;

/// The process that starts after all others are halted.
pub const LAST_PROCESS: usize = PROCESSES - 1;

/// A set of keys: bit `attempt * PARTS + part`.
pub type KeySet = u16;

/// A set of partitions: one bit per partition.
pub type Partitions = u8;

/// A set of input objects: one bit per object.
pub type Inputs = u8;

/// A record's number in the log, from 1; 0 means no record.
pub type Number = u8;

/// A state of the model: all that determines which events are possible next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The contents of the store.
    pub store: StoreState,
    /// The processes: those of the configuration, then the one that starts after they are halted.
    pub processes: [Process; PROCESSES],
    /// The number of times that each fault may still happen.
    pub faults: Faults,
}

/// The contents of the store, and the data of the attempts, which their records contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StoreState {
    /// The records of the log, by number.
    pub records: [Record; RECORDS],
    /// The attempts, by number; a record of a run contains the data of its attempt.
    pub attempts: [Attempt; ATTEMPTS],
    /// The upload or object under each key; the index is that of [`key_of`].
    pub keys: [Key; KEYS],
}

/// A record of the log with its mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// The content of the record.
    pub entry: Entry,
    /// `true` if the mark exists that says that the record is published.
    pub is_marked: bool,
}

/// The content of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Entry {
    /// The record does not exist.
    #[default]
    Absent,
    /// The record of the run that this attempt committed.
    Run(u8),
    /// A void record: it declares the record before it lost.
    Void,
}

/// The data of an attempt, which its record contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Index of its plan in the configuration.
    pub plan: u8,
    /// The rank of the attempt by the time at which it listed its inputs (1.4); 0 if it has not listed them.
    pub frozen: u8,
    /// Inputs that it consumes: no later append may take them.
    pub consumes: Inputs,
    /// Keys that its publish deletes, because the run replaces their parts.
    pub deletes: KeySet,
}

/// The upload or object under a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Key {
    /// Neither an upload nor an object: never opened, aborted, dropped or deleted. A completion is answered with
    /// `NoSuchUpload`.
    #[default]
    Absent,
    /// An open upload, which no listing shows until it is completed.
    Open,
    /// An upload whose completion was sent and may take effect at any time.
    Completing,
    /// An object, which listings show.
    Object,
}

/// A process: the step that it takes next, and what it remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    /// The step that it takes next.
    pub step: Step,
    /// Its exit; `Running` before its end.
    pub exit: Exit,
    /// Its attempt; 0 if it has none.
    pub attempt: u8,
    /// The number of attempts that the process has begun.
    pub starts: u8,
    /// The last record when the process began.
    pub begun: Number,
    /// The last record that it saw when it read the log (1.2).
    pub last: Number,
    /// The number at which it tries to put its record.
    pub aim: Number,
    /// `true` if it has sent a put to that number.
    pub has_put: bool,
    /// The number of a put that was sent and not answered, and may still land; 0 if there is none.
    pub in_flight: Number,
    /// The record whose publish it carries out or finishes.
    pub publishing: Number,
    /// The reason for which it publishes.
    pub purpose: Purpose,
    /// The record in which another attempt has committed the same run; 0 if there is none.
    pub same: Number,
    /// `true` if it has found a run to be lost and now publishes the void record after it.
    pub has_voided: bool,
    /// Parts whose completion (7.1) or abort (7.3) was answered, as bits.
    pub asked: u8,
    /// Parts whose key it has looked at (7.2 and 7.4), as bits.
    pub looked: u8,
    /// `true` if the object of one of these parts was missing.
    pub is_missing: bool,
    /// Keys that it has listed (1.1), or that it still has to delete (7.9).
    pub keys: KeySet,
    /// Attempts whose uploads it removes (8.2), as bits.
    pub removes: u8,
}

/// The reason for which a process publishes a record; it decides how the process goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// It found the record unmarked when it read the log (1.3).
    #[default]
    Opening,
    /// It committed the record itself.
    Own,
    /// Another process put the record at the number that it aimed at, or later (6.4).
    Found,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The process has not ended.
    #[default]
    Running,
    /// Exit 0.
    Success,
    /// Exit 5: another run has changed data that this run would change.
    Conflict,
    /// Exit 75: the user must run the same command again.
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
    /// A completion is answered as if it were decided, although the upload is still open: 200 without an object, or
    /// five answers of `InvalidPart` while another process completes it.
    pub misleading: u8,
    /// A process receives a stop.
    pub stops: u8,
}

impl StoreState {
    /// Returns the number of the last record; 0 for an empty log.
    pub fn last(&self) -> Number {
        let records = self.records.iter().skip(1);
        let present = records.take_while(|record| record.entry != Entry::Absent);
        u8::try_from(present.count()).expect("a log has a dozen records")
    }

    /// Returns the record of a number.
    pub fn record(&self, number: Number) -> Record {
        self.records[usize::from(number)]
    }

    /// Returns the record of a number, for changes.
    pub fn record_mut(&mut self, number: Number) -> &mut Record {
        &mut self.records[usize::from(number)]
    }

    /// Returns `true` if the model's log can hold a record of this number.
    pub fn has_room(number: Number) -> bool {
        usize::from(number) < RECORDS
    }

    /// Returns `true` if the next record voids this one.
    pub fn is_voided(&self, number: Number) -> bool {
        let next = usize::from(number) + 1;
        next < RECORDS && self.records[next].entry == Entry::Void
    }

    /// Returns the attempt that committed a record; `None` for a void or absent record.
    pub fn attempt_of(&self, number: Number) -> Option<u8> {
        match self.record(number).entry {
            Entry::Run(attempt) => Some(attempt),
            Entry::Absent | Entry::Void => None,
        }
    }

    /// Returns the keys that a listing shows: those of objects.
    pub fn visible(&self) -> KeySet {
        let objects = self.keys.iter().enumerate();
        let objects = objects.filter(|(_, key)| **key == Key::Object);
        objects.fold(0, |set, (at, _)| set | 1 << at)
    }

    /// Aborts the upload of a key; an object stays.
    pub fn abort(&mut self, key: usize) {
        if matches!(self.keys[key], Key::Open | Key::Completing) {
            self.keys[key] = Key::Absent;
        }
    }
}

/// Returns the index of a part's key in [`StoreState::keys`] and [`KeySet`].
pub fn key_of(attempt: u8, part: u8) -> usize {
    usize::from(attempt) * PARTS + usize::from(part)
}
