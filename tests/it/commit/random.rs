//! Several processes on one store in memory, whose calls are interleaved by a seed. They crash and start again, hang,
//! and are stopped; their calls time out with or without effect, their puts take effect late, the store forgets
//! uploads, and vacuum runs. After any order of calls, a listing shows the same parts as the log, the log shows the
//! effects of its live records one after the other, nothing was consumed twice, and no process reported a success that
//! did not happen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Record, Replaces, Run, repair};
use drivetrain_runner::error::Result;
use drivetrain_runner::store::Store;
use drivetrain_runner::watch::Stopper;
use object_store::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault, FaultInjector, Operation};
use crate::support::faulty_store::Faulty;
use crate::support::table_contents::{Contents, leftovers, listed, logged, sorted};
use crate::support::test_run::{JOB, RunEnd, TABLE, TestRun, run, run_quietly, vacuum_all};

/// Seeds that the test tries; `DRIVETRAIN_SEEDS=from..to` sets others.
const SEEDS: std::ops::Range<u64> = 0..400;

const DAYS: [&str; 4] = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"];

/// `SplitMix64`: enough randomness for a test, and the same everywhere.
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// Returns a number below `sides`.
    fn roll(&self, sides: usize) -> usize {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(sides).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % sides).unwrap()
    }
}

/// Work of a process.
#[derive(Clone)]
enum Role {
    Run(Box<TestRun>),
    Vacuum,
}

struct Process {
    role: Role,
    injector: Arc<FaultInjector>,
    events: UnboundedReceiver<Call>,
    /// Number of calls that are paused.
    waiting: usize,
    stopper: Stopper,
    task: JoinHandle<Result<Option<RunEnd>>>,
    /// Number of times that the process may start again.
    lives: usize,
}

impl Process {
    async fn start(backend: &Backend, role: Role, dice: &Dice, lives: usize) -> Self {
        let sides = dice.clone();
        let chooser = move |_, call: &Call| choose(&sides, call);
        let Faulty {
            store,
            injector,
            events,
        } = Faulty::gated(backend, chooser).await;
        let (stopper, stop) = Stopper::new();
        let doing = role.clone();
        let task = tokio::spawn(async move {
            match doing {
                Role::Run(test_run) => run(&store, &test_run, &stop).await.map(Some),
                Role::Vacuum => vacuum_all(&store).await.map(|_| None),
            }
        });
        Self {
            role,
            injector,
            events,
            waiting: 0,
            stopper,
            task,
            lives,
        }
    }
}

/// Chooses a fault for one call in 25.
fn choose(dice: &Dice, call: &Call) -> Option<Fault> {
    if dice.roll(25) > 0 {
        return None;
    }
    // If the put of a probe took effect late, the run would conclude that conditional puts do not work.
    if call.key.contains("/probe/") {
        return Some(Fault::FailBefore);
    }
    let faults = [
        Fault::FailBefore,
        Fault::FailAfter,
        match call.operation {
            Operation::Put => Fault::Late,
            Operation::Complete => Fault::Pretend,
            _ => Fault::FailBefore,
        },
    ];
    Some(faults[dice.roll(faults.len())])
}

fn roles(dice: &Dice) -> Vec<Role> {
    let window = |name: &str, from: usize, to: usize| {
        let days: Vec<_> = (from..=to).map(|day| (DAYS[day], name)).collect();
        TestRun::window(name, DAYS[from], DAYS[to], &days)
    };
    let all = [
        TestRun::table("table a", &[(DAYS[0], "table a"), (DAYS[3], "table a")]),
        TestRun::table("table b", &[(DAYS[1], "table b")]),
        TestRun::table("empty", &[]),
        window("window 0", 0, 0),
        window("window 1", 1, 1),
        window("window 1 again", 1, 1),
        window("window 2 to 3", 2, 3),
        TestRun::window("empty window", DAYS[0], DAYS[1], &[]),
        TestRun::append("append a", "raw/a"),
        TestRun::append("append both", "raw"),
    ];
    let mut roles = Vec::new();
    for _ in 0..3 + dice.roll(2) {
        let test_run = all[dice.roll(all.len())].clone();
        roles.push(Role::Run(Box::new(test_run.clone())));
        // Two processes do the same run, as if it was retried while the first process is still alive.
        if dice.roll(3) == 0 {
            roles.push(Role::Run(Box::new(test_run)));
        }
    }
    if dice.roll(2) == 0 {
        roles.push(Role::Vacuum);
    }
    roles
}

