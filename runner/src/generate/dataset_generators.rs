//! The generators of all datasets of one sample.

use std::sync::Arc;

use crate::generate::dataset_sizes::DatasetSizes;
use crate::generate::datasets::{DatasetGenerator, Locations, Rentals, Users, Vehicles};
use crate::generate::defect_share::DefectShare;
use crate::generate::settings::SampleSettings;
use crate::generate::values::Calendar;

/// The generators of a sample's datasets, with the settings that all of them use.
pub struct DatasetGenerators {
    /// The generators of locations, users, vehicles and rentals: a dataset comes before those that refer to it.
    datasets: [Box<dyn DatasetGenerator>; 4],
    /// The seed of every random stream.
    seed: u64,
    /// The share of each dataset's lines that have a defect.
    defect_share: DefectShare,
}

impl DatasetGenerators {
    /// Creates the generators; generates no row yet.
    pub fn new(settings: &SampleSettings) -> Self {
        let sizes = DatasetSizes::of(settings.rentals);
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
            defect_share: settings.defect_share,
        }
    }

    /// Returns the generators; a dataset comes before those that refer to it.
    pub fn datasets(&self) -> &[Box<dyn DatasetGenerator>] {
        &self.datasets
    }

    /// Returns the generator of a dataset by its name.
    pub fn dataset(&self, name: &str) -> &dyn DatasetGenerator {
        self.datasets
            .iter()
            .find(|dataset| dataset.description().name == name)
            .expect("only the four datasets are named")
            .as_ref()
    }

    /// Returns the seed of every random stream.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns `true` if the sample has defects.
    pub fn has_defects(&self) -> bool {
        !self.defect_share.is_zero()
    }

    /// Returns the number of defective lines of a dataset.
    pub fn defect_lines(&self, dataset: &dyn DatasetGenerator) -> u64 {
        self.defect_share.added_to(dataset.rows())
    }
}
