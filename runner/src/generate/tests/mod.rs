//! What every sample must hold, checked on whole samples in memory.

mod reference_reader;
mod sample_writer;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

use bytes::Bytes;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use self::reference_reader::{Reading, cents, seconds};
use super::{Account, FileKind, Settings, Share, generate};
use crate::commit::StopSignal;
use crate::generate::file_fragment::Block;
use crate::generate::sample::Sample;
use crate::progress::Progress;
use crate::store::Store;

/// The objects of a sample, by their keys below `raw/`.
struct Memory {
    files: BTreeMap<String, Bytes>,
}

fn settings(rentals: u64, dirt: &str) -> Settings {
    Settings::new(rentals, 7, dirt.parse::<Share>().unwrap()).unwrap()
}

async fn sample(settings: &Settings) -> (Account, Memory) {
    let store = Store::memory();
    let generated = generate(settings, &store, &Progress::default(), &StopSignal::never())
        .await
        .unwrap();
    let mut files = BTreeMap::new();
    for object in store.list(&Path::default()).await.unwrap() {
        let name = object.location.as_ref().strip_prefix("raw/").unwrap();
        let bytes = store.read(&object.location).await.unwrap().unwrap();
        files.insert(name.to_owned(), bytes);
    }
    (generated.account, Memory { files })
}

fn hash(memory: &Memory) -> String {
    let mut hasher = Sha256::new();
    for (name, bytes) in &memory.files {
        hasher.update(name);
        hasher.update(bytes);
    }
    let digest = hasher.finalize();
    let first = digest[..8].try_into().unwrap();
    format!("{:016x}", u64::from_be_bytes(first))
}

#[tokio::test]
async fn the_bytes_of_a_seed_never_change() {
    let (_, clean) = sample(&settings(2_000, "0")).await;
    let (_, dirty) = sample(&settings(2_000, "0.05")).await;
    assert_eq!(
        (hash(&clean), hash(&dirty)),
        ("f9295f8bbcc2506a".to_owned(), "e080b63759f951f1".to_owned())
    );
}

#[tokio::test]
async fn threads_and_progress_do_not_change_a_byte() {
    let one = settings(80_000, "0.01").file_bytes(4 << 20);
    let many = one.clone().threads(NonZeroUsize::new(5).unwrap());
    let ((account, bytes), (other_account, other_bytes)) =
        (sample(&one).await, sample(&many).await);
    assert_eq!(account, other_account);
    assert_eq!(bytes.files, other_bytes.files);
    let rentals = account.dataset("rental_transactions").unwrap();
    assert!(rentals.files.len() > 5, "{:?}", rentals.files);
}

#[test]
fn what_is_made_at_a_time_does_not_grow_with_the_sample() {
    let largest = |rentals| {
        let sample = Sample::new(&settings(rentals, "0"));
        let blocks =
            (0..sample.datasets().len()).flat_map(|dataset| Block::all_of(&sample, dataset));
        let sizes = blocks.map(|block| block.make(&sample).bytes.len());
        sizes.max().unwrap()
    };
    let (small, large) = (largest(40_000), largest(120_000));
    assert!(large < 6 << 20, "{large}");
    assert!(large <= small * 11 / 10);
}

#[tokio::test]
async fn another_seed_is_another_sample() {
    let (_, one) = sample(&settings(100, "0")).await;
    let (_, other) = sample(&Settings::new(100, 8, Share::ZERO).unwrap()).await;
    assert_ne!(hash(&one), hash(&other));
}

#[tokio::test]
async fn a_clean_sample_breaks_no_rule() {
    let (account, memory) = sample(&settings(6_000, "0")).await;
    let read = Reading::of(&account, &memory);
    for (dataset, rows) in [
        ("locations", 200),
        ("users", 9_000),
        ("vehicles", 36_000),
        ("rental_transactions", 6_000),
    ] {
        assert_eq!(read.accounts[dataset].accepted_rows, rows, "{dataset}");
        assert_eq!(account.dataset(dataset).unwrap().lines, rows, "{dataset}");
        assert!(read.rejected(dataset).is_empty(), "{dataset}");
    }
}

