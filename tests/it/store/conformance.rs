//! One suite for every implementation of the store's trait, and additional tests of folders.

use bytes::Bytes;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::store::{
    Completion, FrozenObject, FrozenStore, Location, replaced, require_conditional_put,
    require_one_volume,
};
use futures::future::join_all;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::support::backends::Backend;

fn key(text: &str) -> Path {
    Path::parse(text).unwrap()
}

async fn conforms(backend: Backend) {
    creates_once(&backend).await;
    shows_uploads_when_completed(&backend).await;
    takes_any_answer_to_a_late_completion(&backend).await;
    lists_and_deletes(&backend).await;
    reads_only_what_was_frozen(&backend).await;
}

async fn creates_once(backend: &Backend) {
    let store = backend.store().await;
    require_conditional_put(&store, &key("_drivetrain/job/probe/one.json"))
        .await
        .unwrap();
    assert_eq!(store.list(&key("_drivetrain")).await.unwrap(), []);
    let record = key("_drivetrain/job/log/1.json");
    let mut writers = Vec::new();
    for writer in 0..12 {
        let (store, record) = (backend.store().await, record.clone());
        writers.push(async move {
            let body = Bytes::from(format!("writer {writer}"));
            // A store may answer 409 to one of two concurrent puts. The outcome is then open, so it is not a success.
            store.put_new(&record, body).await.unwrap_or(false)
        });
    }
    let won = join_all(writers).await;
    let winners: Vec<_> = (0..won.len()).filter(|&writer| won[writer]).collect();
    assert_eq!(winners.len(), 1, "{won:?}");
    let body = store.read(&record).await.unwrap().unwrap();
    assert_eq!(body, format!("writer {}", winners[0]));
    store
        .put(&record, Bytes::from_static(b"over"))
        .await
        .unwrap();
    assert_eq!(store.read(&record).await.unwrap().unwrap(), "over");
    store.delete(vec![record.clone()]).await.unwrap();
    assert_eq!(store.read(&record).await.unwrap(), None);
    assert_eq!(store.look(&record).await.unwrap(), None);
}

async fn shows_uploads_when_completed(backend: &Backend) {
    let one = backend.store().await.objects();
    let part = key("job/table/city=a%2Fb ü+/part.parquet");
    let staging = key("_drivetrain/job/staging/attempt/000001");
    let upload = one.open_upload(&part, &staging).await.unwrap();
    let pieces = [vec![b'a'; 5 * 1024 * 1024], b"bc".to_vec()];
    let mut tags = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let payload = piece.clone().into();
        tags.push(one.put_part(&part, &upload, index, payload).await.unwrap());
    }
    one.seal(&part, &upload, 5 * 1024 * 1024 + 2).await.unwrap();
    let store = backend.store().await;
    assert_eq!(store.list(&key("job")).await.unwrap(), []);
    assert_eq!(store.look(&part).await.unwrap(), None);
    // Another process completes the upload.
    let other = store.objects();
    let answer = other.complete(&part, &upload, &tags).await.unwrap();
    assert_eq!(answer, Completion::Done);
    let listed = store.list(&key("job")).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].location, part);
    assert_eq!(store.read(&part).await.unwrap().unwrap(), pieces.concat());
    store.delete(vec![part]).await.unwrap();
}

async fn takes_any_answer_to_a_late_completion(backend: &Backend) {
    let store = backend.store().await;
    let objects = store.objects();
    let staging = |number: u64| key(&format!("_drivetrain/job/staging/attempt/{number:06}"));
    let part = key("job/table/part.parquet");
    let upload = objects.open_upload(&part, &staging(2)).await.unwrap();
    let tag = objects
        .put_part(&part, &upload, 0, "x".into())
        .await
        .unwrap();
    objects.seal(&part, &upload, 1).await.unwrap();
    let tags = [tag];
    objects.complete(&part, &upload, &tags).await.unwrap();
    // A second completion may return any answer but an error, and the object stays.
    objects.complete(&part, &upload, &tags).await.unwrap();
    assert_eq!(store.look(&part).await.unwrap().unwrap().size, 1);
    // An abort after the completion deletes nothing.
    objects.abort(&part, &upload).await.unwrap();
    assert_eq!(store.look(&part).await.unwrap().unwrap().size, 1);
    store.delete(vec![part.clone()]).await.unwrap();

    let upload = objects.open_upload(&part, &staging(3)).await.unwrap();
    let tag = objects
        .put_part(&part, &upload, 0, "x".into())
        .await
        .unwrap();
    objects.abort(&part, &upload).await.unwrap();
    objects.abort(&part, &upload).await.unwrap();
    let answer = objects.complete(&part, &upload, &[tag]).await.unwrap();
    assert_eq!(answer, Completion::NoSuchUpload);
    assert_eq!(store.look(&part).await.unwrap(), None);
    assert_eq!(store.list(&key("job")).await.unwrap(), []);
}

