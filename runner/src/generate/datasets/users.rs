//! The people who rent.

use std::sync::Arc;

use super::dataset_generator::Dataset;
use crate::generate::defects::{Change, Class, Fault};
use crate::generate::sample_manifest::Facts;
use crate::generate::values::{Calendar, RENTAL_YEAR};
use crate::generate::values::{Draw, Stream};
use crate::generate::values::{GIVEN, SURNAMES};
use crate::generate::values::{IDS, Identifiers};
use crate::generate::values::{write_number, write_padded};

/// Domains that are reserved for examples: no such address reaches anyone.
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Makes users: names, and so addresses, repeat; few are inactive.
#[derive(Clone, Debug)]
pub struct Users {
    rows: u64,
    rows_at: Stream,
    standing_at: Stream,
    ids: Identifiers,
    calendar: Arc<Calendar>,
}

/// What a rental has to know of its user.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The day of the sign-up.
    pub creation_day: u64,
    /// Whether the account is still in use.
    pub is_active: bool,
}

impl Users {
    /// That many users.
    pub fn new(rows: u64, seed: u64, calendar: Arc<Calendar>) -> Self {
        Self {
            rows,
            rows_at: Stream::new(seed, 0x20),
            standing_at: Stream::new(seed, 0x21),
            ids: Identifiers::new(Stream::new(seed, 0x22)),
            calendar,
        }
    }

    /// Sign-ups lie in the four years before the rentals, but for one in twelve; one user in twenty is inactive.
    #[inline]
    pub fn standing(&self, row: u64) -> Standing {
        let mut draw = self.standing_at.at(row);
        let opening = Calendar::year(RENTAL_YEAR);
        let creation_day = if draw.chance(1, 12) {
            opening + draw.below(366)
        } else {
            opening - 1 - draw.below(4 * 365)
        };
        Standing {
            creation_day,
            is_active: !draw.chance(1, 20),
        }
    }
}

impl Dataset for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "user_id",
            "first_name",
            "last_name",
            "email",
            "phone_number",
            "driver_license_number",
            "driver_license_expiry",
            "creation_date",
            "is_active",
        ]
    }

    fn key_column(&self) -> &'static str {
        "user_id"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn typical_row_bytes(&self) -> u64 {
        93
    }

    fn write(&self, row: u64, out: &mut Vec<u8>, _: &mut Facts) {
        let mut draw = self.rows_at.at(row);
        let standing = self.standing(row);
        self.ids.write(row, out);
        let (given, ascii) = draw.pick(&GIVEN);
        let surname = draw.pick(&SURNAMES);
        for text in [given, surname] {
            out.push(b',');
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b',');
        write_email(ascii, surname, &mut draw, out);
        out.push(b',');
        write_phone(&mut draw, out);
        out.push(b',');
        for _ in 0..2 {
            out.push(*draw.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        }
        write_padded::<6>(draw.below(1_000_000), out);
        out.push(b',');
        let expiry = Calendar::year(RENTAL_YEAR + 1) + draw.below(3_650);
        out.extend_from_slice(self.calendar.iso(expiry));
        out.push(b',');
        out.extend_from_slice(self.calendar.iso(standing.creation_day));
        out.extend_from_slice(if standing.is_active { b",1\n" } else { b",0\n" });
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
        false
    }
}

const FAULTS: [Fault; 9] = [
    Fault {
        class: Class::BadDate,
        change: Change::Replace("creation_date", b"2024-02-30"),
    },
    Fault {
        class: Class::MissingField,
        change: Change::Drop("email"),
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
        change: Change::Replace("user_id", b""),
    },
    Fault {
        class: Class::WrongEncoding,
        change: Change::Replace("first_name", b"Ren\xe9e"),
    },
    Fault {
        class: Class::BadType,
        change: Change::Replace("is_active", b"maybe"),
    },
    Fault {
        class: Class::TwoLines,
        change: Change::Break("last_name", "creation_date"),
    },
    Fault {
        class: Class::BadDate,
        change: Change::Replace("driver_license_expiry", b"21/06/2033"),
    },
];

fn write_email(given: &str, surname: &str, draw: &mut Draw, out: &mut Vec<u8>) {
    out.extend_from_slice(given.as_bytes());
    out.push(*draw.pick(b"._"));
    out.extend(surname.bytes().map(|byte| byte.to_ascii_lowercase()));
    if draw.chance(3, 5) {
        write_number(draw.between(1, 999), out);
    }
    out.push(b'@');
    out.extend_from_slice(draw.pick(&DOMAINS).as_bytes());
}

/// Appends a phone number in one of the shapes that people write, 10 to 22 characters; all on the fictional exchange 555.
fn write_phone(draw: &mut Draw, out: &mut Vec<u8>) {
    let shapes = [
        ("", "", ""),
        ("", "-", "-"),
        ("(", ")", "-"),
        ("", ".", "."),
        ("+1-", "-", "-"),
        ("001-", "-", "-"),
    ];
    let (before, between, last) = draw.pick(&shapes);
    out.extend_from_slice(before.as_bytes());
    write_number(draw.between(201, 989), out);
    out.extend_from_slice(between.as_bytes());
    out.extend_from_slice(b"555");
    out.extend_from_slice(last.as_bytes());
    write_padded::<4>(draw.below(10_000), out);
    match draw.below(5) {
        0 => {
            out.push(b'x');
            write_padded::<3>(draw.below(1_000), out);
        }
        1 => {
            out.push(b'x');
            write_padded::<5>(draw.below(100_000), out);
        }
        _ => {}
    }
}
