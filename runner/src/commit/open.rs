//! Steps 1 and 2: what a run starts from, and whether it has been done already.

use std::collections::{BTreeMap, BTreeSet};

use object_store::ObjectMeta;
use tracing::info;

use crate::commit::attempt::Attempt;
use crate::commit::attempt_notes::clean_ended;
use crate::commit::input::{TableInput, is_data, list_input, read_table};
use crate::commit::layout::Layout;
use crate::commit::log::{Log, read_record, read_records};
use crate::commit::output_plan::OutputPlan;
use crate::commit::publish::{Settled, settle};
use crate::commit::record::{AttemptId, Consumed, Record, Replaces, Run, RunId, path};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{self, FrozenObject, Store};
use crate::watch::StopSignal;

/// What a caller decides about a run's start.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Takes away objects under a table root that no record lists, instead of refusing them.
    pub replace_foreign: bool,
}

/// A job whose tables were listed and whose log was read and settled: only now may inputs be listed.
#[derive(Debug)]
pub struct Opened {
    store: Store,
    layout: Layout,
    log: Log,
    outputs: Vec<OutputPlan>,
    foreign: BTreeMap<String, Vec<String>>,
}

/// Whether there is anything to do.
#[derive(Debug)]
pub enum Decision {
    /// A live record holds the same run; it is published.
    AlreadyDone(Record),
    /// It is to be run.
    Run(Attempt),
}

/// Lists the table roots, reads the log once, and finishes the publish of its last record.
///
/// # Errors
/// `Conflict` for objects that no record lists; `Usage` for a window or an append onto a table of other columns; `Failed` for
/// tables on another volume than `_drivetrain/`; `TryAgain` where the last publish cannot be finished now; otherwise as the store says.
pub async fn open(
    store: &Store,
    job: &str,
    outputs: Vec<OutputPlan>,
    options: OpenOptions,
) -> Result<Opened> {
    let layout = Layout::new(job);
    require_one_volume(store, &layout, &outputs)?;
    clean_ended(store, &layout).await?;
    loop {
        let listed = list_tables(store, &layout, &outputs).await?;
        let log = Log::read_layout(store, &layout).await?;
        if let (false, Some(record)) = (log.marked, log.last_record())
            && settle(store, &layout, record, &StopSignal::never()).await? == Settled::Voided
        {
            info!(
                record = record.number,
                "void: starting from its predecessor"
            );
            continue;
        }
        return checked(store, layout, log, outputs, listed, options).await;
    }
}

/// As [`open`], for a plan: makes the same checks over the log as it stands, and finishes, cleans and writes nothing.
///
/// # Errors
/// As [`open`], but for `TryAgain`.
pub async fn foresee(
    store: &Store,
    job: &str,
    outputs: Vec<OutputPlan>,
    options: OpenOptions,
) -> Result<Opened> {
    let layout = Layout::new(job);
    require_one_volume(store, &layout, &outputs)?;
    let listed = list_tables(store, &layout, &outputs).await?;
    let log = Log::read_layout(store, &layout).await?;
    checked(store, layout, log, outputs, listed, options).await
}

fn require_one_volume(store: &Store, layout: &Layout, outputs: &[OutputPlan]) -> Result<()> {
    let ours = layout.everything();
    outputs.iter().try_for_each(|output| {
        store::require_one_volume(store, &ours, &layout.table(&output.table))
    })
}

/// What lies under the table roots.
type ListedTables = BTreeMap<String, Vec<ObjectMeta>>;

async fn list_tables(
    store: &Store,
    layout: &Layout,
    outputs: &[OutputPlan],
) -> Result<ListedTables> {
    let mut listed = ListedTables::new();
    for output in outputs {
        let objects = store.list(&layout.table(&output.table)).await?;
        listed.insert(output.table.clone(), objects);
    }
    Ok(listed)
}

/// What the log and the listing must agree on before inputs are listed.
async fn checked(
    store: &Store,
    layout: Layout,
    log: Log,
    outputs: Vec<OutputPlan>,
    listed: ListedTables,
    options: OpenOptions,
) -> Result<Opened> {
    for output in &outputs {
        require_same_columns(&log, output)?;
    }
    let foreign = foreign(store, &layout, &log, listed).await?;
    if !options.replace_foreign {
        refuse_foreign(store, &foreign)?;
    }
    Ok(Opened {
        store: store.clone(),
        layout,
        log,
        outputs,
        foreign,
    })
}

/// Parts that stay must have the columns of those that come.
fn require_same_columns(log: &Log, output: &OutputPlan) -> Result<()> {
    let Some(table) = log.state.table(&output.table) else {
        return Ok(());
    };
    let differences = table.columns.differences(&output.columns);
    if output.replaces == Replaces::Table || differences.is_empty() {
        return Ok(());
    }
    let message = format!(
        "table `{}` has other columns than this job writes: {}",
        output.table,
        differences.join("; ")
    );
    let hint = match output.replaces {
        Replaces::Append => {
            "run it once with `mode = \"replace\"`, which replaces the whole table, then append to that"
        }
        _ => "run the job once without a window, which replaces the whole table",
    };
    Err(Error::new(ErrorKind::Usage, message).hint(hint))
}

