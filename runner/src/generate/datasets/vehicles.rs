//! The vehicles dataset: the cars for hire.

use std::sync::Arc;

use crate::generate::datasets::dataset_generator::{
    DatasetDescription, DatasetGenerator, KeyGenerator,
};
use crate::generate::defects::Defect;
use crate::generate::defects::DefectKind::{
    BadDate, BadType, DuplicateKey, ExtraField, MissingField, NullKey, TwoLines, WrongEncoding,
};
use crate::generate::defects::Mutation::{Break, Extra, Remove, Repeat, Replace};
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::{
    BASIC_BRANDS, CITIES, Calendar, FIRMS, GIVEN, HIGH_END_BRANDS, PREMIUM_BRANDS, RENTAL_YEAR,
    RandomStream, Rng, STREET_KINDS, STREETS, SURNAMES, UniqueIds, write_number, write_padded,
};

/// Generator of vehicles: on average, six of ten are basic, three are premium and one is high-end.
#[derive(Clone, Debug)]
pub struct Vehicles {
    /// The number of clean rows.
    rows: u64,
    /// The random stream of all values but the id and the price class.
    rows_at: RandomStream,
    /// The random stream of price classes. It is separate, so that a rental need not generate the rest of the vehicle's
    /// row.
    classes_at: RandomStream,
    /// The ids of the vehicles; rentals refer to them.
    ids: UniqueIds,
    /// The calendar, which formats days and times of day.
    calendar: Arc<Calendar>,
}

/// A price class of vehicles.
#[derive(Clone, Copy, Debug)]
pub struct PriceClass {
    /// The name of the class in the files.
    pub name: &'static str,
    /// The price per hour, in dollars.
    pub hourly_rate: u64,
    /// The brands of the class's vehicles, all equally likely; some brands are in two classes.
    brands: &'static [&'static str],
}

/// The cheapest class, of six in ten vehicles.
const BASIC: PriceClass = PriceClass {
    name: "basic",
    hourly_rate: 10,
    brands: &BASIC_BRANDS,
};
/// The middle class, of three in ten vehicles.
const PREMIUM: PriceClass = PriceClass {
    name: "premium",
    hourly_rate: 20,
    brands: &PREMIUM_BRANDS,
};
/// The most expensive class, of one in ten vehicles.
const HIGH_END: PriceClass = PriceClass {
    name: "high_end",
    hourly_rate: 50,
    brands: &HIGH_END_BRANDS,
};

impl Vehicles {
    /// Creates the generator of `rows` vehicles.
    pub fn new(rows: u64, seed: u64, calendar: Arc<Calendar>) -> Self {
        Self {
            rows,
            rows_at: RandomStream::new(seed, 0x30),
            classes_at: RandomStream::new(seed, 0x31),
            ids: UniqueIds::new(RandomStream::new(seed, 0x32)),
            calendar,
        }
    }

    /// Returns the price class of the vehicle with this row number, without generating the rest of the row.
    #[inline]
    pub fn price_class(&self, row: u64) -> PriceClass {
        match self.classes_at.at(row).below(10) {
            0..=5 => BASIC,
            6..=8 => PREMIUM,
            _ => HIGH_END,
        }
    }
}

impl DatasetGenerator for Vehicles {
    fn description(&self) -> &'static DatasetDescription {
        &DESCRIPTION
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn keys(&self) -> &dyn KeyGenerator {
        &self.ids
    }

