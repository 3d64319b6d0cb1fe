//! Locations: the places where vehicles are picked up and dropped off.

use std::sync::Arc;

use crate::generate::datasets::dataset_generator::{
    DatasetDescription, DatasetGenerator, KeyGenerator,
};
use crate::generate::defects::Defect;
use crate::generate::defects::DefectKind::{
    BadType, DuplicateKey, ExtraField, MissingField, NullKey, OutOfRange, TwoLines, WrongEncoding,
};
use crate::generate::defects::Mutation::{Break, Extra, Remove, Repeat, Replace};
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::{
    CITIES, FIRMS, RandomStream, Rng, STREET_KINDS, STREETS, SURNAMES, position, write_number,
    write_padded,
};

/// The number of keys: all numbers with four digits.
const KEYS: u64 = 9_000;
/// The smallest key, so that no key has leading zeros.
const FIRST_KEY: u64 = 1_000;

/// The index of the first shuffled key that no row has. Orphan references use the keys from this index on.
const FIRST_UNUSED: u64 = 8_000;

/// Generator of locations with random coordinates; zip codes, cities and coordinates do not match.
#[derive(Clone, Debug)]
pub struct Locations {
    /// The number of clean rows.
    rows: u64,
    /// The random stream of all values but the key.
    rows_at: RandomStream,
    /// The keys of the locations; rentals refer to them.
    keys: LocationKeys,
}

impl Locations {
    /// Creates the generator of `rows` locations, and shuffles all keys.
    pub fn new(rows: u64, seed: u64) -> Self {
        let rng = RandomStream::new(seed, 0x11).at(0);
        Self {
            rows,
            rows_at: RandomStream::new(seed, 0x10),
            keys: LocationKeys {
                rows,
                shuffled: shuffled_keys(rng),
            },
        }
    }

    /// Returns the location id of the row with this number.
    #[inline]
    pub fn key(&self, row: u64) -> u64 {
        self.keys.key(row)
    }
}

/// Generator of the keys of locations: numbers with four digits in random order.
#[derive(Clone, Debug)]
struct LocationKeys {
    /// The number of clean rows. A row with a higher number never has the key of a clean row.
    rows: u64,
    /// All [`KEYS`] keys in random order. The keys from index [`FIRST_UNUSED`] on are only for orphan references.
    shuffled: Arc<[u64]>,
}

impl LocationKeys {
    /// Returns the key of a row; if there are very many defective rows, their keys repeat.
    #[inline]
    fn key(&self, row: u64) -> u64 {
        let number = if row < FIRST_UNUSED {
            row
        } else {
            self.rows + row % (FIRST_UNUSED - self.rows)
        };
        self.shuffled[position(number)]
    }
}

impl KeyGenerator for LocationKeys {
    fn write(&self, row: u64, out: &mut Vec<u8>) {
        write_number(self.key(row), out);
    }

    fn write_unused(&self, number: u64, out: &mut Vec<u8>) {
        let unused = FIRST_UNUSED + number % (KEYS - FIRST_UNUSED);
        write_number(self.shuffled[position(unused)], out);
    }
}

impl DatasetGenerator for Locations {
    fn description(&self) -> &'static DatasetDescription {
        &DESCRIPTION
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn keys(&self) -> &dyn KeyGenerator {
        &self.keys
    }

    fn write(&self, row: u64, out: &mut Vec<u8>, _: &mut RentalStatistics) {
        let mut rng = self.rows_at.at(row);
        write_number(self.key(row), out);
        out.push(b',');
        write_name(&mut rng, out);
        out.push(b',');
        write_address(&mut rng, out);
        let (city, state) = rng.pick(&CITIES);
        for text in [city, state] {
            out.push(b',');
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b',');
        write_padded::<5>(rng.between(501, 99_950), out);
        for degrees in [90, 180] {
            out.push(b',');
            write_degrees(degrees, &mut rng, out);
        }
        out.push(b'\n');
    }
}

/// The fixed properties of the dataset: some names need quotes, and no column refers to another dataset.
const DESCRIPTION: DatasetDescription = DatasetDescription {
    name: "locations",
    columns: &[
        "location_id",
        "location_name",
        "address",
        "city",
        "state",
        "zip_code",
        "latitude",
        "longitude",
    ],
    key_column: "location_id",
    typical_row_bytes: 93,
    references: &[],
    defects: &DEFECTS,
    has_quotes: true,
};

/// The defects to apply in turn. The first one leaves the key readable, because some rentals refer to that row.
const DEFECTS: [Defect; 8] = [
    Defect::new(BadType, Replace("latitude", b"north")),
    Defect::new(MissingField, Remove("longitude")),
    Defect::new(DuplicateKey, Repeat),
    Defect::new(ExtraField, Extra),
    Defect::new(NullKey, Replace("location_id", b"")),
    Defect::new(WrongEncoding, Replace("location_name", b"Ren\xe9e Anchor")),
    Defect::new(OutOfRange, Replace("location_id", b"27020270202")),
    Defect::new(TwoLines, Break("location_name", "longitude")),
];

/// Returns all keys in random order.
fn shuffled_keys(mut rng: Rng) -> Arc<[u64]> {
    let mut keys = (FIRST_KEY..FIRST_KEY + KEYS).collect::<Vec<_>>();
    for (last, bound) in (0..keys.len()).zip(1..) {
        keys.swap(last, position(rng.below(bound)));
    }
    keys.into()
}

/// Appends the name of a location; some names contain commas or quotes and must be quoted.
fn write_name(rng: &mut Rng, out: &mut Vec<u8>) {
    let [one, two, three] = std::array::from_fn(|_| *rng.pick(&SURNAMES));
    let name = match rng.below(10) {
        0..=2 => format!("\"{one}, {two} and {three}\""),
        3 => format!("\"The \"\"{one}\"\" Garage\""),
        4..=6 => format!("{one}-{two}"),
        _ => format!("{one} {}", rng.pick(&FIRMS)),
    };
    out.extend_from_slice(name.as_bytes());
}

/// Appends a house number and a street, in two of five cases followed by an apartment or a suite.
fn write_address(rng: &mut Rng, out: &mut Vec<u8>) {
    write_number(rng.between(1, 9_999), out);
    for words in [&STREETS[..], &STREET_KINDS] {
        out.push(b' ');
        out.extend_from_slice(rng.pick(words).as_bytes());
    }
    let inner: &[u8] = match rng.below(5) {
        0 => b" Apt. ",
        1 => b" Suite ",
        _ => return,
    };
    out.extend_from_slice(inner);
    write_number(rng.between(1, 999), out);
}

/// Appends an angle in degrees from `-limit` to `limit` with six decimals.
fn write_degrees(limit: u64, rng: &mut Rng, out: &mut Vec<u8>) {
    let millionths = rng.below(limit * 1_000_000);
    if rng.chance(1, 2) && millionths > 0 {
        out.push(b'-');
    }
    write_number(millionths / 1_000_000, out);
    out.push(b'.');
    write_padded::<6>(millionths, out);
}