/// Objects under the table roots that no record lists, by table.
async fn foreign(
    store: &Store,
    layout: &Layout,
    log: &Log,
    listed: ListedTables,
) -> Result<BTreeMap<String, Vec<String>>> {
    let mut unknown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let live = log.state.keys();
    for (table, objects) in listed {
        let root = layout.table(&table);
        let visible = objects.iter().filter(|object| is_data(object, &root));
        let keys = visible.map(|object| object.location.to_string());
        let keys: Vec<_> = keys.filter(|key| !live.contains(key.as_str())).collect();
        if !keys.is_empty() {
            unknown.insert(table, keys);
        }
    }
    if unknown.is_empty() {
        return Ok(unknown);
    }
    // What a late publisher left of a dead part is ours. This is rare, so only now the records behind the checkpoint are read.
    let before = read_records(store, layout, 1..=log.checkpoint).await?;
    let ours: BTreeSet<&str> = before
        .iter()
        .chain(&log.tail)
        .filter_map(Record::as_run)
        .flat_map(Run::parts)
        .map(|part| part.key.as_str())
        .collect();
    for keys in unknown.values_mut() {
        keys.retain(|key| !ours.contains(key.as_str()));
    }
    unknown.retain(|_, keys| !keys.is_empty());
    Ok(unknown)
}

fn refuse_foreign(store: &Store, foreign: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let Some((table, keys)) = foreign.iter().next() else {
        return Ok(());
    };
    let first = keys
        .first()
        .map(|key| path(key).map(|key| store.location().url(&key)))
        .transpose()?
        .unwrap_or_default();
    let more = match keys.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let message = format!("table `{table}` holds an object that no run wrote: `{first}`{more}");
    Err(Error::new(ErrorKind::Conflict, message)
        .hint("move it away, or let `--replace-foreign` delete it when the run is published"))
}

impl Opened {
    /// What the live records add up to.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Lists the objects of an input below a prefix of its store, by key, hidden names and folder markers aside.
    ///
    /// # Errors
    /// `InputMissing` where there is none; otherwise as the store says.
    pub async fn list(&self, store: &Store, prefix: &str) -> Result<Vec<FrozenObject>> {
        list_input(store, prefix).await
    }

    /// The live parts of a table that another job wrote, by that job's log; finishes its last publish first.
    ///
    /// # Errors
    /// `InputMissing` where that job has not written it; `TryAgain` where a part was replaced just now; otherwise as the
    /// store says.
    pub async fn table(&self, store: &Store, job: &str, table: &str) -> Result<TableInput> {
        read_table(store, job, table).await
    }

    /// Whether the run replaces every table of the job: appends after it go on from what it read.
    #[must_use]
    pub fn starts_over(&self) -> bool {
        let whole = |output: &OutputPlan| output.replaces == Replaces::Table;
        self.outputs.iter().all(whole)
    }

    /// Leaves out the objects that an earlier run of this job has appended, or has put into tables that it replaced whole.
    ///
    /// # Errors
    /// `Conflict` for an object that was changed after it was appended.
    pub fn unconsumed(&self, objects: Vec<FrozenObject>) -> Result<Vec<FrozenObject>> {
        let mut fresh = Vec::new();
        for object in objects {
            match self.log.state.consumed(&object.url) {
                None => fresh.push(object),
                Some(etag) if etag == object.etag.as_deref() => {}
                Some(_) => {
                    let message = format!("`{}` has changed since it was appended", object.url);
                    return Err(Error::new(ErrorKind::Conflict, message).hint(
                        "each object is appended once: give new data a new name, or run it once with `mode = \"replace\"`, which replaces the whole table with all that lies there",
                    ));
                }
            }
        }
        Ok(fresh)
    }

    /// The number of the live record that holds what `run` would do.
    #[must_use]
    pub fn done(&self, run: &RunId) -> Option<u64> {
        self.log.state.done(run)
    }

    /// Step 2: finds out whether `run` is done; if not, or with `force`, begins an attempt that aims at the next record.
    ///
    /// # Errors
    /// `Failed` for a store that cannot hold a commit; otherwise as the store says.
    pub async fn decide(
        self,
        run: RunId,
        consumes: &[FrozenObject],
        force: bool,
    ) -> Result<Decision> {
        if let (Some(number), false) = (self.done(&run), force)
            && let Some(record) = read_record(&self.store, &self.layout, number).await?
        {
            return Ok(Decision::AlreadyDone(record));
        }
        let probe = self.layout.probe(&AttemptId::random());
        store::require_conditional_put(&self.store, &probe).await?;
        let taken = consumes.iter().map(|object| Consumed {
            url: object.url.clone(),
            etag: object.etag.clone(),
        });
        let outputs = self.outputs.iter().map(|output| {
            let deletes = self.deletes(output);
            (output.clone(), deletes)
        });
        let outputs = outputs.collect();
        let attempt = Attempt::begin(
            self.store,
            self.layout,
            run,
            self.log.last + 1,
            outputs,
            taken.collect(),
        );
        attempt.await.map(Decision::Run)
    }

    /// The keys that a run takes away from a table.
    fn deletes(&self, output: &OutputPlan) -> Vec<String> {
        let table = self.log.state.table(&output.table);
        let live = table.map(|table| table.parts.iter()).into_iter().flatten();
        let replaced = live.filter(|part| match &output.replaces {
            Replaces::Table => true,
            Replaces::Window(window) => window.contains(&part.partition),
            Replaces::Append => false,
        });
        let foreign = self.foreign.get(&output.table).into_iter().flatten();
        replaced
            .map(|part| &part.key)
            .chain(foreign)
            .cloned()
            .collect()
    }
}
