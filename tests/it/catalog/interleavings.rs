//! Registrations of record 1 and record 2 in every order of their requests: the catalog ends with record 2. A process
//! that is killed between two requests leaves what the next registration mends.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use drivetrain_jobs::job::{Job, JobFile};
use drivetrain_runner::catalog::{
    Catalog, CatalogPartition, CatalogTable, Head, Registration, SchemaChange, StoredTable,
    Written, register,
};
use drivetrain_runner::commit::{Log, State};
use drivetrain_runner::error::Result;
use drivetrain_runner::store::{Location, Store};

use crate::support::memory_catalog::MemoryCatalog;
use crate::support::test_run::{JOB, TABLE, TestRun, run_quietly};

/// The job whose table the runs of the commit tests write.
async fn job() -> Job {
    let text = format!(
        "name = \"{JOB}\"\n[inputs.rows.columns]\ntext = \"string\"\nday = \"date not null\"\n[outputs.{TABLE}]\n\
         partition_by = \"day\"\nsql = \"select text, day from rows\"\n[outputs.{TABLE}.columns]\ntext = \"string\"\n\
         day = \"date not null\"\n"
    );
    let file = JobFile {
        name: "job.toml".to_owned(),
        text,
    };
    Job::check(vec![file], &|_| None).await.unwrap()
}

/// The live states after records 1 and 2. Record 2 drops a day, keeps one and adds one.
async fn states() -> [State; 2] {
    let store = Store::memory();
    let runs = [
        TestRun::table("one", &[("2024-01-01", "a"), ("2024-01-02", "b")]),
        TestRun::table("two", &[("2024-01-02", "c"), ("2024-01-03", "d")]),
    ];
    let mut states = Vec::new();
    for test_run in &runs {
        run_quietly(&store, test_run).await.unwrap();
        let log = Log::read(&store, JOB).await.unwrap();
        states.push(log.state().clone());
    }
    states.try_into().ok().unwrap()
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// Reads the head of the log, which nothing changes any more.
    Head,
    /// Reads the catalog.
    Read,
    /// Writes to the catalog.
    Write,
}

/// The turn of one process: each of its requests waits until the schedule grants it.
#[derive(Clone, Default)]
struct Turn(Arc<Mutex<TurnState>>);

#[derive(Default)]
struct TurnState {
    /// The request that waits; `None` before the first one.
    waiting: Option<Request>,
    is_granted: bool,
}

impl Turn {
    async fn wait(&self, request: Request) {
        poll_fn(|_| {
            let mut state = self.0.lock().unwrap();
            state.waiting = Some(request);
            if std::mem::take(&mut state.is_granted) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn grant(&self) {
        self.0.lock().unwrap().is_granted = true;
    }

    fn waiting(&self) -> Option<Request> {
        self.0.lock().unwrap().waiting
    }
}

/// The log and the catalog as one process reaches them.
struct Stepped<'a> {
    catalog: &'a MemoryCatalog,
    states: &'a [State; 2],
    /// Number of the last record, which all processes share.
    head: &'a AtomicU64,
    turn: Turn,
}

#[async_trait]
impl Head for Stepped<'_> {
    async fn read(&self) -> Result<(u64, State)> {
        self.turn.wait(Request::Head).await;
        let number = self.head.load(Ordering::SeqCst);
        let state = &self.states[usize::try_from(number).unwrap() - 1];
        Ok((number, state.clone()))
    }
}

#[async_trait]
impl Catalog for Stepped<'_> {
    fn place(&self) -> String {
        self.catalog.place()
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.turn.wait(Request::Read).await;
        self.catalog.tables().await
    }

    async fn table(&self, name: &str) -> Result<Option<StoredTable>> {
        self.turn.wait(Request::Read).await;
        self.catalog.table(name).await
    }

    async fn create_table(&self, table: &CatalogTable) -> Result<Written> {
        self.turn.wait(Request::Write).await;
        self.catalog.create_table(table).await
    }

    async fn update_table(&self, table: &CatalogTable, version_id: &str) -> Result<Written> {
        self.turn.wait(Request::Write).await;
        self.catalog.update_table(table, version_id).await
    }

    async fn partitions(&self, table: &str) -> Result<Vec<CatalogPartition>> {
        self.turn.wait(Request::Read).await;
        self.catalog.partitions(table).await
    }

    async fn create_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()> {
        self.turn.wait(Request::Write).await;
        self.catalog.create_partitions(table, partitions).await
    }

    async fn update_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()> {
        self.turn.wait(Request::Write).await;
        self.catalog.update_partitions(table, partitions).await
    }

    async fn delete_partitions(&self, table: &str, values: &[Vec<String>]) -> Result<()> {
        self.turn.wait(Request::Write).await;
        self.catalog.delete_partitions(table, values).await
    }
}

/// A choice of the schedule: the process that makes its next request, or that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Next(usize),
    Kill(usize),
}

/// Goes through all sequences of choices, depth first.
#[derive(Default)]
struct Schedules {
    /// The choices of the present sequence, each with those that are left at its place.
    path: RefCell<Vec<Vec<Choice>>>,
    /// The next place in the path.
    at: Cell<usize>,
}

impl Schedules {
    /// Returns the choice at the next place of the sequence, out of those that are possible there.
    fn choose(&self, possible: Vec<Choice>) -> Choice {
        let mut path = self.path.borrow_mut();
        let at = self.at.replace(self.at.get() + 1);
        if at == path.len() {
            path.push(possible);
        }
        *path[at].last().unwrap()
    }

