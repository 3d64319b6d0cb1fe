//! The rentals dataset: who rented which vehicle, where, when and for how much.

use std::sync::Arc;

use crate::generate::dataset_sizes::DatasetSizes;
use crate::generate::datasets::dataset_generator::{
    DatasetDescription, DatasetGenerator, KeyGenerator,
};
use crate::generate::datasets::locations::Locations;
use crate::generate::datasets::users::Users;
use crate::generate::datasets::vehicles::Vehicles;
use crate::generate::defects::Defect;
use crate::generate::defects::DefectKind::{
    BadDate, BadType, DuplicateKey, ExtraField, MissingField, NegativeAmount, NullKey, NullValue,
    OrphanReference, OutOfRange, ReversedTimes, TooManyDecimals, TwoLines, WrongEncoding,
};
use crate::generate::defects::Mutation::{
    Break, Extra, Negate, Orphan, Remove, Repeat, Replace, Swap,
};
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::{
    Calendar, RENTAL_YEAR, RandomStream, Rng, UniqueIds, WeightedIndex, write_amount, write_number,
};

/// Tiers of customers. `(500, 1), (800, 5)` means that 500 of 1,000 rentals are distributed among all customers, and
/// the next 300 among the most active fifth. The most active customers have at most about two hundred rentals a year.
const CUSTOMER_TIERS: [(u64, u64); 4] = [(500, 1), (800, 5), (950, 25), (1_000, 200)];

/// Tiers of vehicles, in the form of [`CUSTOMER_TIERS`]; demand is distributed more evenly among vehicles than among
/// customers.
const VEHICLE_TIERS: [(u64, u64); 3] = [(700, 1), (920, 3), (1_000, 10)];

/// Durations of rentals. `(350, 1, 11), (650, 12, 35)` means that 350 of 1,000 rentals take 1 to 11 hours, and the next
/// 300 take 12 to 35 hours.
const DURATIONS: [(u64, u64, u64); 4] =
    [(350, 1, 11), (650, 12, 35), (900, 36, 95), (1_000, 96, 335)];

/// On average, one in this number of rentals has a discount or a fee, so that its amount is not hours times rate.
const OFF_PRICE: u64 = 500;

/// Generator of rentals, which are not sorted by any column.
#[derive(Clone, Debug)]
pub struct Rentals {
    /// The number of clean rows.
    rows: u64,
    /// The random stream of all values but the id.
    rows_at: RandomStream,
    /// The ids of rentals.
    ids: UniqueIds,
    /// The texts of days and times, and the weights of start days and hours.
    calendar: Arc<Calendar>,
    /// The first day of [`RENTAL_YEAR`], as the calendar counts days.
    opening: u64,
    /// The weights of locations, by rank of popularity.
    places: WeightedIndex,
    /// The generator of the keys of pick-up and drop-off locations.
    locations: Locations,
    /// The generator of the users' ids and memberships.
    users: Users,
    /// The generator of the vehicles' ids and price classes.
    vehicles: Vehicles,
}

/// A rental before it is formatted: row numbers in other datasets, times, and the amount in cents.
#[derive(Clone, Copy, Debug)]
struct Rental {
    /// The row number of the user.
    user: u64,
    /// The row number of the vehicle.
    vehicle: u64,
    /// The time of the pick-up, in the rental year.
    start: Moment,
    /// The time of the drop-off, from one hour to 14 days after the start.
    end: Moment,
    /// The row number of the pick-up location.
    pickup: u64,
    /// The row number of the drop-off location, which is the pick-up location in most rentals.
    dropoff: u64,
    /// The amount, in cents.
    cents: u64,
    /// `true` if a discount or a fee changed the amount.
    is_off_price: bool,
}

/// A time in steps of five minutes.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// The day, as the calendar counts days.
    day: u64,
    /// The five-minute slot of the day, below [`Calendar::SLOTS`].
    slot: u64,
}