#[tokio::test]
async fn the_account_of_a_dirty_sample_is_what_a_reader_finds() {
    for (rentals, dirt) in [(40_000, "0.01"), (3_000, "0.02"), (300, "0.2"), (5, "0.5")] {
        let settings = settings(rentals, dirt).file_bytes(3 << 20);
        let (account, memory) = sample(&settings).await;
        let read = Reading::of(&account, &memory);
        for dataset in &account.datasets {
            let found = &read.accounts[dataset.name.as_str()];
            let case = format!("{} of {rentals}, dirt {dirt}: {dataset:#?}", dataset.name);
            assert_eq!(found.accepted_rows, dataset.accepted_rows, "{case}");
            assert_eq!(found.rejected_in_all(), dataset.rejected_in_all(), "{case}");
            assert_eq!(found.cascaded_rows, dataset.cascaded_rows, "{case}");
            assert_eq!(found.lines, dataset.lines, "{case}");
            let rejected = dataset.rejected_in_all().lines;
            let most = settings.dirt.added_to(dataset.accepted_rows);
            assert_eq!(rejected, most, "{case}");
        }
    }
}

#[tokio::test]
async fn every_class_of_dirt_and_every_kind_of_file_comes() {
    let (account, _) = sample(&settings(6_000, "0.01")).await;
    let rentals = account.dataset("rental_transactions").unwrap();
    assert_eq!(rentals.rejected.len(), 16, "{:#?}", rentals.rejected);
    assert_eq!(rentals.cascaded_rows, 9);
    for dataset in &account.datasets {
        let kinds = dataset
            .files
            .iter()
            .map(|file| file.kind)
            .collect::<Vec<_>>();
        assert_eq!(
            kinds,
            [
                FileKind::Plain,
                FileKind::Reordered,
                FileKind::UnknownColumn,
                FileKind::HeaderOnly,
                FileKind::Empty
            ]
        );
    }
}

#[tokio::test]
async fn dirt_leaves_the_clean_rows_and_their_facts_as_they_are() {
    let (clean_account, clean) = sample(&settings(2_000, "0")).await;
    let (dirty_account, dirty) = sample(&settings(2_000, "0.02")).await;
    assert_eq!(clean_account.facts, dirty_account.facts);
    let clean = Reading::of(&clean_account, &clean);
    let dirty = Reading::of(&dirty_account, &dirty);
    for (dataset, rows) in &clean.accepted {
        assert_eq!(rows, &dirty.accepted[dataset], "{dataset}");
    }
}

#[tokio::test]
async fn prices_and_warnings_follow_the_rules() {
    let (account, memory) = sample(&settings(6_000, "0")).await;
    let read = Reading::of(&account, &memory);
    let column = |dataset: &str, key: usize, value: usize| {
        let rows = read.accepted[dataset].iter();
        rows.map(|row| (row[key].clone(), row[value].clone()))
            .collect::<HashMap<_, _>>()
    };
    let rates = column("vehicles", 10, 13);
    let signups = column("users", 0, 7);
    let active = column("users", 0, 8);
    let (mut off, mut early, mut inactive, mut revenue) = (0, 0, 0, 0);
    for rental in &read.accepted["rental_transactions"] {
        let rate = match rates[&rental[2]].as_str() {
            "basic" => 10,
            "premium" => 20,
            "high_end" => 50,
            other => panic!("{other}"),
        };
        let seconds = seconds(&rental[4]) - seconds(&rental[3]);
        let cents = cents(&rental[7]).unwrap();
        revenue += u64::try_from(cents).unwrap();
        off += u64::from(cents * 3_600 != seconds * rate * 100);
        early += u64::from(rental[3][..10] < signups[&rental[1]][..]);
        inactive += u64::from(active[&rental[1]] == "0");
    }
    let facts = account.facts;
    assert_eq!(facts.revenue_cents, revenue);
    assert_eq!(facts.off_price_rule, off);
    assert_eq!(facts.starts_before_signup, early);
    assert_eq!(facts.by_inactive_user, inactive);
    assert!((1..100).contains(&off) && (100..1_500).contains(&early));
    assert!((200..450).contains(&inactive));
}

#[tokio::test]
async fn trade_has_seasons_favourites_and_regulars() {
    let (account, memory) = sample(&settings(6_000, "0")).await;
    let read = Reading::of(&account, &memory);
    let count = |of: &dyn Fn(&[String]) -> String| {
        let mut counts = HashMap::<String, usize>::new();
        for rental in &read.accepted["rental_transactions"] {
            *counts.entry(of(rental)).or_default() += 1;
        }
        counts
    };
    let months = count(&|rental| rental[3][..7].to_owned());
    assert_eq!(months.len(), 12);
    assert!(months["2024-07"] > months["2024-01"] * 3 / 2);
    let mut places = count(&|rental| rental[5].clone())
        .into_values()
        .collect::<Vec<_>>();
    places.sort_unstable();
    assert!(places[places.len() - 1] > 20 * places[0], "{places:?}");
    let users = count(&|rental| rental[1].clone());
    assert!(users.values().max().unwrap() < &60);
    assert!(users.values().filter(|rentals| **rentals > 1).count() > 900);
}
