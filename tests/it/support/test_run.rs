//! Runs for the tests of the commit protocol. They write one small table, whose parts are short texts.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use drivetrain_runner::commit::{
    self, ColumnType, Columns, CommitOutcome, Decision, OpenOptions, Order, OutputPlan, Partition,
    PublishOutcome, Replaces, RunId, RunInputs, Unfenced, VacuumOptions, Vacuumed, Window,
};
use drivetrain_runner::error::{Error, ErrorKind, Result};
use drivetrain_runner::store::{FrozenObject, Store};
use drivetrain_runner::watch::StopSignal;
use object_store::path::Path;

use super::backends::Backend;
use super::fault_injector::{Call, Fault};
use super::faulty_store::Faulty;
use super::table_contents::Contents;

pub const JOB: &str = "job";
pub const TABLE: &str = "table";
pub const DAY: &str = "2024-01-01";

pub const RECORD_1: &str = "_drivetrain/job/log/00000000000000000001.json";
pub const RECORD_2: &str = "_drivetrain/job/log/00000000000000000002.json";
pub const MARK_1: &str = "_drivetrain/job/log/00000000000000000001.published";
pub const MARK_2: &str = "_drivetrain/job/log/00000000000000000002.published";

/// A run: its name, the part of the table that it replaces, and the text that it writes for each day.
#[derive(Clone, Debug)]
pub struct TestRun {
    pub name: String,
    pub replaces: Replaces,
    pub days: Vec<(String, String)>,
    /// Prefix of the objects to append: one part per object that no run has consumed.
    pub consumes: Option<String>,
    pub columns: Columns,
    pub options: OpenOptions,
    pub force: bool,
}

/// Result of a run that succeeded, with the number of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    Published(u64),
    AlreadyDone(u64),
}

impl RunEnd {
    pub fn number(self) -> u64 {
        match self {
            Self::Published(number) | Self::AlreadyDone(number) => number,
        }
    }
}

