//! Tests the properties of all samples, on complete samples in memory.

mod reference_reader;
mod sample_writer;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

use bytes::Bytes;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use self::reference_reader::{ReferenceReader, cents, seconds};
use super::{DefectShare, FileKind, SampleManifest, SampleSettings, generate};
use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::file_fragment::FileFragment;
use crate::store::Store;
use crate::watch::Progress;
use crate::watch::StopSignal;

/// The objects of a sample, by their paths in `raw/`.
struct SampleObjects {
    files: BTreeMap<String, Bytes>,
}

fn settings(rentals: u64, dirt: &str) -> SampleSettings {
    SampleSettings::new(rentals, 7, dirt.parse::<DefectShare>().unwrap()).unwrap()
}

async fn sample(settings: &SampleSettings) -> (SampleManifest, SampleObjects) {
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
    (generated.manifest, SampleObjects { files })
}

fn hash(memory: &SampleObjects) -> String {
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
    let ((manifest, bytes), (other_manifest, other_bytes)) =
        (sample(&one).await, sample(&many).await);
    assert_eq!(manifest, other_manifest);
    assert_eq!(bytes.files, other_bytes.files);
    let rentals = manifest.dataset("rental_transactions").unwrap();
    assert!(rentals.files.len() > 5, "{:?}", rentals.files);
}

#[test]
fn the_size_of_a_fragment_does_not_grow_with_the_sample() {
    let largest = |rentals| {
        let sample = DatasetGenerators::new(&settings(rentals, "0"));
        let fragments =
            (0..sample.datasets().len()).flat_map(|dataset| FileFragment::all_of(&sample, dataset));
        let sizes = fragments.map(|fragment| fragment.generate(&sample).bytes.len());
        sizes.max().unwrap()
    };
    let (small, large) = (largest(40_000), largest(120_000));
    assert!(large < 6 << 20, "{large}");
    assert!(large <= small * 11 / 10);
}

#[tokio::test]
async fn another_seed_is_another_sample() {
    let (_, one) = sample(&settings(100, "0")).await;
    let (_, other) = sample(&SampleSettings::new(100, 8, DefectShare::ZERO).unwrap()).await;
    assert_ne!(hash(&one), hash(&other));
}

#[tokio::test]
async fn a_clean_sample_breaks_no_rule() {
    let (manifest, memory) = sample(&settings(6_000, "0")).await;
    let read = ReferenceReader::of(&manifest, &memory);
    for (dataset, rows) in [
        ("locations", 200),
        ("users", 9_000),
        ("vehicles", 36_000),
        ("rental_transactions", 6_000),
    ] {
        assert_eq!(read.manifests[dataset].accepted_rows, rows, "{dataset}");
        assert_eq!(manifest.dataset(dataset).unwrap().lines, rows, "{dataset}");
        assert!(read.rejected(dataset).is_empty(), "{dataset}");
    }
}

#[tokio::test]
async fn the_manifest_of_a_sample_with_defects_is_what_a_reader_finds() {
    for (rentals, dirt) in [(40_000, "0.01"), (3_000, "0.02"), (300, "0.2"), (5, "0.5")] {
        let settings = settings(rentals, dirt).file_bytes(3 << 20);
        let (manifest, memory) = sample(&settings).await;
        let read = ReferenceReader::of(&manifest, &memory);
        for dataset in &manifest.datasets {
            let found = &read.manifests[dataset.name.as_str()];
            let case = format!("{} of {rentals}, dirt {dirt}: {dataset:#?}", dataset.name);
            assert_eq!(found.accepted_rows, dataset.accepted_rows, "{case}");
            assert_eq!(found.rejected_total(), dataset.rejected_total(), "{case}");
            assert_eq!(found.cascaded_rows, dataset.cascaded_rows, "{case}");
            assert_eq!(found.lines, dataset.lines, "{case}");
            let rejected = dataset.rejected_total().lines;
            let most = settings.defect_share.added_to(dataset.accepted_rows);
            assert_eq!(rejected, most, "{case}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_defect_and_of_file_is_there() {
    let (manifest, _) = sample(&settings(6_000, "0.01")).await;
    let rentals = manifest.dataset("rental_transactions").unwrap();
    assert_eq!(rentals.rejected.len(), 16, "{:#?}", rentals.rejected);
    assert_eq!(rentals.cascaded_rows, 9);
    for dataset in &manifest.datasets {
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
async fn defects_leave_the_clean_rows_and_their_statistics_as_they_are() {
    let (clean_manifest, clean) = sample(&settings(2_000, "0")).await;
    let (dirty_manifest, dirty) = sample(&settings(2_000, "0.02")).await;
    assert_eq!(clean_manifest.statistics, dirty_manifest.statistics);
    let clean = ReferenceReader::of(&clean_manifest, &clean);
    let dirty = ReferenceReader::of(&dirty_manifest, &dirty);
    for (dataset, rows) in &clean.accepted {
        assert_eq!(rows, &dirty.accepted[dataset], "{dataset}");
    }
}

#[tokio::test]
async fn prices_and_warnings_follow_the_rules() {
    let (manifest, memory) = sample(&settings(6_000, "0")).await;
    let read = ReferenceReader::of(&manifest, &memory);
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
    let statistics = manifest.statistics;
    assert_eq!(statistics.revenue_cents, revenue);
    assert_eq!(statistics.off_price_rule, off);
    assert_eq!(statistics.starts_before_signup, early);
    assert_eq!(statistics.by_inactive_user, inactive);
    assert!((1..100).contains(&off) && (100..1_500).contains(&early));
    assert!((200..450).contains(&inactive));
}

#[tokio::test]
async fn rentals_have_seasons_favorite_places_and_regular_customers() {
    let (manifest, memory) = sample(&settings(6_000, "0")).await;
    let read = ReferenceReader::of(&manifest, &memory);
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