    fn write(&self, row: u64, out: &mut Vec<u8>, _: &mut RentalStatistics) {
        let mut rng = self.rows_at.at(row);
        let class = self.price_class(row);
        let opening = Calendar::year(RENTAL_YEAR);
        out.extend_from_slice(if rng.chance(1, 25) { b"0," } else { b"1," });
        write_license(&mut rng, out);
        out.push(b',');
        write_registration(&mut rng, out);
        out.extend_from_slice(b",FOR HIRE VEHICLE,");
        let expiration = opening + 183 + rng.below(1_400);
        self.calendar.write_day_first(expiration, out);
        out.push(b',');
        for _ in 0..8 {
            out.push(*rng.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"));
        }
        out.push(b',');
        let certification = opening - 1 - rng.below(3_280);
        out.extend_from_slice(self.calendar.iso(certification));
        out.push(b',');
        write_number(RENTAL_YEAR - rng.below(17), out);
        out.extend_from_slice(b",(");
        write_number(rng.between(201, 989), out);
        out.extend_from_slice(b")555-");
        write_padded::<4>(rng.below(10_000), out);
        out.push(b',');
        write_base(&mut rng, out);
        out.push(b',');
        self.ids.write_id(row, out);
        out.push(b',');
        self.calendar.write_day_first(opening + rng.below(366), out);
        out.push(b' ');
        out.extend_from_slice(self.calendar.time(rng.below(Calendar::SLOTS)));
        out.push(b',');
        out.extend_from_slice(rng.pick(class.brands).as_bytes());
        out.push(b',');
        out.extend_from_slice(class.name.as_bytes());
        out.push(b'\n');
    }
}

/// The fixed properties of the dataset: the name of a firm needs quotes, and no column refers to another dataset.
const DESCRIPTION: DatasetDescription = DatasetDescription {
    name: "vehicles",
    columns: &[
        "active",
        "vehicle_license_number",
        "registration_name",
        "license_type",
        "expiration_date",
        "permit_license_number",
        "certification_date",
        "vehicle_year",
        "base_telephone_number",
        "base_address",
        "vehicle_id",
        "last_update_timestamp",
        "brand",
        "vehicle_type",
    ],
    key_column: "vehicle_id",
    typical_row_bytes: 163,
    references: &[],
    defects: &DEFECTS,
    has_quotes: true,
};

/// The defects to apply in turn. The first one leaves the id readable, because some rentals refer to that row.
const DEFECTS: [Defect; 9] = [
    Defect::new(BadDate, Replace("expiration_date", b"31-02-2026")),
    Defect::new(MissingField, Remove("license_type")),
    Defect::new(DuplicateKey, Repeat),
    Defect::new(ExtraField, Extra),
    Defect::new(NullKey, Replace("vehicle_id", b"")),
    Defect::new(
        WrongEncoding,
        Replace("base_address", b"12 REN\xc9E STREET"),
    ),
    Defect::new(BadType, Replace("vehicle_year", b"MMXX")),
    Defect::new(TwoLines, Break("registration_name", "certification_date")),
    Defect::new(
        BadDate,
        Replace("last_update_timestamp", b"2024-06-04 13:25:00"),
    ),
];

/// Appends a license number of seven digits; one in forty contains letters, so that the column is not an integer.
fn write_license(rng: &mut Rng, out: &mut Vec<u8>) {
    if rng.chance(1, 40) {
        out.push(b'T');
        write_padded::<6>(rng.below(1_000_000), out);
        out.push(b'C');
    } else {
        write_number(rng.between(1_000_000, 9_999_999), out);
    }
}

/// Appends the name of an invented person or firm in capitals; the name of a firm contains a comma and must be quoted.
fn write_registration(rng: &mut Rng, out: &mut Vec<u8>) {
    let surname = rng.pick(&SURNAMES);
    let name = if rng.chance(1, 8) {
        format!("\"{surname} Rides, {}\"", rng.pick(&FIRMS))
    } else {
        format!("{} {surname}", rng.pick(&GIVEN).1)
    };
    out.extend(name.bytes().map(|byte| byte.to_ascii_uppercase()));
}

/// Appends the address of a base in capitals: number, street, city, state and zip code, without a comma.
fn write_base(rng: &mut Rng, out: &mut Vec<u8>) {
    write_number(rng.between(1, 9_999), out);
    let (city, state) = rng.pick(&CITIES);
    let (street, kind) = (rng.pick(&STREETS), rng.pick(&STREET_KINDS));
    for text in [street, kind, city, state] {
        out.push(b' ');
        out.extend(text.bytes().map(|byte| byte.to_ascii_uppercase()));
    }
    out.push(b' ');
    write_padded::<5>(rng.between(501, 99_950), out);
}
