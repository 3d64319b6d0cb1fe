//! Several processes on one store in memory, their calls interleaved by a seed: they crash and begin again, are held for ever,
//! are told to stop, their calls time out with or without effect, their puts land late, the store forgets uploads, and vacuum
//! comes by. Whatever the order: what a listing shows in the end is what the log says, the log says what its live records say
//! one after the other, nothing is consumed twice, and nobody was told of a success that is not there.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Record, Replaces, Run, Stopper, VacuumOptions, repair, vacuum};
use drivetrain_runner::error::Result;
use drivetrain_runner::store::Store;
use object_store::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use crate::support::backends::Backend;
use crate::support::commit_work::{
    Done, JOB, TABLE, Visible, Work, leftovers, logged, run, run_quietly, visible,
};
use crate::support::store_faults::{Call, Fault, Faulty, Operation, Shared};

/// Seeds of one run of the test; `DRIVETRAIN_SEEDS=from..to` tries others.
const SEEDS: std::ops::Range<u64> = 0..400;

const DAYS: [&str; 4] = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"];

/// `SplitMix64`: enough randomness for a test, and the same everywhere.
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// A number below `sides`.
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

/// What a process does.
#[derive(Clone)]
enum Role {
    Work(Box<Work>),
    Vacuum,
}

struct Process {
    role: Role,
    faulty: Arc<Faulty>,
    heard: UnboundedReceiver<Call>,
    waiting: usize,
    stopper: Stopper,
    task: JoinHandle<Result<Option<Done>>>,
    /// How often it may begin again.
    lives: usize,
}

impl Process {
    async fn start(backend: &Backend, role: Role, dice: &Dice, lives: usize) -> Self {
        let sides = dice.clone();
        let chooser = move |_, call: &Call| choose(&sides, call);
        let (faulty, heard) = Faulty::gated(backend.objects().await, chooser);
        let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&faulty))));
        let (stopper, stop) = Stopper::new();
        let doing = role.clone();
        let task = tokio::spawn(async move {
            match doing {
                Role::Work(work) => run(&store, &work, &stop).await.map(Some),
                Role::Vacuum => {
                    let options = VacuumOptions {
                        retention: Duration::ZERO,
                        quarantine: None,
                    };
                    vacuum(&store, JOB, options).await.map(|_| None)
                }
            }
        });
        Self {
            role,
            faulty,
            heard,
            waiting: 0,
            stopper,
            task,
            lives,
        }
    }
}

/// One call in 25 goes wrong.
fn choose(dice: &Dice, call: &Call) -> Option<Fault> {
    if dice.roll(25) > 0 {
        return None;
    }
    // A probe that lands late would show a store that is not what it says.
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
        Work::window(name, DAYS[from], DAYS[to], &days)
    };
    let all = [
        Work::table("table a", &[(DAYS[0], "table a"), (DAYS[3], "table a")]),
        Work::table("table b", &[(DAYS[1], "table b")]),
        Work::table("empty", &[]),
        window("window 0", 0, 0),
        window("window 1", 1, 1),
        window("window 1 again", 1, 1),
        window("window 2 to 3", 2, 3),
        Work::window("empty window", DAYS[0], DAYS[1], &[]),
        Work::append("append a", "raw/a"),
        Work::append("append both", "raw"),
    ];
    let mut roles = Vec::new();
    for _ in 0..3 + dice.roll(2) {
        let work = all[dice.roll(all.len())].clone();
        roles.push(Role::Work(Box::new(work.clone())));
        // The same run by two processes: a retry that does not know that the first one lives.
        if dice.roll(3) == 0 {
            roles.push(Role::Work(Box::new(work)));
        }
    }
    if dice.roll(2) == 0 {
        roles.push(Role::Vacuum);
    }
    roles
}