impl Rentals {
    /// Creates the generator of rentals that refer to the given datasets.
    pub fn new(
        sizes: DatasetSizes,
        seed: u64,
        calendar: Arc<Calendar>,
        (locations, users, vehicles): (Locations, Users, Vehicles),
    ) -> Self {
        // Zipf's law with a flatter head: the most popular of 300 locations has one rental in thirty.
        let places = WeightedIndex::new((0..sizes.locations).map(|rank| 100_000_000 / (rank + 8)));
        Self {
            rows: sizes.rentals,
            rows_at: RandomStream::new(seed, 0x40),
            ids: UniqueIds::new(RandomStream::new(seed, 0x41)),
            calendar,
            opening: Calendar::year(RENTAL_YEAR),
            places,
            locations,
            users,
            vehicles,
        }
    }

    /// Generates the rental of a row. The order of the random draws must not change, because a sample's bytes depend on
    /// it.
    #[inline]
    fn rental(&self, row: u64) -> Rental {
        let mut rng = self.rows_at.at(row);
        let user = tiered(&CUSTOMER_TIERS, self.users.rows(), &mut rng);
        let vehicle = tiered(&VEHICLE_TIERS, self.vehicles.rows(), &mut rng);
        let pickup = self.place(&mut rng);
        let dropoff = if rng.chance(7, 10) {
            pickup
        } else {
            self.place(&mut rng)
        };
        let start = self.start(&mut rng);
        let quarters = quarter_hours(&mut rng);
        let slots = start.slot + quarters * 3;
        let end = Moment {
            day: start.day + slots / Calendar::SLOTS,
            slot: slots % Calendar::SLOTS,
        };
        let fair = quarters * 25 * self.vehicles.price_class(vehicle).hourly_rate;
        let (cents, is_off_price) = if rng.chance(1, OFF_PRICE) {
            (off_price(fair, &mut rng), true)
        } else {
            (fair, false)
        };
        Rental {
            user,
            vehicle,
            start,
            end,
            pickup,
            dropoff,
            cents,
            is_off_price,
        }
    }

    /// Returns the row number of a random location; popular locations are likelier.
    #[inline]
    fn place(&self, rng: &mut Rng) -> u64 {
        let rank = self.places.pick(rng);
        scattered(number(rank), self.locations.rows())
    }

    /// Returns a random start time, according to the weights of days and hours; within the hour, all slots are equally
    /// likely.
    #[inline]
    fn start(&self, rng: &mut Rng) -> Moment {
        Moment {
            day: self.opening + number(self.calendar.season().pick(rng)),
            slot: number(self.calendar.hours().pick(rng)) * 12 + rng.below(12),
        }
    }

    /// Appends a comma and a time as `YYYY-MM-DD HH:MM:SS`.
    #[inline]
    fn write_moment(&self, moment: Moment, out: &mut Vec<u8>) {
        out.push(b',');
        out.extend_from_slice(self.calendar.iso(moment.day));
        out.push(b' ');
        out.extend_from_slice(self.calendar.time(moment.slot));
    }
}

impl DatasetGenerator for Rentals {
    fn description(&self) -> &'static DatasetDescription {
        &DESCRIPTION
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn keys(&self) -> &dyn KeyGenerator {
        &self.ids
    }

    #[inline]
    fn write(&self, row: u64, out: &mut Vec<u8>, statistics: &mut RentalStatistics) {
        let rental = self.rental(row);
        let membership = self.users.membership(rental.user);
        statistics.revenue_cents += rental.cents;
        statistics.off_price_rule += u64::from(rental.is_off_price);
        statistics.starts_before_signup += u64::from(rental.start.day < membership.signup_day);
        statistics.by_inactive_user += u64::from(!membership.is_active);

        self.ids.write_id(row, out);
        out.push(b',');
        self.users.keys().write(rental.user, out);
        out.push(b',');
        self.vehicles.keys().write(rental.vehicle, out);
        self.write_moment(rental.start, out);
        self.write_moment(rental.end, out);
        for place in [rental.pickup, rental.dropoff] {
            out.push(b',');
            write_number(self.locations.key(place), out);
        }
        out.push(b',');
        write_amount(rental.cents, out);
        out.push(b'\n');
    }
}

