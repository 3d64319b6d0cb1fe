//! Runs as the protocol's tests make them: small tables whose parts are short texts.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use bytes::Bytes;
use drivetrain_runner::commit::{
    self, ColumnType, Columns, CommitOutcome, Decision, Log, OpenOptions, Order, OutputPlan,
    Partition, PublishOutcome, Replaces, RunId, RunInputs, StopSignal, Unfenced, Window,
};
use drivetrain_runner::error::{Error, ErrorKind, Result};
use drivetrain_runner::store::{FrozenObject, Store};
use object_store::path::Path;

pub const JOB: &str = "job";
pub const TABLE: &str = "table";

/// One run: what it replaces, and the text that it writes for each day.
#[derive(Clone, Debug)]
pub struct Work {
    pub name: String,
    pub replaces: Replaces,
    pub days: Vec<(String, String)>,
    /// Appends a part for each object of this prefix that no run has consumed.
    pub consumes: Option<String>,
    pub columns: Columns,
    pub options: OpenOptions,
    pub force: bool,
}

/// How a run ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Published(u64),
    Already(u64),
}

impl Done {
    pub fn number(self) -> u64 {
        match self {
            Self::Published(number) | Self::Already(number) => number,
        }
    }
}

/// Columns of the tests' table, partitioned by day.
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

impl Work {
    /// Replaces the whole table.
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

    /// Replaces the days from one to another.
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

    /// Appends what lies below a prefix.
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

    /// What the table holds after it, where it replaces all.
    pub fn expected(&self) -> Visible {
        let mut visible = Visible::new();
        for (day, text) in &self.days {
            let folder = format!("{JOB}/{TABLE}/day={day}");
            visible.entry(folder).or_default().push(text.clone());
        }
        visible
    }
}

/// The texts in each folder.
pub type Visible = BTreeMap<String, Vec<String>>;

/// Does a run as the command does, starting again where the protocol says so.
pub async fn run(store: &Store, work: &Work, stop: &StopSignal) -> Result<Done> {
    for _ in 0..4 {
        if let Some(done) = run_once(store, work, stop).await? {
            return Ok(done);
        }
    }
    Err(Error::new(ErrorKind::TryAgain, "void four times"))
}

async fn run_once(store: &Store, work: &Work, stop: &StopSignal) -> Result<Option<Done>> {
    let plan = OutputPlan {
        table: TABLE.to_owned(),
        columns: work.columns.clone(),
        replaces: work.replaces.clone(),
    };
    let begin = async {
        let opened = commit::open(store, JOB, vec![plan], work.options).await?;
        let inputs = match &work.consumes {
            Some(prefix) => opened.list(store, prefix).await?,
            None => Vec::new(),
        };
        let fresh = opened.unconsumed(inputs.clone())?;
        let id = work.run_id(inputs);
        let decision = opened.decide(id, &fresh, work.force).await?;
        Ok((decision, fresh))
    };
    let (attempt, fresh) = match stop.or_cancelled(begin).await? {
        (Decision::AlreadyDone(record), _) => return Ok(Some(Done::Already(record.number))),
        (Decision::Run(attempt), fresh) => (attempt, fresh),
    };
    let staging = async {
        let mut days = work.days.clone();
        for object in &fresh {
            let text = store.read(&Path::parse(&object.key).unwrap()).await?;
            let text = String::from_utf8(text.unwrap().to_vec()).unwrap();
            days.push(("2024-01-01".to_owned(), text));
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
        CommitOutcome::AlreadyDone(record) => return Ok(Some(Done::Already(record.number))),
        CommitOutcome::StartAgain => return Ok(None),
    };
    match committed.publish(stop).await? {
        PublishOutcome::Published(published) => {
            Ok(Some(Done::Published(published.record().number)))
        }
        PublishOutcome::StartAgain => Ok(None),
    }
}

/// A run that nothing disturbs.
pub async fn run_quietly(store: &Store, work: &Work) -> Result<Done> {
    run(store, work, &StopSignal::never()).await
}

/// What a reader that lists the prefix sees.
pub async fn visible(store: &Store) -> Visible {
    let mut visible = Visible::new();
    for object in store.list(&Path::from(JOB)).await.unwrap() {
        let (folder, _) = object.location.as_ref().rsplit_once('/').unwrap();
        let text = store.read(&object.location).await.unwrap().unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        visible.entry(folder.to_owned()).or_default().push(text);
    }
    for texts in visible.values_mut() {
        texts.sort();
    }
    visible
}

/// What a reader sees that asks the log.
pub async fn logged(store: &Store) -> Visible {
    let log = Log::read(store, JOB).await.unwrap();
    let mut visible = Visible::new();
    let Some(table) = log.state().table(TABLE) else {
        return visible;
    };
    for part in &table.parts {
        let text = store.read(&part.path().unwrap()).await.unwrap();
        let text = text.unwrap_or_else(|| panic!("`{}` is live and missing", part.key));
        let folder = format!("{JOB}/{TABLE}/{}", part.partition);
        let text = String::from_utf8(text.to_vec()).unwrap();
        visible.entry(folder).or_default().push(text);
    }
    for texts in visible.values_mut() {
        texts.sort();
    }
    visible
}

/// What lies under `_drivetrain/` beside the log.
pub async fn leftovers(store: &Store) -> Vec<String> {
    let listed = store.list(&Path::from("_drivetrain")).await.unwrap();
    let keys = listed.iter().map(|object| object.location.to_string());
    keys.filter(|key| !key.starts_with("_drivetrain/job/log/"))
        .collect()
}
