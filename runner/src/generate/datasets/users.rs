//! The users dataset: the people who rent vehicles.

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
    Calendar, GIVEN, RENTAL_YEAR, RandomStream, Rng, SURNAMES, UniqueIds, write_number,
    write_padded,
};

/// Domains that are reserved for examples, so that no email address exists.
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Generator of users. Names and email addresses may repeat, and one user in twenty is inactive.
#[derive(Clone, Debug)]
pub struct Users {
    /// The number of clean rows.
    rows: u64,
    /// The random stream of all values but the id and the membership.
    rows_at: RandomStream,
    /// The random stream of memberships. It is separate, so that a rental need not generate the rest of the user's row.
    membership_at: RandomStream,
    /// The ids of the users; rentals refer to them.
    ids: UniqueIds,
    /// The calendar, which formats sign-up and expiry days.
    calendar: Arc<Calendar>,
}

/// The properties of a user that a rental depends on.
#[derive(Clone, Copy, Debug)]
pub struct Membership {
    /// The day of the sign-up, as the calendar counts days.
    pub signup_day: u64,
    /// `true` if the account is still in use.
    pub is_active: bool,
}

impl Users {
    /// Creates the generator of `rows` users.
    pub fn new(rows: u64, seed: u64, calendar: Arc<Calendar>) -> Self {
        Self {
            rows,
            rows_at: RandomStream::new(seed, 0x20),
            membership_at: RandomStream::new(seed, 0x21),
            ids: UniqueIds::new(RandomStream::new(seed, 0x22)),
            calendar,
        }
    }

    /// Returns when a user signed up and whether they are active.
    ///
    /// One sign-up in twelve is in the year of the rentals, the others in the four years before; one user in twenty is
    /// inactive.
    #[inline]
    pub fn membership(&self, row: u64) -> Membership {
        let mut rng = self.membership_at.at(row);
        let opening = Calendar::year(RENTAL_YEAR);
        let signup_day = if rng.chance(1, 12) {
            opening + rng.below(366)
        } else {
            opening - 1 - rng.below(4 * 365)
        };
        Membership {
            signup_day,
            is_active: !rng.chance(1, 20),
        }
    }
}

impl DatasetGenerator for Users {
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
        let membership = self.membership(row);
        self.ids.write_id(row, out);
        let (given, ascii) = rng.pick(&GIVEN);
        let surname = rng.pick(&SURNAMES);
        for text in [given, surname] {
            out.push(b',');
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b',');
        write_email(ascii, surname, &mut rng, out);
        out.push(b',');
        write_phone(&mut rng, out);
        out.push(b',');
        for _ in 0..2 {
            out.push(*rng.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        }
        write_padded::<6>(rng.below(1_000_000), out);
        out.push(b',');
        let expiry = Calendar::year(RENTAL_YEAR + 1) + rng.below(3_650);
        out.extend_from_slice(self.calendar.iso(expiry));
        out.push(b',');
        out.extend_from_slice(self.calendar.iso(membership.signup_day));
        out.extend_from_slice(if membership.is_active {
            b",1\n"
        } else {
            b",0\n"
        });
    }
}

/// The fixed properties of the dataset: no text needs quotes, and no column refers to another dataset.
const DESCRIPTION: DatasetDescription = DatasetDescription {
    name: "users",
    columns: &[
        "user_id",
        "first_name",
        "last_name",
        "email",
        "phone_number",
        "driver_license_number",
        "driver_license_expiry",
        "creation_date",
        "is_active",
    ],
    key_column: "user_id",
    typical_row_bytes: 93,
    references: &[],
    defects: &DEFECTS,
    has_quotes: false,
};

/// The defects to apply in turn. The first one leaves the id readable, because some rentals refer to that row.
const DEFECTS: [Defect; 9] = [
    Defect::new(BadDate, Replace("creation_date", b"2024-02-30")),
    Defect::new(MissingField, Remove("email")),
    Defect::new(DuplicateKey, Repeat),
    Defect::new(ExtraField, Extra),
    Defect::new(NullKey, Replace("user_id", b"")),
    Defect::new(WrongEncoding, Replace("first_name", b"Ren\xe9e")),
    Defect::new(BadType, Replace("is_active", b"maybe")),
    Defect::new(TwoLines, Break("last_name", "creation_date")),
    Defect::new(BadDate, Replace("driver_license_expiry", b"21/06/2033")),
];

/// Appends an email address: given name in ASCII, surname, and in three of five cases a number below 1,000.
fn write_email(given: &str, surname: &str, rng: &mut Rng, out: &mut Vec<u8>) {
    out.extend_from_slice(given.as_bytes());
    out.push(*rng.pick(b"._"));
    out.extend(surname.bytes().map(|byte| byte.to_ascii_lowercase()));
    if rng.chance(3, 5) {
        write_number(rng.between(1, 999), out);
    }
    out.push(b'@');
    out.extend_from_slice(rng.pick(&DOMAINS).as_bytes());
}

/// Appends a phone number of 10 to 22 characters, in one of the common formats, with the fictional exchange 555.
fn write_phone(rng: &mut Rng, out: &mut Vec<u8>) {
    let formats = [
        ("", "", ""),
        ("", "-", "-"),
        ("(", ")", "-"),
        ("", ".", "."),
        ("+1-", "-", "-"),
        ("001-", "-", "-"),
    ];
    let (before, between, last) = rng.pick(&formats);
    out.extend_from_slice(before.as_bytes());
    write_number(rng.between(201, 989), out);
    out.extend_from_slice(between.as_bytes());
    out.extend_from_slice(b"555");
    out.extend_from_slice(last.as_bytes());
    write_padded::<4>(rng.below(10_000), out);
    match rng.below(5) {
        0 => {
            out.push(b'x');
            write_padded::<3>(rng.below(1_000), out);
        }
        1 => {
            out.push(b'x');
            write_padded::<5>(rng.below(100_000), out);
        }
        _ => {}
    }
}