/// Counts of events, to assert that each kind of event happened.
#[derive(Debug, Default)]
struct Tally {
    crashes: usize,
    lost: usize,
    late: usize,
    stops: usize,
    successes: usize,
    voids: usize,
    errors: BTreeMap<String, usize>,
}

async fn interleave(seed: u64, tally: &mut Tally) {
    let dice = Dice::new(seed);
    let backend = Backend::memory();
    let store = backend.store().await;
    for key in ["raw/a/1.txt", "raw/b/2.txt"] {
        store.put(&Path::from(key), Bytes::from(key)).await.unwrap();
    }
    let mut processes = Vec::new();
    for role in roles(&dice) {
        processes.push(Process::start(&backend, role, &dice, 4).await);
    }
    let mut successes = Vec::new();
    while !processes.is_empty() {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        reap(&backend, &dice, &mut processes, &mut successes, tally).await;
        let ready: Vec<_> = (0..processes.len())
            .filter(|&index| processes[index].waiting > 0)
            .collect();
        if !ready.is_empty() {
            let index = ready[dice.roll(ready.len())];
            step(&backend, &dice, &mut processes, index, tally).await;
        }
    }
    // Any process can finish a pending publish. A lost record is voided, and `repair` reports it.
    for _ in 0..3 {
        if let Err(error) = repair(&store, JOB).await {
            assert_eq!(error.kind(), ErrorKind::TryAgain, "seed {seed}: {error}");
        }
    }
    assert_invariants(&store, &successes, seed, tally).await;
    // No lasting damage: a run without disturbances succeeds, and vacuum leaves nothing behind.
    let last = TestRun::table("last", &[(DAYS[0], "last")]);
    run_quietly(&store, &last).await.unwrap();
    vacuum_all(&store).await.unwrap();
    let left = leftovers(&store).await;
    assert_eq!(left, Vec::<String>::new(), "seed {seed}");
    assert_eq!(listed(&store).await, last.expected(), "seed {seed}");
}

/// Counts the paused calls, and removes the processes that have ended. Those that failed start again.
async fn reap(
    backend: &Backend,
    dice: &Dice,
    processes: &mut Vec<Process>,
    successes: &mut Vec<(TestRun, RunEnd)>,
    tally: &mut Tally,
) {
    let mut index = 0;
    while index < processes.len() {
        let process = &mut processes[index];
        while process.events.try_recv().is_ok() {
            process.waiting += 1;
        }
        if !process.task.is_finished() {
            index += 1;
            continue;
        }
        let process = processes.swap_remove(index);
        // A late put of a process that has ended may still take effect.
        if dice.roll(2) == 0 {
            process.injector.land().await;
        }
        match process.task.await.unwrap() {
            Ok(done) => {
                tally.successes += 1;
                if let (Some(done), Role::Run(test_run)) = (done, process.role) {
                    successes.push((*test_run, done));
                }
            }
            Err(error) => {
                let kind = format!("{:?}", error.kind());
                *tally.errors.entry(kind).or_default() += 1;
                if process.lives > 0 {
                    let next = Process::start(backend, process.role, dice, process.lives - 1);
                    processes.push(next.await);
                }
            }
        }
    }
}

/// Resumes one waiting call, or disturbs its process.
async fn step(
    backend: &Backend,
    dice: &Dice,
    processes: &mut Vec<Process>,
    index: usize,
    tally: &mut Tally,
) {
    match dice.roll(200) {
        0..=2 => {
            tally.crashes += 1;
            let process = processes.swap_remove(index);
            process.task.abort();
            if dice.roll(2) == 0 {
                process.injector.land().await;
            }
            if process.lives > 0 {
                let next = Process::start(backend, process.role, dice, process.lives - 1);
                processes.push(next.await);
            }
        }
        3..=4 => {
            tally.lost += 1;
            let injector = &processes[index].injector;
            injector.lose_upload(|count| dice.roll(count)).await;
        }
        5 => {
            tally.stops += 1;
            processes[index].stopper.stop();
        }
        6..=15 => {
            tally.late += 1;
            processes[index].injector.land().await;
        }
        _ => {
            let process = &mut processes[index];
            process.waiting -= 1;
            process.injector.resume();
        }
    }
}

