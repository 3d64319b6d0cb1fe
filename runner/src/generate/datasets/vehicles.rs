//! The vehicles for hire.

use std::sync::Arc;

use super::dataset_generator::Dataset;
use crate::generate::defects::{Change, Class, Fault};
use crate::generate::sample_manifest::Facts;
use crate::generate::values::{
    BASIC_BRANDS, CITIES, FIRMS, GIVEN, HIGH_END_BRANDS, PREMIUM_BRANDS, STREET_KINDS, STREETS,
    SURNAMES,
};
use crate::generate::values::{Calendar, RENTAL_YEAR};
use crate::generate::values::{Draw, Stream};
use crate::generate::values::{IDS, Identifiers};
use crate::generate::values::{write_number, write_padded};

/// Makes vehicles: six in ten basic, three premium, one high-end.
#[derive(Clone, Debug)]
pub struct Vehicles {
    rows: u64,
    rows_at: Stream,
    kinds_at: Stream,
    ids: Identifiers,
    calendar: Arc<Calendar>,
}

/// A price class.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As the files spell it.
    pub name: &'static str,
    /// What an hour costs, in whole units of money.
    pub hourly_rate: u64,
    brands: &'static [&'static str],
}

const BASIC: Kind = Kind {
    name: "basic",
    hourly_rate: 10,
    brands: &BASIC_BRANDS,
};
const PREMIUM: Kind = Kind {
    name: "premium",
    hourly_rate: 20,
    brands: &PREMIUM_BRANDS,
};
const HIGH_END: Kind = Kind {
    name: "high_end",
    hourly_rate: 50,
    brands: &HIGH_END_BRANDS,
};

impl Vehicles {
    /// That many vehicles.
    pub fn new(rows: u64, seed: u64, calendar: Arc<Calendar>) -> Self {
        Self {
            rows,
            rows_at: Stream::new(seed, 0x30),
            kinds_at: Stream::new(seed, 0x31),
            ids: Identifiers::new(Stream::new(seed, 0x32)),
            calendar,
        }
    }

    /// The price class of a vehicle.
    #[inline]
    pub fn kind(&self, row: u64) -> Kind {
        match self.kinds_at.at(row).below(10) {
            0..=5 => BASIC,
            6..=8 => PREMIUM,
            _ => HIGH_END,
        }
    }
}

impl Dataset for Vehicles {
    fn name(&self) -> &'static str {
        "vehicles"
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
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
        ]
    }

    fn key_column(&self) -> &'static str {
        "vehicle_id"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn typical_row_bytes(&self) -> u64 {
        163
    }

    fn write(&self, row: u64, out: &mut Vec<u8>, _: &mut Facts) {
        let mut draw = self.rows_at.at(row);
        let kind = self.kind(row);
        let opening = Calendar::year(RENTAL_YEAR);
        out.extend_from_slice(if draw.chance(1, 25) { b"0," } else { b"1," });
        write_license(&mut draw, out);
        out.push(b',');
        write_registration(&mut draw, out);
        out.extend_from_slice(b",FOR HIRE VEHICLE,");
        let expiration = opening + 183 + draw.below(1_400);
        self.calendar.write_day_first(expiration, out);
        out.push(b',');
        for _ in 0..8 {
            out.push(*draw.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"));
        }
        out.push(b',');
        let certification = opening - 1 - draw.below(3_280);
        out.extend_from_slice(self.calendar.iso(certification));
        out.push(b',');
        write_number(RENTAL_YEAR - draw.below(17), out);
        out.extend_from_slice(b",(");
        write_number(draw.between(201, 989), out);
        out.extend_from_slice(b")555-");
        write_padded::<4>(draw.below(10_000), out);
        out.push(b',');
        write_base(&mut draw, out);
        out.push(b',');
        self.ids.write(row, out);
        out.push(b',');
        self.calendar
            .write_day_first(opening + draw.below(366), out);
        out.push(b' ');
        out.extend_from_slice(self.calendar.time(draw.below(Calendar::SLOTS)));
        out.push(b',');
        out.extend_from_slice(draw.pick(kind.brands).as_bytes());
        out.push(b',');
        out.extend_from_slice(kind.name.as_bytes());
        out.push(b'\n');
    }

    fn write_key(&self, row: u64, out: &mut Vec<u8>) {
        self.ids.write(row, out);
    }

    fn write_missing_key(&self, number: u64, out: &mut Vec<u8>) {
        self.ids.write(IDS - 1 - number, out);
    }

    fn faults(&self) -> &'static [Fault] {
        &FAULTS
    }

    fn is_quoted(&self) -> bool {
        true
    }
}

const FAULTS: [Fault; 9] = [
    Fault {
        class: Class::BadDate,
        change: Change::Replace("expiration_date", b"31-02-2026"),
    },
    Fault {
        class: Class::MissingField,
        change: Change::Drop("license_type"),
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
        change: Change::Replace("vehicle_id", b""),
    },
    Fault {
        class: Class::WrongEncoding,
        change: Change::Replace("base_address", b"12 REN\xc9E STREET"),
    },
    Fault {
        class: Class::BadType,
        change: Change::Replace("vehicle_year", b"MMXX"),
    },
    Fault {
        class: Class::TwoLines,
        change: Change::Break("registration_name", "certification_date"),
    },
    Fault {
        class: Class::BadDate,
        change: Change::Replace("last_update_timestamp", b"2024-06-04 13:25:00"),
    },
];

/// Seven digits, but for one in forty: this number is not always an integer.
fn write_license(draw: &mut Draw, out: &mut Vec<u8>) {
    if draw.chance(1, 40) {
        out.push(b'T');
        write_padded::<6>(draw.below(1_000_000), out);
        out.push(b'C');
    } else {
        write_number(draw.between(1_000_000, 9_999_999), out);
    }
}

/// A made-up person or firm in capitals; a firm's comma must be quoted.
fn write_registration(draw: &mut Draw, out: &mut Vec<u8>) {
    let surname = draw.pick(&SURNAMES);
    let name = if draw.chance(1, 8) {
        format!("\"{surname} Rides, {}\"", draw.pick(&FIRMS))
    } else {
        format!("{} {surname}", draw.pick(&GIVEN).1)
    };
    out.extend(name.bytes().map(|byte| byte.to_ascii_uppercase()));
}

fn write_base(draw: &mut Draw, out: &mut Vec<u8>) {
    write_number(draw.between(1, 9_999), out);
    let (city, state) = draw.pick(&CITIES);
    let (street, kind) = (draw.pick(&STREETS), draw.pick(&STREET_KINDS));
    for text in [street, kind, city, state] {
        out.push(b' ');
        out.extend(text.bytes().map(|byte| byte.to_ascii_uppercase()));
    }
    out.push(b' ');
    write_padded::<5>(draw.between(501, 99_950), out);
}