async fn lists_and_deletes(backend: &Backend) {
    let store = backend.store().await;
    let names = ["raw/users/a.csv", "raw/users/b/c d.csv", "raw/usersx/a.csv"];
    for name in names {
        store.put(&key(name), Bytes::from(name)).await.unwrap();
    }
    let listed = |prefix: &'static str| {
        let store = store.clone();
        async move {
            let listed = store.list(&key(prefix)).await.unwrap();
            let keys = listed.iter().map(|object| object.location.to_string());
            keys.collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("raw/users").await, names[..2]);
    assert_eq!(listed("no/such").await, Vec::<String>::new());
    let mut all: Vec<_> = names.map(key).to_vec();
    all.push(key("raw/missing.csv"));
    let before = store.requests();
    store.delete(all).await.unwrap();
    assert_eq!(store.requests().delete, before.delete + 4);
    assert_eq!(listed("raw").await, Vec::<String>::new());
}

async fn reads_only_what_was_frozen(backend: &Backend) {
    let store = backend.store().await;
    let (kept, changed, gone) = (key("raw/kept"), key("raw/changed"), key("raw/gone"));
    for key in [&kept, &changed, &gone] {
        let body = Bytes::from_static(b"0123456789");
        store.put(key, body).await.unwrap();
    }
    // This does not list, because the listings of the server in this process have no ETags.
    let look = |key: Path| {
        let store = store.clone();
        async move { store.look(&key).await.unwrap().unwrap() }
    };
    let listed = [
        look(kept.clone()).await,
        look(changed.clone()).await,
        look(gone.clone()).await,
    ];
    let freeze = |object: &object_store::ObjectMeta| FrozenObject {
        url: store.location().url(&object.location),
        key: object.location.to_string(),
        etag: object.e_tag.clone(),
        size_bytes: object.size,
        modified: object.last_modified,
    };
    let frozen = FrozenStore::new(store.reader(), listed.iter().map(freeze)).unwrap();
    assert_eq!(
        frozen.get(&changed).await.unwrap().bytes().await.unwrap(),
        "0123456789"
    );
    let body = Bytes::from_static(b"9876543210");
    store.put(&changed, body).await.unwrap();
    store.delete(vec![gone.clone()]).await.unwrap();

    let ranges = frozen.get_ranges(&kept, &[1..3, 8..10]).await.unwrap();
    assert_eq!(ranges, ["12", "89"]);
    for key in [&changed, &gone] {
        let url = store.location().url(key);
        let whole = async { frozen.get(key).await?.bytes().await.map(|_| ()) };
        let range = async { frozen.get_range(key, 1..3).await.map(|_| ()) };
        let ranges = async { frozen.get_ranges(key, &[1..3, 8..10]).await.map(|_| ()) };
        let head = async { frozen.head(key).await.map(|_| ()) };
        for error in [whole.await, range.await, ranges.await, head.await] {
            let error = error.unwrap_err();
            assert_eq!(replaced(&error).unwrap().url, url, "{error}");
            let explained = store.explain(error, format!("read `{url}`"));
            assert_eq!(explained.kind(), ErrorKind::TryAgain);
        }
    }
    assert!(frozen.get(&key("raw/other")).await.is_err());
    assert!(frozen.put(&kept, "x".into()).await.is_err());
    store.delete(vec![kept, changed]).await.unwrap();
}

#[tokio::test]
async fn memory_conforms() {
    conforms(Backend::memory()).await;
}

#[tokio::test]
async fn a_folder_conforms() {
    conforms(Backend::folder()).await;
}

#[tokio::test]
async fn an_s3_server_in_this_process_conforms() {
    conforms(Backend::s3().await).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn minio_conforms() {
    conforms(Backend::minio().await).await;
}

#[tokio::test]
async fn a_folder_keeps_no_empty_folders_and_no_temporary_files() {
    let backend = Backend::folder();
    let store = backend.store().await;
    let record = key("a/b/c/record.json");
    store
        .put_new(&record, Bytes::from_static(b"1"))
        .await
        .unwrap();
    assert!(
        !store
            .put_new(&record, Bytes::from_static(b"2"))
            .await
            .unwrap()
    );
    let Location::Folder(root) = backend.location() else {
        unreachable!("the backend is a folder")
    };
    let names: Vec<_> = std::fs::read_dir(root.join("a/b/c"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["record.json"]);
    store.delete(vec![record]).await.unwrap();
    assert!(!root.join("a").exists());
    assert!(root.exists());
}

#[tokio::test]
async fn a_folder_on_one_volume_is_accepted() {
    let store = Backend::folder().store().await;
    require_one_volume(&store, &key("_drivetrain/job"), &key("job/table")).unwrap();
}