/// Asserts the invariants.
async fn assert_invariants(
    store: &Store,
    successes: &[(TestRun, RunEnd)],
    seed: u64,
    tally: &mut Tally,
) {
    let records = records(store).await;
    let voided = |number: u64| records.iter().any(|record| record.voids(number));
    let live: Vec<_> = records
        .iter()
        .filter(|record| !voided(record.number))
        .filter_map(|record| record.as_run().map(|run| (record.number, run)))
        .collect();
    tally.voids += records.len() - live.len();

    let listed = listed(store).await;
    assert_eq!(
        listed,
        logged(store).await,
        "seed {seed}: listing and log differ"
    );
    assert_eq!(
        listed,
        replayed(store, &live).await,
        "seed {seed}: log and its records differ"
    );

    for (test_run, done) in successes {
        let number = done.number();
        let run = live.iter().find(|(live, _)| *live == number);
        let Some((_, run)) = run else {
            panic!(
                "seed {seed}: `{}` reported record {number}, which is not live",
                test_run.name
            )
        };
        assert_eq!(run.outputs[0].replaces, test_run.replaces, "seed {seed}");
    }
    let mut consumed = BTreeSet::new();
    let mut appended = BTreeSet::new();
    for (number, run) in &live {
        for input in &run.consumed {
            assert!(
                consumed.insert(&input.url),
                "seed {seed}: {} twice",
                input.url
            );
        }
        if run.appends() {
            assert!(
                appended.insert(&run.run),
                "seed {seed}: record {number} again"
            );
        }
    }
}

async fn records(store: &Store) -> Vec<Record> {
    let mut records = Vec::new();
    for number in 1.. {
        let key = Path::from(format!("_drivetrain/{JOB}/log/{number:020}.json"));
        match store.read(&key).await.unwrap() {
            Some(bytes) => records.push(Record::from_bytes(number, &bytes).unwrap()),
            None => break,
        }
    }
    records
}

/// Returns the contents of the table if each live run had the effects that its mode promises. The paths listed in its
/// record are ignored.
async fn replayed(store: &Store, live: &[(u64, &Run)]) -> Contents {
    let mut table = Contents::new();
    for (_, run) in live {
        let output = &run.outputs[0];
        match &output.replaces {
            Replaces::Table => table.clear(),
            Replaces::Window(window) => table.retain(|folder, _| {
                let day = folder.rsplit_once('=').unwrap().1.to_owned();
                !(window.from.clone().unwrap()..=window.to.clone().unwrap()).contains(&day)
            }),
            Replaces::Append => {}
        }
        for part in &output.parts {
            let text = store.read(&part.path().unwrap()).await.unwrap();
            // Replaced parts are deleted, so their text is not compared.
            let text = text.map(|text| String::from_utf8(text.to_vec()).unwrap());
            let folder = format!("{JOB}/{TABLE}/{}", part.partition);
            table
                .entry(folder)
                .or_default()
                .push(text.unwrap_or_default());
        }
    }
    sorted(table)
}

#[tokio::test]
async fn any_interleaving_keeps_the_invariants() {
    let mut tally = Tally::default();
    let chosen = std::env::var("DRIVETRAIN_SEEDS").ok().and_then(|range| {
        let (from, to) = range.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    for seed in chosen.unwrap_or(SEEDS) {
        interleave(seed, &mut tally).await;
    }
    println!("{tally:?}");
    assert!(tally.crashes > 0 && tally.lost > 0 && tally.voids > 0 && tally.stops > 0);
    assert!(tally.successes > 0 && tally.errors.contains_key("Conflict"));
}
