//! `drivetrain generate`: makes raw data up.

use std::num::NonZeroUsize;

use serde::Serialize;

use crate::cli::GenerateArgs;
use crate::error::Result;
use crate::generate::{self, Account, Folder, Generated, Settings, Share, Target, Uploads};
use crate::report::grouped;
use crate::sql::threads::processors;
use crate::store::{Location, S3Settings, Store};
use crate::terminal::printer::{Answer, ToText};
use crate::terminal::stage_display::Display;
use crate::watch::{Progress, StageObserver};

/// Writes a sample and says what it holds.
///
/// # Errors
/// `Usage` for wrong numbers, `Conflict` where other data lies; otherwise as the place says.
pub async fn generate(args: &GenerateArgs) -> Result<Answer> {
    let location = Location::parse(&args.out)?;
    let settings = settings(args.rentals, args.seed, args.dirt.parse()?)?;
    let stages: &dyn StageObserver = &Display::new();
    let stage = stages.stage("generate");
    let generated = write(&settings, &location, &stage.progress).await?;
    stage.finish();
    Ok(Answer::done(Sampled {
        account: generated.account,
        was_there: generated.was_there,
        rentals: args.rentals,
        seed: args.seed,
        dirt: args.dirt.clone(),
        location: location.to_string(),
    }))
}

/// A sample that is there now; a program reads its account.
#[derive(Serialize)]
#[serde(transparent)]
struct Sampled {
    account: Account,
    #[serde(skip)]
    was_there: bool,
    #[serde(skip)]
    rentals: u64,
    #[serde(skip)]
    seed: u64,
    #[serde(skip)]
    dirt: String,
    #[serde(skip)]
    location: String,
}

impl ToText for Sampled {
    fn text(&self) -> String {
        let found = if self.was_there {
            "there already"
        } else {
            "written"
        };
        format!(
            "{found}: {} rentals (seed {}, dirt {}) in {}/raw\n",
            grouped(self.rentals),
            self.seed,
            self.dirt,
            self.location
        )
    }
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
) -> Result<Generated> {
    let mut target: Box<dyn Target> = match location {
        Location::Folder(folder) => Box::new(Folder::new(folder)),
        Location::S3 { .. } | Location::Memory => {
            let store = Store::open(location, &S3Settings::default()).await?;
            Box::new(Uploads::new(store))
        }
    };
    generate::generate(settings, &mut *target, progress).await
}
