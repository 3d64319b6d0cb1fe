//! Where a sample is written: nothing of it may be seen before all of it is.

use async_trait::async_trait;
use bytes::Bytes;

use super::account::Account;
use crate::error::{Error, ErrorKind, Result};

/// The folder of the raw datasets below the output root.
pub const RAW: &str = "raw";

/// The marker beside the datasets of a whole sample; readers skip names that begin with `_`.
pub const MARKER: &str = "_generated.json";

/// A place for one sample: files are written one after the other, and shown together.
#[async_trait]
pub trait Target: Send {
    /// Looks at what lies there already.
    ///
    /// # Errors
    /// `Failed` or `TryAgain` if the place cannot be read.
    async fn found(&mut self) -> Result<Found>;

    /// Clears what a generator left half-made, and makes ready for files.
    ///
    /// # Errors
    /// `Conflict` if another generator is at work there; `Failed` or `TryAgain` if the place cannot be written.
    async fn start(&mut self) -> Result<()>;

    /// Begins the next file, `<dataset>/<name>`; what follows goes to it.
    ///
    /// # Errors
    /// `Failed` or `TryAgain` if it cannot be written.
    async fn create(&mut self, name: &str) -> Result<()>;

    /// Appends to the file.
    ///
    /// # Errors
    /// `Failed` or `TryAgain` if it cannot be written.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Shows all files, then the marker.
    ///
    /// # Errors
    /// `Failed` or `TryAgain`; what is then there counts as half-made.
    async fn publish(&mut self, marker: Bytes) -> Result<()>;

    /// The size in bytes of a file that is shown, `<dataset>/<name>`; `None` if there is none.
    ///
    /// # Errors
    /// `Failed` or `TryAgain` if the place cannot be read.
    async fn size(&mut self, name: &str) -> Result<Option<u64>>;

    /// Removes what was written, as far as that can be done.
    async fn abandon(&mut self);
}

/// What lies at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// What a generator that did not finish left, and nothing else.
    HalfMade,
    /// A sample and its account.
    Whole(Box<Account>),
    /// Something that no generator of this version made: its name.
    Foreign(String),
}

/// Reads a marker.
pub(super) fn read_marker(name: &str, bytes: &[u8]) -> Found {
    serde_json::from_slice(bytes).map_or_else(|_| Found::Foreign(name.to_owned()), Found::Whole)
}

