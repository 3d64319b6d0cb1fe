//! The live state of a job: the combined effect of all live records of its log.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::commit::record::{Output, Part, Record, Run, RunId};
use crate::commit::table_columns::Columns;

/// The live parts, live runs and consumed inputs of a job after one of its records; checkpoints store this state. A run
/// is live unless the next record voids it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The state of each table that a live run wrote, by name.
    tables: BTreeMap<String, Table>,
    /// The live runs whose results are still in the tables, in log order. They need not be executed again.
    runs: Vec<LiveRun>,
    /// The ETag of each input object that appends must not read again, by URL; `None` if its store gave it none.
    consumed: BTreeMap<String, Option<String>>,
}

/// The live state of one table: its current parts, its columns, and the last run that changed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The columns and types that the last live run wrote to the table.
    pub columns: Columns,
    /// The files that contain the table's current rows.
    pub parts: Vec<Part>,
    /// The live run that changed the table last; `None` only before the first run is applied.
    pub run: Option<RunId>,
}

/// A live run: its record number and the partitions that it wrote and replaced, without its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LiveRun {
    /// The number of the record that committed the run.
    number: u64,
    /// The run without its parts, deletes, consumed inputs and summary.
    run: Run,
}

impl State {
    /// Applies the records that follow this state, in order. A run that the next record voids has no effect.
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

    /// Adds the effect of one live run to this state.
    fn apply(&mut self, number: u64, run: &Run) {
        for output in &run.outputs {
            let gone: BTreeSet<&String> = output.deletes.iter().collect();
            let table = self.tables.entry(output.table.clone()).or_default();
            table.parts.retain(|part| !gone.contains(&part.key));
            for part in &mut table.parts {
                if let Some(sums) = output.sums_of_older_parts.get(&part.key) {
                    part.sums.extend(sums.clone());
                }
            }
            table.parts.extend(output.parts.iter().cloned());
            table.columns = output.columns.clone();
            table.run = Some(run.run.clone());
        }
        if run.starts_over() {
            // The run replaced every appended row, so earlier appends no longer count as done.
            self.consumed.clear();
            self.runs.retain(|done| !done.run.appends());
        }
        for input in &run.consumed {
            self.consumed.insert(input.url.clone(), input.etag.clone());
        }
        // If a later run overlaps a run, the earlier one is no longer done: a request for it must execute it again. An
        // append stays done, because its inputs stay consumed.
        self.runs
            .retain(|done| done.run.appends() || !overlaps(&done.run, run));
        self.runs.push(LiveRun {
            number,
            run: without_parts(run),
        });
    }

    /// Returns a table; `None` if no live run wrote it.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Returns all tables by name.
    pub fn tables(&self) -> impl Iterator<Item = (&String, &Table)> {
        self.tables.iter()
    }

    /// Returns the number of the live record that holds the result of `run`. Returns `None` once a later live run
    /// overlaps `run`, unless `run` only appended.
    pub(crate) fn done(&self, run: &RunId) -> Option<u64> {
        let mut done = self.runs.iter().filter(|done| done.run.run == *run);
        done.next_back().map(|done| done.number)
    }

    /// Returns the ETag that an input had when it was consumed. The outer `None` means that it was not consumed, the
    /// inner one that its store gave it none.
    #[must_use]
    pub fn consumed(&self, url: &str) -> Option<Option<&str>> {
        self.consumed.get(url).map(Option::as_deref)
    }

    /// Returns the keys of all live parts.
    pub(crate) fn keys(&self) -> BTreeSet<&str> {
        let parts = self.tables.values().flat_map(|table| &table.parts);
        parts.map(|part| part.key.as_str()).collect()
    }
}

/// Returns `true` if both runs write or replace a common partition.
fn overlaps(one: &Run, other: &Run) -> bool {
    let overlaps = |output: &Output| other.outputs.iter().any(|theirs| output.overlaps(theirs));
    one.outputs.iter().any(overlaps)
}

/// Returns the run without its parts, deletes, consumed inputs and summary, which the state keeps elsewhere or does not
/// need.
fn without_parts(run: &Run) -> Run {
    let output = |output: &Output| Output {
        parts: Vec::new(),
        deletes: Vec::new(),
        sums_of_older_parts: BTreeMap::new(),
        ..output.clone()
    };
    Run {
        outputs: run.outputs.iter().map(output).collect(),
        consumed: Vec::new(),
        summary: serde_json::Value::Null,
        ..run.clone()
    }
}
