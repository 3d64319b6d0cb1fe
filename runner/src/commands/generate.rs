//! `drivetrain generate`: generates raw data.

use std::num::NonZeroUsize;

use crate::cli::GenerateArgs;
use crate::commit::StopSignal;
use crate::display::{Display, grouped};
use crate::error::Result;
use crate::generate::{self, DefectShare, GeneratedSample, SampleSettings};
use crate::print;
use crate::progress::Progress;
use crate::settings::processors;
use crate::store::{Location, S3Settings, Store};

/// Generates a sample and prints a line about it, or its manifest as JSON.
///
/// # Errors
/// `Usage` for an invalid location, share or number of rentals; otherwise as [`generate::generate`].
pub async fn generate(args: &GenerateArgs, json: bool) -> Result<()> {
    let location = Location::parse(&args.out)?;
    let settings = settings(args.rentals, args.seed, args.dirt.parse()?)?;
    let stage = Display::new().stage("generate");
    let generated = write(&settings, &location, &stage.progress, &StopSignal::never()).await?;
    stage.finish();
    if json {
        return print::outcome_json(&generated.manifest);
    }
    let outcome = if generated.already_existed {
        "already there"
    } else {
        "written"
    };
    print::outcome(&format!(
        "{outcome}: {} rentals (seed {}, dirt {}) in {location}/raw\n",
        grouped(args.rentals),
        args.seed,
        args.dirt
    ));
    Ok(())
}

/// Creates settings that use all processors.
///
/// # Errors
/// `Usage` for a number of rentals that is out of range.
pub fn settings(rentals: u64, seed: u64, defect_share: DefectShare) -> Result<SampleSettings> {
    let threads = NonZeroUsize::new(processors()).unwrap_or(NonZeroUsize::MIN);
    Ok(SampleSettings::new(rentals, seed, defect_share)?.threads(threads))
}

/// Generates a sample at a location.
///
/// # Errors
/// As [`generate::generate`].
pub async fn write(
    settings: &SampleSettings,
    location: &Location,
    progress: &Progress,
    stop: &StopSignal,
) -> Result<GeneratedSample> {
    let store = Store::create(location, &S3Settings::default()).await?;
    generate::generate(settings, &store, progress, stop).await
}
