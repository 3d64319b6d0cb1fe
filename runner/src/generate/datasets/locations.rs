//! The places where vehicles are picked up and dropped off.

use std::sync::Arc;

use super::dataset_generator::Dataset;
use crate::generate::defects::{Change, Class, Fault};
use crate::generate::sample_manifest::Facts;
use crate::generate::values::{CITIES, FIRMS, STREET_KINDS, STREETS, SURNAMES};
use crate::generate::values::{Draw, Stream, position};
use crate::generate::values::{write_number, write_padded};

/// How many keys of four digits there are, from [`FIRST_KEY`].
const KEYS: u64 = 9_000;
const FIRST_KEY: u64 = 1_000;

/// Numbers from here on are of keys that no row bears.
const MISSING: u64 = 8_000;

/// Makes locations: random over the globe, their zip codes and cities do not match.
#[derive(Clone, Debug)]
pub struct Locations {
    rows: u64,
    rows_at: Stream,
    keys: Arc<[u64]>,
}

impl Locations {
    /// That many locations.
    pub fn new(rows: u64, seed: u64) -> Self {
        Self {
            rows,
            rows_at: Stream::new(seed, 0x10),
            keys: shuffled_keys(Stream::new(seed, 0x11).at(0)),
        }
    }

    /// The key of a clean row; numbers past all keys come round to those of dirty rows.
    #[inline]
    pub fn key(&self, row: u64) -> u64 {
        let number = if row < MISSING {
            row
        } else {
            self.rows + row % (MISSING - self.rows)
        };
        self.keys[position(number)]
    }
}

impl Dataset for Locations {
    fn name(&self) -> &'static str {
        "locations"
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "location_id",
            "location_name",
            "address",
            "city",
            "state",
            "zip_code",
            "latitude",
            "longitude",
        ]
    }

    fn key_column(&self) -> &'static str {
        "location_id"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn typical_row_bytes(&self) -> u64 {
        93
    }

    fn write(&self, row: u64, out: &mut Vec<u8>, _: &mut Facts) {
        let mut draw = self.rows_at.at(row);
        write_number(self.key(row), out);
        out.push(b',');
        write_name(&mut draw, out);
        out.push(b',');
        write_address(&mut draw, out);
        let (city, state) = draw.pick(&CITIES);
        for text in [city, state] {
            out.push(b',');
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b',');
        write_padded::<5>(draw.between(501, 99_950), out);
        for degrees in [90, 180] {
            out.push(b',');
            write_degrees(degrees, &mut draw, out);
        }
        out.push(b'\n');
    }

    fn write_key(&self, row: u64, out: &mut Vec<u8>) {
        write_number(self.key(row), out);
    }

    fn write_missing_key(&self, number: u64, out: &mut Vec<u8>) {
        let missing = MISSING + number % (KEYS - MISSING);
        write_number(self.keys[position(missing)], out);
    }

    fn faults(&self) -> &'static [Fault] {
        &FAULTS
    }

    fn is_quoted(&self) -> bool {
        true
    }
}

const FAULTS: [Fault; 8] = [
    Fault {
        class: Class::BadType,
        change: Change::Replace("latitude", b"north"),
    },
    Fault {
        class: Class::MissingField,
        change: Change::Drop("longitude"),
    },
    Fault {
        class: Class::DuplicateKey,
        change: Change::Repeat,
    },
    Fault {
        class: Class::ExtraField,
        change: Change::Extra,
    },
    Fault {
        class: Class::NullKey,
        change: Change::Replace("location_id", b""),
    },
    Fault {
        class: Class::WrongEncoding,
        change: Change::Replace("location_name", b"Ren\xe9e Anchor"),
    },
    Fault {
        class: Class::OutOfRange,
        change: Change::Replace("location_id", b"27020270202"),
    },
    Fault {
        class: Class::TwoLines,
        change: Change::Break("location_name", "longitude"),
    },
];

/// All keys in an order of chance.
fn shuffled_keys(mut draw: Draw) -> Arc<[u64]> {
    let mut keys = (FIRST_KEY..FIRST_KEY + KEYS).collect::<Vec<_>>();
    for (last, bound) in (0..keys.len()).zip(1..) {
        keys.swap(last, position(draw.below(bound)));
    }
    keys.into()
}

/// Names with commas and quotes among them, so that some must be quoted.
fn write_name(draw: &mut Draw, out: &mut Vec<u8>) {
    let [one, two, three] = std::array::from_fn(|_| *draw.pick(&SURNAMES));
    let name = match draw.below(10) {
        0..=2 => format!("\"{one}, {two} and {three}\""),
        3 => format!("\"The \"\"{one}\"\" Garage\""),
        4..=6 => format!("{one}-{two}"),
        _ => format!("{one} {}", draw.pick(&FIRMS)),
    };
    out.extend_from_slice(name.as_bytes());
}

fn write_address(draw: &mut Draw, out: &mut Vec<u8>) {
    write_number(draw.between(1, 9_999), out);
    for words in [&STREETS[..], &STREET_KINDS] {
        out.push(b' ');
        out.extend_from_slice(draw.pick(words).as_bytes());
    }
    let inner: &[u8] = match draw.below(5) {
        0 => b" Apt. ",
        1 => b" Suite ",
        _ => return,
    };
    out.extend_from_slice(inner);
    write_number(draw.between(1, 999), out);
}

/// Appends an angle from `-limit` to `limit` with six decimals.
fn write_degrees(limit: u64, draw: &mut Draw, out: &mut Vec<u8>) {
    let millionths = draw.below(limit * 1_000_000);
    if draw.chance(1, 2) && millionths > 0 {
        out.push(b'-');
    }
    write_number(millionths / 1_000_000, out);
    out.push(b'.');
    write_padded::<6>(millionths, out);
}
