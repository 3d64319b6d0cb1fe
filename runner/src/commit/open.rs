//! Steps 1 and 2: the state that a run starts from, and whether the run is already done.

use std::collections::{BTreeMap, BTreeSet};

use object_store::ObjectMeta;
use tracing::info;

use crate::commit::attempt::Attempt;
use crate::commit::attempt_notes::clean_ended;
use crate::commit::input::{TableInput, is_data, list_input, read_table};
use crate::commit::layout::Layout;
use crate::commit::live_state::State;
use crate::commit::log::{Log, read_record, read_records};
use crate::commit::output_plan::OutputPlan;
use crate::commit::publish::{Settled, settle};
use crate::commit::record::{AttemptId, Consumed, Record, Replaces, Run, RunId, path};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{self, FrozenObject, Store};
use crate::watch::StopSignal;

/// Options for opening a job at the start of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// `true` to delete the objects in the tables' folders that no record lists; `false` to refuse the run if there are
    /// any.
    pub replace_foreign: bool,
}

/// The state that a run starts from: the listed table roots, and the log with its last record published.
///
/// Inputs may be listed only after this value was created. A run that commits in the meantime takes the record number
/// that this run aims at, so the first put of this run's record fails.
#[derive(Debug)]
pub struct Opened {
    /// The store of the tables and the log.
    store: Store,
    /// The keys of the job's tables, log and notes in `store`.
    layout: Layout,
    /// The log as step 1 read it. It is not read again before the put of the record, so that the put notices every
    /// later commit.
    log: Log,
    /// The plan of each table that the run writes.
    outputs: Vec<OutputPlan>,
    /// Keys under the table roots that no record lists, by table.
    foreign: BTreeMap<String, Vec<String>>,
}

/// The decision whether a run must be executed or is done already.
#[derive(Debug)]
pub enum Decision {
    /// An earlier attempt has committed the run.
    AlreadyDone {
        /// The record of the run, which is published.
        record: Record,
        /// The live state of the job, which later runs may have changed.
        state: Box<State>,
    },
    /// The run must be executed, and this attempt at it has begun.
    Run(Attempt),
}

/// Lists the table roots, reads the log once, and finishes the publish of its last record.
///
/// # Errors
/// `Conflict` for objects that no record lists; `Usage` for a run that replaces a window or appends, if its columns
/// differ from the table's; `Failed` for tables on another volume than `_drivetrain/`; `TryAgain` if the last publish
/// cannot be finished now; otherwise the kind of the store's failure.
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
                "the last record was lost and is void; the run starts from the record before it"
            );
            continue;
        }
        return checked(store, layout, log, outputs, listed, options).await;
    }
}

/// Makes the checks of [`open`] for `drivetrain plan`. It only reads: it finishes no publish and cleans up after no
/// attempt.
///
/// # Errors
/// As [`open`], except that it never fails because the last publish cannot be finished.
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

/// Checks that all tables are on the same volume as the job's folder in `_drivetrain/`, because a publish renames
/// staged files from that folder into the tables.
fn require_one_volume(store: &Store, layout: &Layout, outputs: &[OutputPlan]) -> Result<()> {
    let ours = layout.everything();
    outputs.iter().try_for_each(|output| {
        store::require_one_volume(store, &ours, &layout.table(&output.table))
    })
}

/// The objects under each table root, by table name.
type ListedTables = BTreeMap<String, Vec<ObjectMeta>>;

/// Lists the objects under the root of each output's table.
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

/// Checks the columns of the outputs, refuses foreign objects unless `options` allow them, and builds the [`Opened`].
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

/// Checks that the run writes the columns that its table has, unless it replaces the whole table.
fn require_same_columns(log: &Log, output: &OutputPlan) -> Result<()> {
    let Some(table) = log.state.table(&output.table) else {
        return Ok(());
    };
    let differences = table.columns.differences(&output.columns);
    if output.replaces == Replaces::Table || differences.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the columns of table `{}` differ from those that this job writes: {}",
        output.table,
        differences.join("; ")
    );
    let hint = match output.replaces {
        Replaces::Append => {
            "set `mode = \"replace\"` in `job.toml` and run the job once to rebuild the whole table, then set `append` again"
        }
        _ => {
            "run the job once without the parameters of its window: the run then replaces the whole table"
        }
    };
    Err(Error::new(ErrorKind::Usage, message).hint(hint))
}

