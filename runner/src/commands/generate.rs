//! `drivetrain generate`: generates raw sample data.

use std::num::NonZeroUsize;

use serde::Serialize;

use crate::cli::GenerateArgs;
use crate::error::Result;
use crate::generate::{self, DefectShare, GeneratedSample, SampleManifest, SampleSettings};
use crate::report::grouped;
use crate::sql::threads::processors;
use crate::store::{Location, RAW, S3Settings, Store};
use crate::terminal::printer::{Answer, ToText};
use crate::terminal::signals;
use crate::terminal::stage_display::Display;
use crate::watch::{Progress, StageObserver, StopSignal};

/// Generates a sample at the location that `--out` names; Ctrl-C and SIGTERM stop it.
///
/// # Errors
/// `Usage` for arguments out of range; `Conflict` if the location contains other data; `Cancelled` after a stop;
/// otherwise the kind of the store's error.
pub async fn generate(args: &GenerateArgs) -> Result<Answer> {
    let location = Location::parse(&args.out)?;
    let settings = settings(args.rentals, args.seed, args.dirt.parse()?)?;
    let stop = signals::listen()?;
    let stages: &dyn StageObserver = &Display::new();
    let stage = stages.stage("generate");
    let generated = write(&settings, &location, &stage.progress, &stop).await?;
    stage.finish();
    Ok(Answer::done(Sampled {
        manifest: generated.manifest,
        already_existed: generated.already_existed,
        rentals: args.rentals,
        seed: args.seed,
        dirt: args.dirt.clone(),
        location: location.to_string(),
    }))
}

/// Answer of `generate`; its JSON is the manifest of the sample.
#[derive(Serialize)]
#[serde(transparent)]
struct Sampled {
    /// Manifest of the sample: its files, and the numbers of accepted and rejected rows.
    manifest: SampleManifest,
    /// `true` if the location already contained this sample, so that nothing was written.
    #[serde(skip)]
    already_existed: bool,
    /// The number of rentals that was requested.
    #[serde(skip)]
    rentals: u64,
    /// Seed of the random data.
    #[serde(skip)]
    seed: u64,
    /// Share of defective lines, as the user wrote it.
    #[serde(skip)]
    dirt: String,
    /// Root that `--out` names; the sample is in its folder `raw`.
    #[serde(skip)]
    location: String,
}

impl ToText for Sampled {
    fn text(&self) -> String {
        let outcome = if self.already_existed {
            "already exists"
        } else {
            "written"
        };
        format!(
            "{outcome}: {} rentals (seed {}, dirt {}) in {}/{RAW}\n",
            grouped(self.rentals),
            self.seed,
            self.dirt,
            self.location
        )
    }
}

/// Creates the settings of a sample, with one thread per processor.
///
/// # Errors
/// `Usage` if the number of rentals is out of range.
pub fn settings(rentals: u64, seed: u64, defect_share: DefectShare) -> Result<SampleSettings> {
    let threads = NonZeroUsize::new(processors()).unwrap_or(NonZeroUsize::MIN);
    Ok(SampleSettings::new(rentals, seed, defect_share)?.threads(threads))
}

/// Opens the store at a location, or creates its folder, and generates a sample there.
///
/// # Errors
/// As [`generate::generate`].
pub async fn write(
    settings: &SampleSettings,
    location: &Location,
    progress: &Progress,
    stop: &StopSignal,
) -> Result<GeneratedSample> {
    let s3 = S3Settings::default();
    let opening = Box::pin(Store::create(location, &s3));
    let store = stop.or_cancelled(opening).await?;
    generate::generate(settings, &store, progress, stop).await
}
