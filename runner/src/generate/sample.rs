//! All datasets of one sample, and the blocks in which they are made.

use std::sync::Arc;

use super::account::FileKind;
use super::block::Block;
use super::calendar::Calendar;
use super::dataset::Dataset;
use super::locations::Locations;
use super::rentals::Rentals;
use super::settings::{Settings, Share, Sizes};
use super::users::Users;
use super::vehicles::Vehicles;

/// Rows of a block: about three megabytes, large against the cost of handing it over, small against memory.
const BLOCK_ROWS: u64 = 1 << 15;

/// The most clean rows in a file of unusual shape.
const ODD_FILE_ROWS: u64 = 1_000;

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

    /// Dirty lines of a dataset.
    pub fn dirty_lines(&self, dataset: &dyn Dataset) -> u64 {
        self.dirt.added_to(dataset.rows())
    }

    /// The blocks of the dataset at that position, in the order in which they are written.
    pub fn blocks(&self, dataset: usize) -> impl Iterator<Item = Block> + Send + use<> {
        let rows = self.datasets[dataset].rows();
        let dirt = self.dirty_lines(self.datasets[dataset].as_ref());
        let has_dirt = !self.dirt.is_zero();
        let odd_rows = if has_dirt {
            (rows / 20).min(ODD_FILE_ROWS)
        } else {
            0
        };
        let plain_rows = rows - 2 * odd_rows;
        // Rounded up: the first block has dirt wherever there is any.
        let dirt_before = move |row: u64| {
            let lines = (u128::from(dirt) * u128::from(row)).div_ceil(u128::from(plain_rows));
            u64::try_from(lines).expect("a part of the lines is no more than all of them")
        };
        let plain = (0..plain_rows.div_ceil(BLOCK_ROWS)).map(move |number| {
            let rows = number * BLOCK_ROWS..((number + 1) * BLOCK_ROWS).min(plain_rows);
            Block {
                dataset,
                file: FileKind::Plain,
                dirt: dirt_before(rows.start)..dirt_before(rows.end),
                is_last: rows.end == plain_rows,
                rows,
            }
        });
        let second = plain_rows + odd_rows;
        let odd = [
            (FileKind::Reordered, plain_rows..second),
            (FileKind::UnknownColumn, second..rows),
            (FileKind::HeaderOnly, rows..rows),
            (FileKind::Empty, rows..rows),
        ];
        let odd = odd.into_iter().map(move |(file, rows)| Block {
            dataset,
            file,
            dirt: 0..0,
            is_last: false,
            rows,
        });
        plain.chain(odd.filter(move |_| has_dirt))
    }
}
