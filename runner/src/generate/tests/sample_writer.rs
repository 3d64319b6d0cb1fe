//! Tests that a sample becomes visible only when all files are written, both in a folder and in an object store.

use std::fs;

use object_store::path::Path;
use tempfile::TempDir;

use crate::error::{Error, ErrorKind};
use crate::generate::upload::{ExistingData, SampleWriter};
use crate::generate::{DefectShare, GeneratedSample, SampleManifest, SampleSettings, generate};
use crate::store::{Location, S3Settings, Store, sample_announcement_key, sample_manifest_key};
use crate::watch::Progress;
use crate::watch::{StopSignal, Stopper};

fn settings(rentals: u64) -> SampleSettings {
    SampleSettings::new(rentals, 7, DefectShare::ZERO).unwrap()
}

async fn made(store: &Store, rentals: u64) -> Result<GeneratedSample, Error> {
    let (progress, stop) = (Progress::default(), StopSignal::never());
    generate(&settings(rentals), store, &progress, &stop).await
}

/// Generates a sample, which must fail with `Conflict`; returns the error's message.
async fn refused(store: &Store, rentals: u64) -> String {
    let error = made(store, rentals).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    error.to_string()
}

async fn manifest() -> SampleManifest {
    made(&Store::memory(), 50).await.unwrap().manifest
}

/// Returns the keys of all objects of the store, including staged ones.
async fn keys(store: &Store) -> Vec<String> {
    let listed = store.list(&Path::default()).await.unwrap().into_iter();
    listed.map(|object| object.location.to_string()).collect()
}

async fn put(store: &Store, key: &Path, bytes: Vec<u8>) {
    store.put(key, bytes.into()).await.unwrap();
}

async fn folder() -> (TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let location = Location::Folder(root.path().to_owned());
    let store = Store::open(&location, &S3Settings::default()).await;
    (root, store.unwrap())
}

#[tokio::test]
async fn a_sample_is_visible_only_when_all_files_are_written() {
    let (_root, folder) = folder().await;
    for store in [folder, Store::memory()] {
        let mut killed = SampleWriter::begin(&store).await.unwrap();
        killed.create("users/part-00099.csv").await.unwrap();
        killed.write(b"half").await.unwrap();
        drop(killed);
        assert_eq!(
            ExistingData::find(&store).await.unwrap(),
            ExistingData::Nothing
        );

        let first = made(&store, 200).await.unwrap();
        assert!(!first.already_existed);
        let complete = [
            "raw/_generated.json",
            "raw/locations/part-00000.csv",
            "raw/rental_transactions/part-00000.csv",
            "raw/users/part-00000.csv",
            "raw/vehicles/part-00000.csv",
        ];
        assert_eq!(keys(&store).await, complete);

        let again = made(&store, 200).await.unwrap();
        assert!(again.already_existed);
        assert_eq!(again.manifest, first.manifest);
        let text = "already contains another sample: 200 rentals, seed 7, dirt 0, ";
        let message = refused(&store, 201).await;
        assert!(message.contains(text), "{message}");

        let lost = Path::from(complete[3]);
        store.delete(vec![lost.clone()]).await.unwrap();
        let message = refused(&store, 200).await;
        assert!(message.contains(lost.as_ref()), "{message}");
    }
}

#[tokio::test]
async fn an_interrupted_publish_is_made_anew() {
    let (_root, folder) = folder().await;
    let announced = serde_json::to_vec(&manifest().await).unwrap();
    for store in [folder, Store::memory()] {
        put(&store, &sample_announcement_key(), announced.clone()).await;
        let shown = Path::from("raw/users/part-00000.csv");
        put(&store, &shown, b"cut off here".to_vec()).await;
        let mine = Path::from("raw/users/mine.csv");
        put(&store, &mine, b"mine".to_vec()).await;
        let message = refused(&store, 200).await;
        assert!(message.contains(mine.as_ref()), "{message}");

        store.delete(vec![mine]).await.unwrap();
        assert!(!made(&store, 200).await.unwrap().already_existed);
        assert_eq!(keys(&store).await.len(), 5, "four files and the manifest");
    }
}

#[tokio::test]
async fn a_second_generator_in_a_folder_is_refused_at_once() {
    let (_root, store) = folder().await;
    let first = SampleWriter::begin(&store).await.unwrap();
    let message = refused(&store, 50).await;
    assert!(message.starts_with("another generator"), "{message}");
    drop(first);
    made(&store, 50).await.unwrap();
}

#[tokio::test]
async fn what_came_meanwhile_is_not_mixed_with_a_sample() {
    let announced = "raw/users/part-00000.csv";
    let (announcement, manifest_key) = (sample_announcement_key(), sample_manifest_key());
    let mut manifest = manifest().await;
    let theirs = serde_json::to_vec(&manifest).unwrap();
    manifest.request.seed = 8;
    for came in [
        announcement,
        manifest_key,
        Path::from("raw/users/mine.csv"),
        Path::from(announced),
    ] {
        let (_root, folder) = folder().await;
        for store in [folder, Store::memory()] {
            let mut late = SampleWriter::begin(&store).await.unwrap();
            late.create("users/part-00000.csv").await.unwrap();
            put(&store, &came, theirs.clone()).await;
            let error = late.publish(&manifest).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            late.abandon().await;
            assert_eq!(keys(&store).await, [came.to_string()]);
            assert_eq!(store.read(&came).await.unwrap().unwrap(), theirs);
        }
    }
}

#[tokio::test]
async fn a_generator_that_is_stopped_leaves_nothing() {
    let (root, store) = folder().await;
    let (stopper, stop) = Stopper::new();
    let (settings, progress) = (settings(300_000), Progress::default());
    let stopping = async {
        while progress.bytes() == 0 {
            tokio::task::yield_now().await;
        }
        stopper.stop();
    };
    let generating = generate(&settings, &store, &progress, &stop);
    let (generated, ()) = tokio::join!(generating, stopping);
    assert_eq!(generated.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_large_file_is_sent_in_parts() {
    let store = Store::memory();
    let mut writer = SampleWriter::begin(&store).await.unwrap();
    writer.create("users/part-00000.csv").await.unwrap();
    for _ in 0..15 {
        writer.write(&vec![b'x'; 3 << 20]).await.unwrap();
    }
    assert_eq!(
        store.requests().multipart,
        1 + 4,
        "an upload is opened, and four parts are full"
    );
    writer.create("users/part-00001.csv").await.unwrap();
    assert_eq!(
        store.requests().multipart,
        5 + 2 + 1,
        "45 MiB have six parts"
    );
}
