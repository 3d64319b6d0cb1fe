//! Generates a sample: threads generate fragments in parallel, which are written in order to files that become visible
//! only when all of them are written.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::task::spawn_blocking;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::file_fragment::{FileFragment, FragmentContent};
use crate::generate::sample_manifest::{
    DatasetManifest, FileKind, FileManifest, RentalStatistics, SampleManifest, SampleRequest,
};
use crate::generate::settings::SampleSettings;
use crate::generate::upload::{
    ExistingData, REMEDY, SampleWriter, file_key, first_damaged, other_data,
};
use crate::generate::values::length;
use crate::store::Store;
use crate::watch::Progress;
use crate::watch::StopSignal;

/// The sample that exists at the destination when the generator has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedSample {
    /// The manifest of the sample.
    pub manifest: SampleManifest,
    /// `true` if the sample already existed, so that nothing was written.
    pub already_existed: bool,
}

/// Writes a sample below the store's root, unless the same sample already exists there.
///
/// Memory does not depend on the size of the sample: it takes a few fragments of three megabytes per thread, and the
/// parts of one upload.
///
/// # Errors
/// `Conflict` if other data exists there, or if another generator is writing; `Cancelled` after a stop; otherwise the
/// kind of the store's error.
pub async fn generate(
    settings: &SampleSettings,
    store: &Store,
    progress: &Progress,
    stop: &StopSignal,
) -> Result<GeneratedSample> {
    let request = SampleRequest::from(settings);
    let existing = stop.or_cancelled(existing_sample(&request, store));
    if let Some(manifest) = existing.await? {
        return Ok(GeneratedSample {
            manifest,
            already_existed: true,
        });
    }
    let mut writer = stop.or_cancelled(SampleWriter::begin(store)).await?;
    let written = stop
        .or_cancelled(write(settings, request, &mut writer, progress))
        .await;
    if written.is_err() {
        stop.grace(writer.abandon()).await;
    }
    written.map(|manifest| GeneratedSample {
        manifest,
        already_existed: false,
    })
}

/// Returns the manifest of the requested sample if it already exists, or `None` if there is no data.
///
/// # Errors
/// `Conflict` if other data exists, or if a file of the sample is missing or has another size.
async fn existing_sample(request: &SampleRequest, store: &Store) -> Result<Option<SampleManifest>> {
    match ExistingData::find(store).await? {
        ExistingData::Nothing => Ok(None),
        ExistingData::Sample(manifest) if manifest.request == *request => {
            require_all_files(&manifest, store).await?;
            Ok(Some(*manifest))
        }
        ExistingData::Sample(manifest) => Err(another_sample(store, &manifest.request)),
        ExistingData::Other(url) => Err(other_data(&url)),
    }
}

/// Checks that no file was removed since the sample was written, and that none has changed its size.
///
/// # Errors
/// `Conflict` if a file is missing or has another size.
async fn require_all_files(manifest: &SampleManifest, store: &Store) -> Result<()> {
    let Some(file) = first_damaged(manifest, store).await? else {
        return Ok(());
    };
    let url = store.location().url(&file_key(&file.name));
    let message = format!("`{url}` was removed or changed after the generator wrote it");
    Err(Error::new(ErrorKind::Conflict, message).hint(REMEDY))
}

/// Creates the error for a destination that contains a complete sample with other settings.
fn another_sample(store: &Store, found: &SampleRequest) -> Error {
    let message = format!(
        "`{}` already contains another sample: {} rentals, seed {}, dirt {}, files of {} bytes, generator version {}",
        store.location(),
        found.rentals,
        found.seed,
        found.defect_share,
        found.file_bytes,
        found.version
    );
    Error::new(ErrorKind::Conflict, message).hint(REMEDY)
}

/// Generates and publishes all datasets, and returns the manifest of the sample.
async fn write(
    settings: &SampleSettings,
    request: SampleRequest,
    writer: &mut SampleWriter,
    progress: &Progress,
) -> Result<SampleManifest> {
    let sample = Arc::new(DatasetGenerators::new(settings));
    for dataset in sample.datasets() {
        progress.expect_bytes(dataset.rows() * dataset.description().typical_row_bytes);
    }
    let mut files = SampleFiles {
        writer,
        progress,
        file_bytes: settings.file_bytes,
        datasets: Vec::new(),
        statistics: RentalStatistics::default(),
    };
    for (position, dataset) in sample.datasets().iter().enumerate() {
        files.begin_dataset(dataset.description().name);
        let mut generated = stream::iter(FileFragment::all_of(&sample, position))
            .map(|fragment| {
                let sample = Arc::clone(&sample);
                spawn_blocking(move || {
                    let header = fragment.header(&sample);
                    (header, fragment.generate(&sample), fragment)
                })
            })
            // One more than there are threads, so that no thread is idle while a fragment is written.
            .buffered(settings.threads.get() + 1);
        while let Some(fragment) = generated.next().await {
            let (header, content, fragment) = fragment.map_err(std::io::Error::other).context(
                ErrorKind::Failed,
                "a thread that generates rows stopped unexpectedly; this is a bug",
            )?;
            files.write(&fragment, &header, content).await?;
        }
    }
    let manifest = SampleManifest {
        request,
        datasets: files.datasets,
        statistics: files.statistics,
    };
    writer.publish(&manifest).await?;
    Ok(manifest)
}

/// The files of a sample that is being written, with counts of their rows and lines.
struct SampleFiles<'a> {
    /// The writer of the files; no file is visible before the sample is published.
    writer: &'a mut SampleWriter,
    /// The counters of bytes and accepted rows; headers are not counted.
    progress: &'a Progress,
    /// The maximum size of a plain file, in bytes; only a file of a single fragment may be larger.
    file_bytes: u64,
    /// The manifests of the datasets that were begun so far; fragments are added to the last one.
    datasets: Vec<DatasetManifest>,
    /// The statistics of all clean rentals so far.
    statistics: RentalStatistics,
}

impl SampleFiles<'_> {
    /// Begins a dataset; the following fragments belong to it.
    fn begin_dataset(&mut self, name: &str) {
        self.datasets.push(DatasetManifest {
            name: name.to_owned(),
            ..DatasetManifest::default()
        });
    }

    /// Appends a fragment to the current file; if that is full, or the fragment is not plain, begins a new file with
    /// `header`.
    async fn write(
        &mut self,
        fragment: &FileFragment,
        header: &[u8],
        content: FragmentContent,
    ) -> Result<()> {
        let bytes = length(&content.bytes);
        let dataset = self.datasets.last_mut().expect("a dataset is begun first");
        let fits = dataset.files.last().is_some_and(|file| {
            fragment.file == FileKind::Plain && file.bytes + bytes <= self.file_bytes
        });
        if !fits {
            let file = FileManifest {
                name: format!("{}/part-{:05}.csv", dataset.name, dataset.files.len()),
                kind: fragment.file,
                bytes: length(header),
                lines: u64::from(!header.is_empty()),
            };
            self.writer.create(&file.name).await?;
            self.writer.write(header).await?;
            dataset.files.push(file);
        }
        if let Some(file) = dataset.files.last_mut() {
            file.bytes += bytes;
            file.lines += content.counts.lines;
        }
        dataset.add(&content.counts);
        self.statistics.add(content.statistics);
        self.progress.add_bytes(bytes);
        self.progress.add_rows(content.counts.accepted_rows);
        self.writer.write(&content.bytes).await
    }
}
