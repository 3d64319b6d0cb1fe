//! All datasets of one sample.

use std::sync::Arc;

use super::datasets::Dataset;
use super::datasets::Locations;
use super::datasets::Rentals;
use super::datasets::Users;
use super::datasets::Vehicles;
use super::settings::{Settings, Share, Sizes};
use super::values::Calendar;

/// Everything that is needed to make any row.
pub struct Sample {
    datasets: [Box<dyn Dataset>; 4],
    seed: u64,
    dirt: Share,
}

impl Sample {
    /// Settles the sizes and laws; makes no row yet.
    pub fn new(settings: &Settings) -> Self {
        let sizes = Sizes::of(settings.rentals);
        let seed = settings.seed;
        let calendar = Arc::new(Calendar::new());
        let locations = Locations::new(sizes.locations, seed);
        let users = Users::new(sizes.users, seed, Arc::clone(&calendar));
        let vehicles = Vehicles::new(sizes.vehicles, seed, Arc::clone(&calendar));
        let referred = (locations.clone(), users.clone(), vehicles.clone());
        let rentals = Rentals::new(sizes, seed, calendar, referred);
        Self {
            datasets: [
                Box::new(locations),
                Box::new(users),
                Box::new(vehicles),
                Box::new(rentals),
            ],
            seed,
            dirt: settings.dirt,
        }
    }

    /// The datasets, those first that others refer to.
    pub fn datasets(&self) -> &[Box<dyn Dataset>] {
        &self.datasets
    }

    /// The dataset of that name.
    pub fn dataset(&self, name: &str) -> &dyn Dataset {
        self.datasets
            .iter()
            .find(|dataset| dataset.name() == name)
            .expect("only the four datasets are named")
            .as_ref()
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether there is any dirt.
    pub fn has_dirt(&self) -> bool {
        !self.dirt.is_zero()
    }

    /// Dirty lines of a dataset.
    pub fn dirty_lines(&self, dataset: &dyn Dataset) -> u64 {
        self.dirt.added_to(dataset.rows())
    }
}
