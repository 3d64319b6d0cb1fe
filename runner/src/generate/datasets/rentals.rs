//! The rentals: who took which vehicle from where to where, when and for how much.

use std::sync::Arc;

use super::dataset_generator::Dataset;
use super::locations::Locations;
use super::users::Users;
use super::vehicles::Vehicles;
use crate::generate::defects::{Change, Class, Fault};
use crate::generate::sample_manifest::Facts;
use crate::generate::settings::Sizes;
use crate::generate::values::{Calendar, RENTAL_YEAR};
use crate::generate::values::{Draw, Stream, Weighted};
use crate::generate::values::{IDS, Identifiers};
use crate::generate::values::{write_amount, write_number};

/// How rentals fall to customers: so many in a thousand to the first of so many. Half go to all alike, and the busiest
/// customers have some two hundred a year at most.
const CUSTOMER_TIERS: [(u64, u64); 4] = [(500, 1), (800, 5), (950, 25), (1_000, 200)];

/// The same for vehicles: demand is flatter.
const VEHICLE_TIERS: [(u64, u64); 3] = [(700, 1), (920, 3), (1_000, 10)];

/// How long rentals last: so many in a thousand from that many to that many hours.
const DURATIONS: [(u64, u64, u64); 4] =
    [(350, 1, 11), (650, 12, 35), (900, 36, 95), (1_000, 96, 335)];

/// One rental in so many is not priced by the rule: a discount or a fee.
const OFF_PRICE: u64 = 500;

/// Makes rentals, in no order.
#[derive(Clone, Debug)]
pub struct Rentals {
    rows: u64,
    rows_at: Stream,
    ids: Identifiers,
    calendar: Arc<Calendar>,
    opening: u64,
    places: Weighted,
    locations: Locations,
    users: Users,
    vehicles: Vehicles,
}

/// A rental in numbers: rows of other datasets, days, five-minute slots, cents.
#[derive(Clone, Copy, Debug)]
struct Rental {
    user: u64,
    vehicle: u64,
    start: Moment,
    end: Moment,
    pickup: u64,
    dropoff: u64,
    cents: u64,
    is_off_price: bool,
}

#[derive(Clone, Copy, Debug)]
struct Moment {
    day: u64,
    slot: u64,
}

impl Rentals {
    /// The rentals between those datasets.
    pub fn new(
        sizes: Sizes,
        seed: u64,
        calendar: Arc<Calendar>,
        (locations, users, vehicles): (Locations, Users, Vehicles),
    ) -> Self {
        // Zipf's law, its head flattened a little: the busiest of 300 places has one rental in thirty.
        let places = Weighted::new((0..sizes.locations).map(|rank| 100_000_000 / (rank + 8)));
        Self {
            rows: sizes.rentals,
            rows_at: Stream::new(seed, 0x40),
            ids: Identifiers::new(Stream::new(seed, 0x41)),
            calendar,
            opening: Calendar::year(RENTAL_YEAR),
            places,
            locations,
            users,
            vehicles,
        }
    }

    #[inline]
    fn rental(&self, row: u64) -> Rental {
        let mut draw = self.rows_at.at(row);
        let user = tiered(&CUSTOMER_TIERS, self.users.rows(), &mut draw);
        let vehicle = tiered(&VEHICLE_TIERS, self.vehicles.rows(), &mut draw);
        let pickup = self.place(&mut draw);
        let dropoff = if draw.chance(7, 10) {
            pickup
        } else {
            self.place(&mut draw)
        };
        let start = self.start(&mut draw);
        let quarters = quarter_hours(&mut draw);
        let slots = start.slot + quarters * 3;
        let end = Moment {
            day: start.day + slots / Calendar::SLOTS,
            slot: slots % Calendar::SLOTS,
        };
        let fair = quarters * 25 * self.vehicles.kind(vehicle).hourly_rate;
        let (cents, is_off_price) = if draw.chance(1, OFF_PRICE) {
            (off_price(fair, &mut draw), true)
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

    #[inline]
    fn place(&self, draw: &mut Draw) -> u64 {
        let rank = self.places.draw(draw);
        scattered(number(rank), self.locations.rows())
    }

    #[inline]
    fn start(&self, draw: &mut Draw) -> Moment {
        Moment {
            day: self.opening + number(self.calendar.season().draw(draw)),
            slot: number(self.calendar.hours().draw(draw)) * 12 + draw.below(12),
        }
    }

    #[inline]
    fn write_moment(&self, moment: Moment, out: &mut Vec<u8>) {
        out.push(b',');
        out.extend_from_slice(self.calendar.iso(moment.day));
        out.push(b' ');
        out.extend_from_slice(self.calendar.time(moment.slot));
    }
}

impl Dataset for Rentals {
    fn name(&self) -> &'static str {
        "rental_transactions"
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "rental_id",
            "user_id",
            "vehicle_id",
            "rental_start_time",
            "rental_end_time",
            "pickup_location",
            "dropoff_location",
            "total_amount",
        ]
    }

    fn key_column(&self) -> &'static str {
        "rental_id"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn typical_row_bytes(&self) -> u64 {
        91
    }