/// Returns the objects under the table roots that no record lists, by table.
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
    // A late publisher can leave parts of a voided run. They are not foreign, because a record lists them. This is
    // rare, so the records before the checkpoint are read only now.
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

/// Fails if a table root holds objects that no record lists. The message names the first object of the first table.
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
    Err(Error::new(ErrorKind::Conflict, message).hint(
        "move such objects out of the table's folder, or pass `--replace-foreign`: the run then deletes them when it publishes",
    ))
}

impl Opened {
    /// Returns the log as it was read when the job was opened.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Lists the objects of an input below a prefix of its store, in key order, without hidden names and folder
    /// markers.
    ///
    /// # Errors
    /// `InputMissing` if no object is left; otherwise the kind of the store's failure.
    pub async fn list(&self, store: &Store, prefix: &str) -> Result<Vec<FrozenObject>> {
        list_input(store, prefix).await
    }

    /// Finishes the last publish of another job's log if necessary, then returns the live parts that the log lists for
    /// a table.
    ///
    /// # Errors
    /// `InputMissing` if that job has not written the table; `TryAgain` if a part was just replaced; otherwise the kind
    /// of the store's failure.
    pub async fn table(&self, store: &Store, job: &str, table: &str) -> Result<TableInput> {
        read_table(store, job, table).await
    }

    /// Returns `true` if the run replaces every table of the job; later appends then skip the objects that it read.
    #[must_use]
    pub fn starts_over(&self) -> bool {
        let whole = |output: &OutputPlan| output.replaces == Replaces::Table;
        self.outputs.iter().all(whole)
    }

    /// Returns the objects that no earlier run of this job has consumed: neither appended, nor read to replace all
    /// tables.
    ///
    /// # Errors
    /// `Conflict` for an object that was changed after it was consumed.
    pub fn unconsumed(&self, objects: Vec<FrozenObject>) -> Result<Vec<FrozenObject>> {
        let mut fresh = Vec::new();
        for object in objects {
            match self.log.state.consumed(&object.url) {
                None => fresh.push(object),
                Some(etag) if etag == object.etag.as_deref() => {}
                Some(_) => {
                    let message = format!(
                        "`{}` has changed since an earlier run consumed it",
                        object.url
                    );
                    return Err(Error::new(ErrorKind::Conflict, message).hint(
                        "an append reads each object only once: store new data under a new name, or run the job once with \
                         `mode = \"replace\"`, which rebuilds the whole table from all current objects",
                    ));
                }
            }
        }
        Ok(fresh)
    }

    /// Returns the number of the live record that holds the result of `run`; `None` if the run must be executed.
    #[must_use]
    pub fn done(&self, run: &RunId) -> Option<u64> {
        self.log.state.done(run)
    }

    /// Returns the record of `run` if the run is done. If not, or with `force`, begins an attempt that aims at the next
    /// record number. This is step 2.
    ///
    /// `consumes` lists the input objects that no later append may read again.
    ///
    /// # Errors
    /// `Failed` for a store that does not refuse to overwrite a record; otherwise the kind of the store's failure.
    pub async fn decide(
        self,
        run: RunId,
        consumes: &[FrozenObject],
        force: bool,
    ) -> Result<Decision> {
        if let (Some(number), false) = (self.done(&run), force)
            && let Some(record) = read_record(&self.store, &self.layout, number).await?
        {
            let state = Box::new(self.log.state);
            return Ok(Decision::AlreadyDone { record, state });
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
            (self.log.last + 1, self.log.state),
            outputs,
            taken.collect(),
        );
        attempt.await.map(Decision::Run)
    }

    /// Returns the keys that the run deletes from a table: those of the parts that it replaces, and those of foreign
    /// objects.
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