/// The fixed properties of the dataset, which refers to all three other datasets.
const DESCRIPTION: DatasetDescription = DatasetDescription {
    name: "rental_transactions",
    columns: &[
        "rental_id",
        "user_id",
        "vehicle_id",
        "rental_start_time",
        "rental_end_time",
        "pickup_location",
        "dropoff_location",
        "total_amount",
    ],
    key_column: "rental_id",
    typical_row_bytes: 91,
    references: &[
        ("user_id", "users"),
        ("vehicle_id", "vehicles"),
        ("pickup_location", "locations"),
    ],
    defects: &DEFECTS,
    has_quotes: false,
};

/// The defects to apply in turn; four of the twenty refer to a missing user, vehicle, pick-up or drop-off location.
const DEFECTS: [Defect; 20] = [
    Defect::new(
        BadDate,
        Replace("rental_start_time", b"2024-13-01 08:05:00"),
    ),
    Defect::new(MissingField, Remove("total_amount")),
    Defect::new(ReversedTimes, Swap("rental_start_time", "rental_end_time")),
    Defect::new(DuplicateKey, Repeat),
    Defect::new(OrphanReference, Orphan("user_id", "users")),
    Defect::new(ExtraField, Extra),
    Defect::new(NegativeAmount, Negate("total_amount")),
    Defect::new(NullKey, Replace("rental_id", b"")),
    Defect::new(WrongEncoding, Replace("user_id", b"320be\xe9068b")),
    Defect::new(TooManyDecimals, Replace("total_amount", b"450.125")),
    Defect::new(BadType, Replace("pickup_location", b"14x7")),
    Defect::new(OrphanReference, Orphan("vehicle_id", "vehicles")),
    Defect::new(TwoLines, Break("user_id", "rental_end_time")),
    Defect::new(NullValue, Replace("rental_start_time", b"")),
    Defect::new(OrphanReference, Orphan("dropoff_location", "locations")),
    Defect::new(OutOfRange, Replace("total_amount", b"99999999999.00")),
    Defect::new(BadDate, Replace("rental_end_time", b"2024-02-30 05:05:00")),
    Defect::new(BadType, Replace("total_amount", b"four fifty")),
    Defect::new(OrphanReference, Orphan("pickup_location", "locations")),
    Defect::new(OutOfRange, Replace("dropoff_location", b"67856785678")),
];

/// Returns a random row number below `rows`, according to the tiers.
#[inline]
fn tiered(tiers: &[(u64, u64)], rows: u64, rng: &mut Rng) -> u64 {
    let thousandth = rng.below(1_000);
    let (_, divisor) = tiers
        .iter()
        .find(|tier| thousandth < tier.0)
        .expect("the last tier reaches a thousand");
    scattered(rng.below((rows / divisor).max(1)), rows)
}

/// Maps a rank of popularity to a row number, so that popular rows are spread over the file; no two ranks have the same
/// row.
#[inline]
fn scattered(rank: u64, rows: u64) -> u64 {
    // A prime above every number of rows: the two have no common divisor, so no two ranks share a row.
    rank * 2_654_435_761 % rows
}

/// Returns a random duration in quarters of an hour; nine of ten are whole hours.
#[inline]
fn quarter_hours(rng: &mut Rng) -> u64 {
    let thousandth = rng.below(1_000);
    let (_, low, high) = *DURATIONS
        .iter()
        .find(|duration| thousandth < duration.0)
        .expect("the last duration reaches a thousand");
    let hours = rng.between(low, high);
    let quarters = if rng.chance(1, 10) {
        rng.between(1, 3)
    } else {
        0
    };
    hours * 4 + quarters
}

/// Changes a price in cents: reduces it by a tenth, or adds a fee of up to 100 dollars.
fn off_price(fair: u64, rng: &mut Rng) -> u64 {
    if rng.chance(1, 2) {
        fair - fair / 10
    } else {
        fair + rng.between(1, 9_999)
    }
}

/// Converts a position in memory to `u64`.
#[inline]
fn number(position: usize) -> u64 {
    u64::try_from(position).expect("a position has at most 64 bits")
}