    #[inline]
    fn write(&self, row: u64, out: &mut Vec<u8>, facts: &mut Facts) {
        let rental = self.rental(row);
        let standing = self.users.standing(rental.user);
        facts.revenue_cents += rental.cents;
        facts.off_price_rule += u64::from(rental.is_off_price);
        facts.starts_before_signup += u64::from(rental.start.day < standing.creation_day);
        facts.by_inactive_user += u64::from(!standing.is_active);

        self.ids.write(row, out);
        out.push(b',');
        self.users.write_key(rental.user, out);
        out.push(b',');
        self.vehicles.write_key(rental.vehicle, out);
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

    fn write_key(&self, row: u64, out: &mut Vec<u8>) {
        self.ids.write(row, out);
    }

    fn write_missing_key(&self, number: u64, out: &mut Vec<u8>) {
        self.ids.write(IDS - 1 - number, out);
    }

    fn references(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("user_id", "users"),
            ("vehicle_id", "vehicles"),
            ("pickup_location", "locations"),
        ]
    }

    fn faults(&self) -> &'static [Fault] {
        &FAULTS
    }

    fn is_quoted(&self) -> bool {
        false
    }
}

const FAULTS: [Fault; 20] = [
    Fault {
        class: Class::BadDate,
        change: Change::Replace("rental_start_time", b"2024-13-01 08:05:00"),
    },
    Fault {
        class: Class::MissingField,
        change: Change::Drop("total_amount"),
    },
    Fault {
        class: Class::ReversedTimes,
        change: Change::Swap("rental_start_time", "rental_end_time"),
    },
    Fault {
        class: Class::DuplicateKey,
        change: Change::Repeat,
    },
    Fault {
        class: Class::OrphanReference,
        change: Change::Orphan("user_id", "users"),
    },
    Fault {
        class: Class::ExtraField,
        change: Change::Extra,
    },
    Fault {
        class: Class::NegativeAmount,
        change: Change::Negate("total_amount"),
    },
    Fault {
        class: Class::NullKey,
        change: Change::Replace("rental_id", b""),
    },
    Fault {
        class: Class::WrongEncoding,
        change: Change::Replace("user_id", b"320be\xe9068b"),
    },
    Fault {
        class: Class::TooManyDecimals,
        change: Change::Replace("total_amount", b"450.125"),
    },
    Fault {
        class: Class::BadType,
        change: Change::Replace("pickup_location", b"14x7"),
    },
    Fault {
        class: Class::OrphanReference,
        change: Change::Orphan("vehicle_id", "vehicles"),
    },
    Fault {
        class: Class::TwoLines,
        change: Change::Break("user_id", "rental_end_time"),
    },
    Fault {
        class: Class::NullValue,
        change: Change::Replace("rental_start_time", b""),
    },
    Fault {
        class: Class::OrphanReference,
        change: Change::Orphan("dropoff_location", "locations"),
    },
    Fault {
        class: Class::OutOfRange,
        change: Change::Replace("total_amount", b"99999999999.00"),
    },
    Fault {
        class: Class::BadDate,
        change: Change::Replace("rental_end_time", b"2024-02-30 05:05:00"),
    },
    Fault {
        class: Class::BadType,
        change: Change::Replace("total_amount", b"four fifty"),
    },
    Fault {
        class: Class::OrphanReference,
        change: Change::Orphan("pickup_location", "locations"),
    },
    Fault {
        class: Class::OutOfRange,
        change: Change::Replace("dropoff_location", b"67856785678"),
    },
];

/// A row of `rows`, by tiers.
#[inline]
fn tiered(tiers: &[(u64, u64)], rows: u64, draw: &mut Draw) -> u64 {
    let thousandth = draw.below(1_000);
    let (_, divisor) = tiers
        .iter()
        .find(|tier| thousandth < tier.0)
        .expect("the last tier reaches a thousand");
    scattered(draw.below((rows / divisor).max(1)), rows)
}

/// Scatters ranks over the rows one to one, so that the popular ones do not lie together in the file.
#[inline]
fn scattered(rank: u64, rows: u64) -> u64 {
    // A prime above any number of users, vehicles or locations: it shares no divisor with one.
    rank * 2_654_435_761 % rows
}

/// A duration in quarters of an hour; nine of ten are whole hours.
#[inline]
fn quarter_hours(draw: &mut Draw) -> u64 {
    let thousandth = draw.below(1_000);
    let (_, low, high) = *DURATIONS
        .iter()
        .find(|duration| thousandth < duration.0)
        .expect("the last duration reaches a thousand");
    let hours = draw.between(low, high);
    let quarters = if draw.chance(1, 10) {
        draw.between(1, 3)
    } else {
        0
    };
    hours * 4 + quarters
}

/// A tenth off, or a fee of up to a hundred, to the cent.
fn off_price(fair: u64, draw: &mut Draw) -> u64 {
    if draw.chance(1, 2) {
        fair - fair / 10
    } else {
        fair + draw.between(1, 9_999)
    }
}

#[inline]
fn number(position: usize) -> u64 {
    u64::try_from(position).expect("a position has at most 64 bits")
}
