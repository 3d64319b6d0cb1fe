//! `drivetrain generate`: makes raw data up.

use std::num::NonZeroUsize;

use crate::cli::GenerateArgs;
use crate::commit::StopSignal;
use crate::display::{Display, grouped};
use crate::error::Result;
use crate::generate::{self, Generated, Settings, Share};
use crate::print;
use crate::progress::Progress;
use crate::settings::processors;
use crate::store::{Location, S3Settings, Store};

/// Writes a sample and says what it holds.
///
/// # Errors
/// `Usage` for wrong numbers, `Conflict` where other data lies; otherwise as the place says.
pub async fn generate(args: &GenerateArgs, json: bool) -> Result<()> {
    let location = Location::parse(&args.out)?;
    let settings = settings(args.rentals, args.seed, args.dirt.parse()?)?;
    let stage = Display::new().stage("generate");
    let generated = write(&settings, &location, &stage.progress, &StopSignal::never()).await?;
    stage.finish();
    if json {
        return print::outcome_json(&generated.account);
    }
    let found = if generated.was_there {
        "there already"
    } else {
        "written"
    };
    print::outcome(&format!(
        "{found}: {} rentals (seed {}, dirt {}) in {location}/raw\n",
        grouped(args.rentals),
        args.seed,
        args.dirt
    ));
    Ok(())
}

/// Settings that use all processors.
///
/// # Errors
/// `Usage` for a number of rentals that cannot be made.
pub fn settings(rentals: u64, seed: u64, dirt: Share) -> Result<Settings> {
    let threads = NonZeroUsize::new(processors()).unwrap_or(NonZeroUsize::MIN);
    Ok(Settings::new(rentals, seed, dirt)?.threads(threads))
}

/// Writes a sample to a place.
///
/// # Errors
/// As [`generate::generate`].
pub async fn write(
    settings: &Settings,
    location: &Location,
    progress: &Progress,
    stop: &StopSignal,
) -> Result<Generated> {
    let store = Store::create(location, &S3Settings::default()).await?;
    generate::generate(settings, &store, progress, stop).await
}