/// Columns of the table, which is partitioned by day.
pub fn columns() -> Columns {
    let column = |name: &str, kind: &str| ColumnType {
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    Columns {
        columns: vec![column("text", "string"), column("day", "date")],
        partition_by: vec!["day".to_owned()],
    }
}

/// Returns a run that replaces the table with two parts of one day.
pub fn two_parts() -> TestRun {
    TestRun::table("two parts", &[(DAY, "a"), (DAY, "b")])
}

impl TestRun {
    /// Builds a run that replaces the whole table.
    pub fn table(name: &str, days: &[(&str, &str)]) -> Self {
        let owned = |(day, text): &(&str, &str)| ((*day).to_owned(), (*text).to_owned());
        Self {
            name: name.to_owned(),
            replaces: Replaces::Table,
            days: days.iter().map(owned).collect(),
            consumes: None,
            columns: columns(),
            options: OpenOptions::default(),
            force: false,
        }
    }

    /// Builds a run that replaces the days from `from` to `to`, both included.
    pub fn window(name: &str, from: &str, to: &str, days: &[(&str, &str)]) -> Self {
        Self {
            replaces: Replaces::Window(Window {
                column: "day".to_owned(),
                from: Some(from.to_owned()),
                to: Some(to.to_owned()),
                order: Order::Text,
            }),
            ..Self::table(name, days)
        }
    }

    /// Builds a run that appends the objects below a prefix.
    pub fn append(name: &str, prefix: &str) -> Self {
        Self {
            replaces: Replaces::Append,
            consumes: Some(prefix.to_owned()),
            ..Self::table(name, &[])
        }
    }

    pub fn run_id(&self, inputs: Vec<FrozenObject>) -> RunId {
        RunId::of(&RunInputs {
            job: JOB,
            files: &[(
                self.name.clone(),
                format!("{:?} {:?}", self.replaces, self.days),
            )],
            parameters: &BTreeMap::new(),
            contracts: "",
            inputs: &BTreeMap::from([("input".to_owned(), inputs)]),
            version: "test",
        })
    }

    pub fn output_plan(&self) -> OutputPlan {
        OutputPlan {
            table: TABLE.to_owned(),
            columns: self.columns.clone(),
            replaces: self.replaces.clone(),
            summed: Vec::new(),
        }
    }

    /// Returns the contents of the table after this run, if it replaces the whole table.
    pub fn expected(&self) -> Contents {
        let mut contents = Contents::new();
        for (day, text) in &self.days {
            let folder = format!("{JOB}/{TABLE}/day={day}");
            contents.entry(folder).or_default().push(text.clone());
        }
        contents
    }
}

/// Runs as the binary does: from the start again whenever the protocol requires it.
pub async fn run(store: &Store, test_run: &TestRun, stop: &StopSignal) -> Result<RunEnd> {
    for _ in 0..4 {
        if let Some(end) = run_once(store, test_run, stop).await? {
            return Ok(end);
        }
    }
    Err(Error::new(ErrorKind::TryAgain, "void four times"))
}

async fn run_once(store: &Store, test_run: &TestRun, stop: &StopSignal) -> Result<Option<RunEnd>> {
    let begin = async {
        let plan = vec![test_run.output_plan()];
        let opened = commit::open(store, JOB, plan, test_run.options).await?;
        let inputs = match &test_run.consumes {
            Some(prefix) => opened.list(store, prefix).await?,
            None => Vec::new(),
        };
        let fresh = opened.unconsumed(inputs.clone())?;
        let id = test_run.run_id(inputs);
        let decision = opened.decide(id, &fresh, test_run.force).await?;
        Ok((decision, fresh))
    };
    let (attempt, fresh) = match stop.or_cancelled(begin).await? {
        (Decision::AlreadyDone { record, .. }, _) => {
            return Ok(Some(RunEnd::AlreadyDone(record.number)));
        }
        (Decision::Run(attempt), fresh) => (attempt, fresh),
    };
    let staging = async {
        let mut days = test_run.days.clone();
        for object in &fresh {
            let text = store.read(&Path::parse(&object.key).unwrap()).await?;
            let text = String::from_utf8(text.unwrap().to_vec()).unwrap();
            days.push((DAY.to_owned(), text));
        }
        let mut parts = Vec::new();
        for (day, text) in days {
            let partition = Partition::of([("day", day.as_str())])?;
            let mut part = attempt.part(TABLE, partition, "txt").await?;
            part.write(Bytes::from(text)).await?;
            parts.push(part.finish(1).await?);
        }
        Ok(parts)
    };
    let parts = match stop.or_cancelled(staging).await {
        Ok(parts) => parts,
        Err(error) => {
            attempt.abandon(stop).await;
            return Err(error);
        }
    };
    let rows = BTreeMap::from([(TABLE.to_owned(), parts.len() as u64)]);
    let staged = attempt.stage(parts, &rows, serde_json::Value::Null).await?;
    let committed = match staged.commit(&Unfenced, stop).await? {
        CommitOutcome::Committed(committed) => committed,
        CommitOutcome::AlreadyDone(record) => return Ok(Some(RunEnd::AlreadyDone(record.number))),
        CommitOutcome::StartAgain => return Ok(None),
    };
    match committed.publish(stop).await? {
        PublishOutcome::Published(published) => {
            Ok(Some(RunEnd::Published(published.record().number)))
        }
        PublishOutcome::StartAgain => Ok(None),
    }
}

/// Runs without a stop.
pub async fn run_quietly(store: &Store, test_run: &TestRun) -> Result<RunEnd> {
    run(store, test_run, &StopSignal::never()).await
}

/// Runs without a stop. Asserts that the run publishes, and returns the number of its record.
pub async fn publish(store: &Store, test_run: &TestRun) -> u64 {
    match run_quietly(store, test_run).await.unwrap() {
        RunEnd::Published(number) => number,
        RunEnd::AlreadyDone(number) => panic!("done already, in record {number}"),
    }
}

/// Starts a run whose process ends before the first matching call.
pub async fn crash_before(
    backend: &Backend,
    test_run: &TestRun,
    matches: impl Fn(&Call) -> bool + Send + 'static,
) {
    let chooser = move |_, call: &Call| matches(call).then_some(Fault::CrashBefore);
    let mut faulty = Faulty::open(backend, chooser).await;
    tokio::select! {
        end = run_quietly(&faulty.store, test_run) => panic!("{end:?} instead of a crash"),
        _ = faulty.events.recv() => {}
    }
}

/// Vacuums everything that no live run needs, at any age.
pub async fn vacuum_all(store: &Store) -> Result<Vacuumed> {
    let options = VacuumOptions {
        retention: Duration::ZERO,
        quarantine: None,
    };
    commit::vacuum(store, JOB, options).await
}
