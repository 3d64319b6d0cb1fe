//! Reads the table that runs of the protocol's tests write, as readers see it, and the remains of their attempts.

use std::collections::BTreeMap;

use drivetrain_runner::commit::{Log, RunStatus, runs};
use drivetrain_runner::store::Store;
use object_store::path::Path;

use super::backends::Backend;
use super::test_run::{JOB, TABLE, TestRun};

/// Texts of the parts in each folder, sorted.
pub type Contents = BTreeMap<String, Vec<String>>;

/// Returns the contents as a reader that lists the prefix sees them.
pub async fn listed(store: &Store) -> Contents {
    let mut contents = Contents::new();
    for object in store.list(&Path::from(JOB)).await.unwrap() {
        let (folder, _) = object.location.as_ref().rsplit_once('/').unwrap();
        let text = store.read(&object.location).await.unwrap().unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        contents.entry(folder.to_owned()).or_default().push(text);
    }
    sorted(contents)
}

/// Returns the contents as a reader of the log sees them.
pub async fn logged(store: &Store) -> Contents {
    let log = Log::read(store, JOB).await.unwrap();
    let mut contents = Contents::new();
    let Some(table) = log.state().table(TABLE) else {
        return contents;
    };
    for part in &table.parts {
        let text = store.read(&part.path().unwrap()).await.unwrap();
        let text = text.unwrap_or_else(|| panic!("`{}` is live and missing", part.key));
        let folder = format!("{JOB}/{TABLE}/{}", part.partition);
        let text = String::from_utf8(text.to_vec()).unwrap();
        contents.entry(folder).or_default().push(text);
    }
    sorted(contents)
}

/// Sorts the texts of each folder, because the names of parts are random.
pub fn sorted(mut contents: Contents) -> Contents {
    for texts in contents.values_mut() {
        texts.sort();
    }
    contents
}

/// Returns the number of parts that a listing shows.
pub async fn listed_parts(store: &Store) -> usize {
    listed(store).await.values().map(Vec::len).sum()
}

/// Returns the object names below `_drivetrain/` that do not belong to the log.
pub async fn leftovers(store: &Store) -> Vec<String> {
    let listed = store.list(&Path::from("_drivetrain")).await.unwrap();
    let keys = listed.iter().map(|object| object.location.to_string());
    keys.filter(|key| !key.starts_with("_drivetrain/job/log/"))
        .collect()
}

/// Returns the status of each record of the log, in order.
pub async fn statuses(store: &Store) -> Vec<RunStatus> {
    let lines = runs(store, JOB).await.unwrap();
    lines.iter().map(|line| line.status).collect()
}

/// Asserts that every reader sees only what this run wrote, and that nothing remains of any attempt.
pub async fn assert_shows(backend: &Backend, test_run: &TestRun) {
    let store = backend.store().await;
    assert_eq!(listed(&store).await, test_run.expected());
    assert_eq!(logged(&store).await, test_run.expected());
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}
