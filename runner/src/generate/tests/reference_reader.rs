//! An independent reader that follows the rules of the contracts. Its counts must equal those of the manifest.

use std::collections::{HashMap, HashSet};

use super::{SampleObjects, settings};
use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::{DatasetManifest, DefectCount, DefectKind, SampleManifest};

/// The rows and counts that the reader has found in a sample.
#[derive(Default)]
pub struct ReferenceReader {
    pub accepted: HashMap<String, Vec<Vec<String>>>,
    pub manifests: HashMap<String, DatasetManifest>,
    refused_keys: HashMap<String, HashSet<String>>,
}

impl ReferenceReader {
    pub fn of(manifest: &SampleManifest, objects: &SampleObjects) -> Self {
        let mut reader = Self::default();
        for dataset in &manifest.datasets {
            reader.read(dataset, objects);
        }
        reader
    }

    pub fn rejected(&self, dataset: &str) -> Vec<u64> {
        let rejected = self.manifests[dataset].rejected.values();
        rejected.map(|count| count.rows).collect()
    }

    fn read(&mut self, dataset: &DatasetManifest, objects: &SampleObjects) {
        let mut found = DatasetManifest::default();
        let (mut rows, mut keys) = (Vec::new(), HashSet::new());
        let columns = columns(&dataset.name);
        let key = columns
            .iter()
            .position(|name| name.ends_with("_id"))
            .unwrap();
        for file in &dataset.files {
            let bytes = &objects.files[&file.name];
            assert_eq!(bytes.len() as u64, file.bytes, "{}", file.name);
            assert_eq!(newlines(bytes), file.lines, "{}", file.name);
            let mut records = records(bytes).into_iter();
            let Some((header, _)) = records.next() else {
                continue;
            };
            let header = fields(&header.unwrap()).unwrap();
            for (record, lines) in records {
                found.lines += lines;
                let row = record.and_then(|record| in_order(&header, fields(&record)?, &columns));
                let is_sound = row
                    .as_ref()
                    .is_some_and(|row| is_valid(&dataset.name, row) && !keys.contains(&row[key]));
                let refers = row
                    .as_ref()
                    .filter(|_| is_sound)
                    .map(|row| self.refers(&dataset.name, row));
                match (row, refers) {
                    (Some(row), Some(Refers::Valid)) => {
                        keys.insert(row[key].clone());
                        rows.push(row);
                    }
                    (_, Some(Refers::ToRejected)) => found.cascaded_rows += 1,
                    (row, _) => {
                        let count = found.rejected.entry(DefectKind::BadType).or_default();
                        count.add(DefectCount { rows: 1, lines });
                        let refused = self.refused_keys.entry(dataset.name.clone()).or_default();
                        refused.extend(row.map(|row| row[key].clone()));
                    }
                }
            }
        }
        found.accepted_rows = rows.len() as u64;
        if let Some(refused) = self.refused_keys.get_mut(&dataset.name) {
            refused.retain(|refused| !keys.contains(refused));
        }
        self.accepted.insert(dataset.name.clone(), rows);
        self.manifests.insert(dataset.name.clone(), found);
    }

    fn refers(&mut self, dataset: &str, row: &[String]) -> Refers {
        if dataset != "rental_transactions" {
            return Refers::Valid;
        }
        let references = [
            (1, "users", 0),
            (2, "vehicles", 10),
            (5, "locations", 0),
            (6, "locations", 0),
        ];
        let mut outcome = Refers::Valid;
        for (column, to, key) in references {
            let accepted = &self.accepted;
            let keys = self
                .refused_keys
                .entry(format!("{to} accepted"))
                .or_insert_with(|| accepted[to].iter().map(|row| row[key].clone()).collect());
            if keys.contains(&row[column]) {
                continue;
            }
            let refused = self.refused_keys.get(to);
            if refused.is_some_and(|refused| refused.contains(&row[column])) {
                outcome = Refers::ToRejected;
            } else {
                return Refers::Nowhere;
            }
        }
        outcome
    }
}

enum Refers {
    Valid,
    ToRejected,
    Nowhere,
}

fn columns(dataset: &str) -> Vec<&'static str> {
    DatasetGenerators::new(&settings(1, "0"))
        .dataset(dataset)
        .description()
        .columns
        .to_vec()
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').count() as u64 - 1
}

/// Splits bytes into records, each with its number of physical lines. A record that is too long or never ends becomes
/// `None`, and only one line of it is skipped.
fn records(mut bytes: &[u8]) -> Vec<(Option<Vec<u8>>, u64)> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let mut is_quoted = false;
        let end = bytes.iter().position(|byte| {
            is_quoted ^= *byte == b'"';
            *byte == b'\n' && !is_quoted
        });
        let (record, length) = match end {
            Some(end) if end <= 1 << 20 => (Some(bytes[..end].to_vec()), end + 1),
            _ => {
                let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
                (None, line + 1)
            }
        };
        records.push((record, newlines(&bytes[..length])));
        bytes = &bytes[length..];
    }
    records
}

fn fields(record: &[u8]) -> Option<Vec<String>> {
    let text = str::from_utf8(record).ok()?;
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for character in text.chars() {
        is_quoted ^= character == '"';
        if character == ',' && !is_quoted {
            fields.push(String::new());
        } else {
            fields.last_mut()?.push(character);
        }
    }
    Some(fields)
}

fn in_order(header: &[String], fields: Vec<String>, columns: &[&str]) -> Option<Vec<String>> {
    if header.len() != fields.len() {
        return None;
    }
    let mut named = header.iter().zip(fields).collect::<HashMap<_, _>>();
    columns
        .iter()
        .map(|column| named.remove(&(*column).to_owned()))
        .collect()
}

fn is_valid(dataset: &str, row: &[String]) -> bool {
    let is_id = |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_day_first = |text: &str| {
        let parts = text.split('-').rev().collect::<Vec<_>>();
        is_day(&parts.join("-"))
    };
    let is_flag = |text: &str| text == "0" || text == "1";
    match dataset {
        "locations" => {
            row[0].parse::<i32>().is_ok()
                && row[5].len() == 5
                && row[6].parse::<f64>().is_ok()
                && row[7].parse::<f64>().is_ok()
        }
        "users" => {
            is_id(&row[0])
                && (10..=22).contains(&row[4].len())
                && row[5].len() == 8
                && is_day(&row[6])
                && is_day(&row[7])
                && is_flag(&row[8])
        }
        "vehicles" => {
            is_flag(&row[0])
                && is_day_first(&row[4])
                && row[5].len() == 8
                && is_day(&row[6])
                && row[7].parse::<i32>().is_ok()
                && is_id(&row[10])
                && row[11]
                    .split_once(' ')
                    .is_some_and(|(day, time)| is_day_first(day) && time.len() == 8)
        }
        _ => {
            let are_times = [&row[3], &row[4]].into_iter().all(|text| {
                text.split_once(' ')
                    .is_some_and(|(day, time)| is_day(day) && time.len() == 8)
            });
            is_id(&row[0])
                && are_times
                && row[3] < row[4]
                && row[5].parse::<i32>().is_ok()
                && row[6].parse::<i32>().is_ok()
                && cents(&row[7]).is_some_and(|cents| (0..1_000_000_000_000).contains(&cents))
        }
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

pub fn seconds(text: &str) -> i64 {
    let moment = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S");
    moment.unwrap().and_utc().timestamp()
}

pub fn cents(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.')?;
    if decimals.is_empty() || decimals.len() > 2 {
        return None;
    }
    format!("{whole}{decimals:0<2}").parse().ok()
}
