//! The four datasets of a sample, each a generator of rows.

mod dataset_generator;
mod locations;
mod rentals;
mod users;
mod vehicles;

pub use dataset_generator::DatasetGenerator;
pub use locations::Locations;
pub use rentals::Rentals;
pub use users::Users;
pub use vehicles::Vehicles;
