//! What the live records of a log add up to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::commit::record::{Output, Part, Record, Run, RunId};
use crate::commit::table_columns::Columns;

/// Live parts, runs and consumed inputs after some record; what a checkpoint holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    tables: BTreeMap<String, Table>,
    runs: Vec<LiveRun>,
    consumed: BTreeMap<String, Option<String>>,
}

/// One table as its job's log has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Columns and types that the last live run wrote.
    pub columns: Columns,
    /// Its live files.
    pub parts: Vec<Part>,
    /// The last live run that changed it.
    pub run: Option<RunId>,
}

/// A live run: which record, and what it wrote and replaced, without its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LiveRun {
    number: u64,
    run: Run,
}

impl State {
    /// Takes in the records after this state, in order; a run that the next record voids leaves no trace.
    pub(crate) fn extend(&mut self, records: &[Record]) {
        for (index, record) in records.iter().enumerate() {
            let voided = records
                .get(index + 1)
                .is_some_and(|next| next.voids(record.number));
            if let (Some(run), false) = (record.as_run(), voided) {
                self.apply(record.number, run);
            }
        }
    }

    fn apply(&mut self, number: u64, run: &Run) {
        for output in &run.outputs {
            let gone: BTreeSet<&String> = output.deletes.iter().collect();
            let table = self.tables.entry(output.table.clone()).or_default();
            table.parts.retain(|part| !gone.contains(&part.key));
            table.parts.extend(output.parts.iter().cloned());
            table.columns = output.columns.clone();
            table.run = Some(run.run.clone());
        }
        if run.starts_over() {
            // No row of what was appended before is left, so an append of the same list is no answer any more either.
            self.consumed.clear();
            self.runs.retain(|done| !done.run.appends());
        }
        for input in &run.consumed {
            self.consumed.insert(input.url.clone(), input.etag.clone());
        }
        // A run that a later one overlaps is never again an answer to the same run, unless it appended: the keys that it
        // consumed still answer for it.
        self.runs
            .retain(|done| done.run.appends() || !overlaps(&done.run, run));
        self.runs.push(LiveRun {
            number,
            run: without_parts(run),
        });
    }

    /// A table; `None` where no live run wrote it.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// All tables by name.
    pub fn tables(&self) -> impl Iterator<Item = (&String, &Table)> {
        self.tables.iter()
    }

    /// The record that already holds what `run` would do: live, and not overlapped by a later live run (or it appended).
    pub(crate) fn done(&self, run: &RunId) -> Option<u64> {
        let mut done = self.runs.iter().filter(|done| done.run.run == *run);
        done.next_back().map(|done| done.number)
    }

    /// The version in which an input was consumed; the outer `None`: it was not.
    #[must_use]
    pub fn consumed(&self, url: &str) -> Option<Option<&str>> {
        self.consumed.get(url).map(Option::as_deref)
    }

    /// Keys of all live parts.
    pub(crate) fn keys(&self) -> BTreeSet<&str> {
        let parts = self.tables.values().flat_map(|table| &table.parts);
        parts.map(|part| part.key.as_str()).collect()
    }
}

fn overlaps(one: &Run, other: &Run) -> bool {
    let overlaps = |output: &Output| other.outputs.iter().any(|theirs| output.overlaps(theirs));
    one.outputs.iter().any(overlaps)
}

/// The footprint of a run: parts, consumed inputs and summary are kept elsewhere or not needed.
fn without_parts(run: &Run) -> Run {
    let output = |output: &Output| Output {
        parts: Vec::new(),
        deletes: Vec::new(),
        ..output.clone()
    };
    Run {
        outputs: run.outputs.iter().map(output).collect(),
        consumed: Vec::new(),
        summary: serde_json::Value::Null,
        ..run.clone()
    }
}