/// The failure of a second generator at one place.
pub(super) fn busy(place: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("another generator is writing below `{place}`"),
    )
    .hint("wait until it has ended, or choose another `--out`")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use object_store::path::Path;

    use super::*;
    use crate::generate::{Folder, Settings, Share, Uploads, generate};
    use crate::store::Store;
    use crate::watch::Progress;

    /// What every target must do; `target` gives one at a place of its own, `show` lists what a reader sees there.
    async fn conforms(target: &dyn Fn() -> Box<dyn Target>, show: &dyn Fn() -> Vec<String>) {
        let settings = Settings::new(200, 7, Share::ZERO).unwrap();
        let progress = Progress::default();

        let mut cut = target();
        assert_eq!(cut.found().await.unwrap(), Found::Nothing);
        cut.start().await.unwrap();
        cut.create("users/part-00000.csv").await.unwrap();
        cut.write(Bytes::from_static(b"half a file")).await.unwrap();
        assert_eq!(show(), [""; 0], "nothing is seen of what is being written");
        drop(cut);

        let made = generate(&settings, &mut *target(), &progress)
            .await
            .unwrap();
        assert!(!made.was_there);
        assert_eq!(
            show(),
            [
                "raw/_generated.json",
                "raw/locations/part-00000.csv",
                "raw/rental_transactions/part-00000.csv",
                "raw/users/part-00000.csv",
                "raw/vehicles/part-00000.csv"
            ]
        );
        let found = target().found().await.unwrap();
        assert_eq!(found, Found::Whole(Box::new(made.account.clone())));

        let again = generate(&settings, &mut *target(), &progress)
            .await
            .unwrap();
        assert!(again.was_there);
        assert_eq!(again.account, made.account);

        let other = Settings::new(201, 7, Share::ZERO).unwrap();
        let error = generate(&other, &mut *target(), &progress)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(
            error.to_string(),
            "another sample lies there: 200 rentals, seed 7, dirt 0"
        );
    }

    fn listed(root: &std::path::Path) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![root.join(RAW)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(root).unwrap();
                    names.push(name.display().to_string());
                }
            }
        }
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_folder_conforms() {
        let root = tempfile::tempdir().unwrap();
        let target = || Box::new(Folder::new(root.path())) as Box<dyn Target>;
        conforms(&target, &|| listed(root.path())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_conforms() {
        let store = Store::memory();
        let target = || Box::new(Uploads::new(store.clone())) as Box<dyn Target>;
        let show = || {
            let root = Path::default();
            let list =
                tokio::task::block_in_place(|| futures::executor::block_on(store.list(&root)));
            let list = list.unwrap().into_iter();
            list.map(|object| object.location.to_string()).collect()
        };
        conforms(&target, &show).await;
    }

    #[tokio::test]
    async fn a_sample_that_lost_a_file_is_not_taken_for_whole() {
        let root = tempfile::tempdir().unwrap();
        let settings = Settings::new(50, 1, Share::ZERO).unwrap();
        let progress = Progress::default();
        let mut target = Folder::new(root.path());
        generate(&settings, &mut target, &progress).await.unwrap();
        fs::remove_file(root.path().join("raw/users/part-00000.csv")).unwrap();
        let error = generate(&settings, &mut target, &progress)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(
            error.to_string(),
            "`raw/users/part-00000.csv` is not as the generator left it"
        );
    }

    #[tokio::test]
    async fn a_folder_left_by_a_killed_generator_is_half_made_and_made_anew() {
        let root = tempfile::tempdir().unwrap();
        let mut killed = Folder::new(root.path());
        killed.start().await.unwrap();
        killed.create("users/part-00099.csv").await.unwrap();
        killed.write(Bytes::from_static(b"half")).await.unwrap();

        let error = Folder::new(root.path()).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "it is still at work");

        // A killed process runs no destructor, but its lock goes.
        let copy = tempfile::tempdir().unwrap();
        let staging = ".raw-half-made";
        fs::create_dir_all(copy.path().join(staging).join("users")).unwrap();
        fs::write(
            copy.path().join(staging).join("users/part-00099.csv"),
            "half",
        )
        .unwrap();
        let mut next = Folder::new(copy.path());
        assert_eq!(next.found().await.unwrap(), Found::HalfMade);
        let settings = Settings::new(50, 1, Share::ZERO).unwrap();
        generate(&settings, &mut next, &Progress::default())
            .await
            .unwrap();
        assert!(
            !listed(copy.path())
                .iter()
                .any(|name| name.contains("00099"))
        );
        assert!(!copy.path().join(staging).exists());
    }

    #[tokio::test]
    async fn a_store_where_completions_were_cut_off_is_made_anew() {
        let store = Store::memory();
        let shown = Path::from("raw/users/part-00000.csv");
        store.put(&shown, "shown".into()).await.unwrap();
        let under_way = Path::from("raw/_generating.json");
        let names =
            r#"{"generator":"1-2","names":["users/part-00000.csv","users/part-00001.csv"]}"#;
        store.put(&under_way, names.into()).await.unwrap();

        let mut target = Uploads::new(store);
        assert_eq!(target.found().await.unwrap(), Found::HalfMade);
        target.start().await.unwrap();
        assert_eq!(target.found().await.unwrap(), Found::Nothing);
    }

    #[tokio::test]
    async fn of_two_generators_in_a_store_one_gives_way_before_it_shows_anything() {
        let store = Store::memory();
        let mut late = Uploads::new(store.clone());
        late.start().await.unwrap();
        late.create("users/part-00000.csv").await.unwrap();
        late.write(Bytes::from_static(b"late")).await.unwrap();
        let other = r#"{"generator":"1-2","names":["users/part-00000.csv"]}"#;
        let under_way = Path::from("raw/_generating.json");
        store.put(&under_way, other.into()).await.unwrap();

        let error = late.publish(Bytes::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let listed = store.list(&Path::from(RAW)).await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
    }

    #[tokio::test]
    async fn what_the_generator_did_not_make_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("raw/users")).unwrap();
        let store = Store::memory();
        let mine = Path::from("raw/users/mine.csv");
        store.put(&mine, "mine".into()).await.unwrap();
        let settings = Settings::new(50, 1, Share::ZERO).unwrap();
        let targets: [Box<dyn Target>; 2] = [
            Box::new(Folder::new(root.path())),
            Box::new(Uploads::new(store.clone())),
        ];
        for mut target in targets {
            let error = generate(&settings, &mut *target, &Progress::default())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.to_string().contains("raw/users"), "{error}");
        }
        assert!(store.look(&mine).await.unwrap().is_some());
    }
}