/// What happened in one seed, to see that all of it is tried.
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
    // What was left undone is finished by anybody; a lost record is void and says so.
    for _ in 0..3 {
        if let Err(error) = repair(&store, JOB).await {
            assert_eq!(error.kind(), ErrorKind::TryAgain, "seed {seed}: {error}");
        }
    }
    holds(&store, &successes, seed, tally).await;
    // The store is as good as new: a run that nothing disturbs works, and vacuum leaves nothing behind.
    let last = Work::table("last", &[(DAYS[0], "last")]);
    run_quietly(&store, &last).await.unwrap();
    let options = VacuumOptions {
        retention: Duration::ZERO,
        quarantine: None,
    };
    vacuum(&store, JOB, options).await.unwrap();
    let left = leftovers(&store).await;
    assert_eq!(left, Vec::<String>::new(), "seed {seed}");
    assert_eq!(visible(&store).await, last.expected(), "seed {seed}");
}

/// Takes in which calls wait, and what became of processes that are done; those that failed begin again.
async fn reap(
    backend: &Backend,
    dice: &Dice,
    processes: &mut Vec<Process>,
    successes: &mut Vec<(Work, Done)>,
    tally: &mut Tally,
) {
    let mut index = 0;
    while index < processes.len() {
        let process = &mut processes[index];
        while process.heard.try_recv().is_ok() {
            process.waiting += 1;
        }
        if !process.task.is_finished() {
            index += 1;
            continue;
        }
        let process = processes.swap_remove(index);
        // A late put of a process that is gone still lands.
        if dice.roll(2) == 0 {
            process.faulty.land().await;
        }
        match process.task.await.unwrap() {
            Ok(done) => {
                tally.successes += 1;
                if let (Some(done), Role::Work(work)) = (done, process.role) {
                    successes.push((*work, done));
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

/// Lets one waiting call go on, or does something to its process.
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
                process.faulty.land().await;
            }
            if process.lives > 0 {
                let next = Process::start(backend, process.role, dice, process.lives - 1);
                processes.push(next.await);
            }
        }
        3..=4 => {
            tally.lost += 1;
            let faulty = &processes[index].faulty;
            faulty.lose(|count| dice.roll(count)).await;
        }
        5 => {
            tally.stops += 1;
            processes[index].stopper.stop();
        }
        6..=15 => {
            tally.late += 1;
            processes[index].faulty.land().await;
        }
        _ => {
            let process = &mut processes[index];
            process.waiting -= 1;
            process.faulty.go_on();
        }
    }
}

/// The invariants.
async fn holds(store: &Store, successes: &[(Work, Done)], seed: u64, tally: &mut Tally) {
    let records = records(store).await;
    let voided = |number: u64| records.iter().any(|record| record.voids(number));
    let live: Vec<_> = records
        .iter()
        .filter(|record| !voided(record.number))
        .filter_map(|record| record.as_run().map(|run| (record.number, run)))
        .collect();
    tally.voids += records.len() - live.len();

    let listed = visible(store).await;
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

    for (work, done) in successes {
        let number = done.number();
        let run = live.iter().find(|(live, _)| *live == number);
        let Some((_, run)) = run else {
            panic!(
                "seed {seed}: `{}` was told of record {number}, which is not live",
                work.name
            )
        };
        assert_eq!(run.outputs[0].replaces, work.replaces, "seed {seed}");
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

/// What the table holds if each live run does what it is for, without its lists of keys.
async fn replayed(store: &Store, live: &[(u64, &Run)]) -> Visible {
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
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
            // Parts that were replaced are gone; their text does not matter any more.
            let text = text.map(|text| String::from_utf8(text.to_vec()).unwrap());
            let folder = format!("{JOB}/{TABLE}/{}", part.partition);
            table
                .entry(folder)
                .or_default()
                .push(text.unwrap_or_default());
        }
    }
    for texts in table.values_mut() {
        texts.sort();
    }
    table
}

#[tokio::test]
async fn any_interleaving_keeps_the_promises() {
    let mut tally = Tally::default();
    let chosen = std::env::var("DRIVETRAIN_SEEDS").ok().and_then(|range| {
        let (from, to) = range.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    for seed in chosen.unwrap_or(SEEDS) {
        interleave(seed, &mut tally).await;
    }
    println!("{tally:?}");
    // All of it must have been tried.
    assert!(tally.crashes > 0 && tally.lost > 0 && tally.voids > 0 && tally.stops > 0);
    assert!(tally.successes > 0 && tally.errors.contains_key("Conflict"));
}