    /// Goes on to the next sequence; returns `false` after the last one.
    fn advance(&self) -> bool {
        self.at.set(0);
        let mut path = self.path.borrow_mut();
        while let Some(left) = path.last_mut() {
            left.pop();
            if !left.is_empty() {
                return true;
            }
            path.pop();
        }
        false
    }
}

type Process<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Lets two processes make their requests in the order of a schedule; returns `true` if one was killed.
fn interleave(
    mut processes: [Option<Process<'_>>; 2],
    turns: &[Turn; 2],
    head: &AtomicU64,
    schedules: &Schedules,
    may_kill: bool,
) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = |process: &mut Option<Process<'_>>| {
        let polled = process
            .as_mut()
            .map(|future| future.as_mut().poll(&mut context));
        if polled == Some(Poll::Ready(())) {
            *process = None;
        }
    };
    let mut step = |processes: &mut [Option<Process<'_>>; 2], at: usize| {
        turns[at].grant();
        poll(&mut processes[at]);
    };
    // The first process reads the head before the second record is there.
    step(&mut processes, 0);
    head.store(2, Ordering::SeqCst);
    step(&mut processes, 1);
    let mut is_killed = false;
    loop {
        let running: Vec<usize> = (0..2).filter(|at| processes[*at].is_some()).collect();
        let waiting = |at: usize| turns[at].waiting().unwrap();
        // Two requests of which neither writes have the same effect in both orders, so that one order is enough.
        let writes = running.iter().filter(|at| waiting(**at) == Request::Write);
        let free = running.iter().find(|at| waiting(**at) == Request::Head);
        let free = free.or(if writes.count() == 0 {
            running.first()
        } else {
            None
        });
        if let Some(at) = free {
            step(&mut processes, *at);
            continue;
        }
        if running.is_empty() {
            return is_killed;
        }
        let mut possible: Vec<Choice> = running.iter().map(|at| Choice::Next(*at)).collect();
        if may_kill && !is_killed {
            // A kill after a request that only reads leaves the same as one before it.
            let killed = running.iter().filter(|at| waiting(**at) == Request::Write);
            possible.extend(killed.map(|at| Choice::Kill(*at)));
        }
        match schedules.choose(possible) {
            Choice::Next(at) => step(&mut processes, at),
            Choice::Kill(at) => {
                processes[at] = None;
                is_killed = true;
            }
        }
    }
}

/// Runs the future of a registration without a schedule.
fn alone(
    registration: &Registration<'_>,
    states: &[State; 2],
    number: u64,
    catalog: &MemoryCatalog,
) {
    let head = AtomicU64::new(number);
    let turn = Turn::default();
    let stepped = Stepped {
        catalog,
        states,
        head: &head,
        turn: turn.clone(),
    };
    let mut process: Process<'_> = Box::pin(async {
        let registered = register(registration, &stepped, &stepped).await.unwrap();
        assert_eq!(registered.record, number);
    });
    let mut context = Context::from_waker(Waker::noop());
    loop {
        turn.grant();
        if process.as_mut().poll(&mut context) == Poll::Ready(()) {
            return;
        }
    }
}

/// Returns a registration, which must end with record 2.
fn process<'a>(registration: &'a Registration<'_>, stepped: &'a Stepped<'_>) -> Process<'a> {
    Box::pin(async move {
        let registered = register(registration, stepped, stepped).await.unwrap();
        assert_eq!(registered.record, 2);
    })
}

fn every_order_ends_with_the_last_record(may_kill: bool, is_registered: bool) -> usize {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (job, states) = runtime.block_on(async { (job().await, states().await) });
    let root = Location::Folder("/lake".into());
    let registration = Registration {
        job: &job,
        root: &root,
        schema_change: SchemaChange::Fail,
        adopts: false,
    };
    let expected = MemoryCatalog::default();
    alone(&registration, &states, 2, &expected);
    let expected = expected.content();
    let schedules = Schedules::default();
    let mut count = 0;
    loop {
        let (catalog, head) = (MemoryCatalog::default(), AtomicU64::new(1));
        if is_registered {
            alone(&registration, &states, 1, &catalog);
        }
        let turns = [Turn::default(), Turn::default()];
        let stepped = turns.clone().map(|turn| Stepped {
            catalog: &catalog,
            states: &states,
            head: &head,
            turn,
        });
        let processes = [0, 1].map(|at| Some(process(&registration, &stepped[at])));
        let is_killed = interleave(processes, &turns, &head, &schedules, may_kill);
        if is_killed {
            alone(&registration, &states, 2, &catalog);
        }
        assert_eq!(catalog.content(), expected, "{:?}", schedules.path.borrow());
        count += 1;
        if !schedules.advance() {
            return count;
        }
    }
}

#[test]
fn registrations_of_two_records_end_with_the_last_one_in_every_order() {
    for is_registered in [false, true] {
        let count = every_order_ends_with_the_last_record(false, is_registered);
        println!("{count} orders");
        assert!(count > 10, "{count}");
    }
}

#[test]
fn a_registration_that_is_killed_after_any_request_is_mended_by_the_next() {
    for is_registered in [false, true] {
        let count = every_order_ends_with_the_last_record(true, is_registered);
        println!("{count} orders with kills");
        assert!(count > 100, "{count}");
    }
}
