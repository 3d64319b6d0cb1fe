//! From settings to files: blocks made side by side, written in order, shown together.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::task::spawn_blocking;

use super::file_fragment::{Block, Made};
use super::sample::Sample;
use super::sample_manifest::{Account, DatasetAccount, Facts, FileAccount, FileKind, Request};
use super::settings::Settings;
use super::upload::{Existing, file_key, first_damaged};
use super::upload::{SampleWriter, in_the_way};
use super::values::length;
use crate::commit::StopSignal;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::store::Store;

const HINT: &str = "choose another `--out`, or remove its `raw` folder first";

/// What lies at the target when the generator is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    /// What the sample holds.
    pub account: Account,
    /// Whether it was there already.
    pub was_there: bool,
}

/// Writes the sample of the settings below the store's root, or finds that it is there.
///
/// Memory is bounded by a few blocks of about three megabytes per thread and a few parts of an upload, whatever the sample's size.
///
/// # Errors
/// `Conflict` if other data is there or another generator is writing to it; `Cancelled` after a stop; otherwise as the store says.
pub async fn generate(
    settings: &Settings,
    store: &Store,
    progress: &Progress,
    stop: &StopSignal,
) -> Result<Generated> {
    let request = Request::from(settings);
    match Existing::find(store).await? {
        Existing::Free => {}
        Existing::Sample(account) if account.request == request => {
            check(&account, store).await?;
            return Ok(Generated {
                account: *account,
                was_there: true,
            });
        }
        Existing::Sample(account) => return Err(another_sample(&account.request)),
        Existing::OtherData(name) => return Err(in_the_way(&name)),
    }
    let mut writer = SampleWriter::begin(store).await?;
    let written = stop
        .or_cancelled(write(settings, request, &mut writer, progress))
        .await;
    if written.is_err() {
        writer.abandon().await;
    }
    written.map(|account| Generated {
        account,
        was_there: false,
    })
}

/// Looks for files that were removed or changed since the sample was made, by their sizes.
async fn check(account: &Account, store: &Store) -> Result<()> {
    let Some(file) = first_damaged(account, store).await? else {
        return Ok(());
    };
    let url = store.location().url(&file_key(&file.name));
    Err(Error::new(
        ErrorKind::Conflict,
        format!("`{url}` is not as the generator left it"),
    )
    .hint(HINT))
}

fn another_sample(there: &Request) -> Error {
    let Request {
        rentals,
        seed,
        dirt,
        ..
    } = there;
    Error::new(
        ErrorKind::Conflict,
        format!("another sample lies there: {rentals} rentals, seed {seed}, dirt {dirt}"),
    )
    .hint(HINT)
}

async fn write(
    settings: &Settings,
    request: Request,
    writer: &mut SampleWriter,
    progress: &Progress,
) -> Result<Account> {
    let sample = Arc::new(Sample::new(settings));
    for dataset in sample.datasets() {
        progress.expect_bytes(dataset.rows() * dataset.typical_row_bytes());
    }
    let mut files = Files {
        writer,
        progress,
        file_bytes: settings.file_bytes,
        datasets: Vec::new(),
        facts: Facts::default(),
    };
    for (position, dataset) in sample.datasets().iter().enumerate() {
        files.begin(dataset.name());
        let mut made = stream::iter(Block::all_of(&sample, position))
            .map(|block| {
                let sample = Arc::clone(&sample);
                spawn_blocking(move || (block.header(&sample), block.make(&sample), block))
            })
            // One more than the threads, so that none waits while a block is written.
            .buffered(settings.threads.get() + 1);
        while let Some(made) = made.next().await {
            let (header, made, block) = made
                .map_err(std::io::Error::other)
                .context(ErrorKind::Failed, "the making of rows broke off")?;
            files.write(&block, header, made).await?;
        }
    }
    let account = Account {
        request,
        datasets: files.datasets,
        facts: files.facts,
    };
    writer.publish(&account).await?;
    Ok(account)
}

struct Files<'a> {
    writer: &'a mut SampleWriter,
    progress: &'a Progress,
    file_bytes: u64,
    datasets: Vec<DatasetAccount>,
    facts: Facts,
}

impl Files<'_> {
    fn begin(&mut self, dataset: &str) {
        self.datasets.push(DatasetAccount {
            name: dataset.to_owned(),
            ..DatasetAccount::default()
        });
    }

    async fn write(&mut self, block: &Block, header: Vec<u8>, made: Made) -> Result<()> {
        let bytes = length(&made.bytes);
        let dataset = self.datasets.last_mut().expect("a dataset is begun first");
        let has_room = dataset.files.last().is_some_and(|file| {
            block.file == FileKind::Plain && file.bytes + bytes <= self.file_bytes
        });
        if !has_room {
            let file = FileAccount {
                name: format!("{}/part-{:05}.csv", dataset.name, dataset.files.len()),
                kind: block.file,
                bytes: length(&header),
                lines: u64::from(!header.is_empty()),
            };
            self.writer.create(&file.name).await?;
            self.writer.write(&header).await?;
            dataset.files.push(file);
        }
        if let Some(file) = dataset.files.last_mut() {
            file.bytes += bytes;
            file.lines += made.account.lines;
        }
        dataset.add(&made.account);
        self.facts.add(made.facts);
        self.progress.add_bytes(bytes);
        self.progress.add_rows(made.account.accepted_rows);
        self.writer.write(&made.bytes).await
    }
}
