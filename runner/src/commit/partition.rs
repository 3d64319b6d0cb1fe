//! Partitions of a table, and windows over them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// One partition, named by its folders as Hive writes them: `day=2024-01-01/city=a%2Fb`; empty where a table has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(String);

impl Partition {
    /// The one partition of a table without partition columns.
    #[must_use]
    pub fn whole() -> Self {
        Self::default()
    }

    /// The partition of these columns and values, outermost first.
    ///
    /// # Errors
    /// `QualityGate` for an empty value, which Hive would read as NULL.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut folders = Vec::new();
        for (column, value) in values {
            if value.is_empty() {
                let message = format!("partition column `{column}` has an empty value");
                return Err(Error::new(ErrorKind::QualityGate, message)
                    .hint("a folder cannot tell it from NULL: reject such rows in the contract"));
            }
            folders.push(format!("{}={}", escaped(column), escaped(value)));
        }
        Ok(Self(folders.join("/")))
    }

    /// The folders, without a slash at either end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a column, unescaped; `None` for a column that does not partition the table.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<String> {
        let folders = self
            .0
            .split('/')
            .filter_map(|folder| folder.split_once('='));
        let mut values = folders.filter(|(name, _)| unescaped(name) == column);
        values.next().map(|(_, value)| unescaped(value))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Percent-encodes what Hive does: control characters and those that mean something in a path or a pattern.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(character) {
            out.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How values of a window's column are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By their text: strings, and dates and times written as ISO 8601 does.
    #[default]
    Text,
    /// As whole numbers.
    Integer,
}

impl Order {
    /// Values that are no numbers compare as equal to all, so that a doubt is a conflict and never an oversight.
    fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Text => a.cmp(b),
            Self::Integer => match (a.parse::<i128>(), b.parse::<i128>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => Ordering::Equal,
            },
        }
    }
}

/// The partitions whose column lies between two values, both included; an open end has no bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// A partition column.
    pub column: String,
    /// The least value, as in a folder's name before escaping.
    pub from: Option<String>,
    /// The greatest value.
    pub to: Option<String>,
    /// How values are ordered.
    #[serde(default)]
    pub order: Order,
}

impl Window {
    /// Whether a partition lies in the window.
    #[must_use]
    pub fn contains(&self, partition: &Partition) -> bool {
        let Some(value) = partition.value(&self.column) else {
            return false;
        };
        let not_below = |from: &String| self.order.compare(&value, from).is_ge();
        let not_above = |to: &String| self.order.compare(&value, to).is_le();
        self.from.as_ref().is_none_or(not_below) && self.to.as_ref().is_none_or(not_above)
    }

    /// Whether a partition can lie in both windows.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.column != other.column || self.order != other.order {
            return true;
        }
        let reaches = |from: &Option<String>, to: &Option<String>| match (from, to) {
            (Some(from), Some(to)) => self.order.compare(from, to).is_le(),
            _ => true,
        };
        reaches(&self.from, &other.to) && reaches(&other.from, &self.to)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |bound: &Option<String>| bound.clone().unwrap_or_default();
        write!(
            f,
            "{} {}..={}",
            self.column,
            bound(&self.from),
            bound(&self.to)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_hive_does_and_read_back() {
        let partition = Partition::of([("day", "2024-01-01"), ("city", "a/b=ü%\n")]).unwrap();
        assert_eq!(partition.as_str(), "day=2024-01-01/city=a%2Fb%3Dü%25%0A");
        assert_eq!(partition.value("city").unwrap(), "a/b=ü%\n");
        assert_eq!(partition.value("month"), None);
        assert_eq!(
            Partition::of([("day", "")]).unwrap_err().kind(),
            ErrorKind::QualityGate
        );
    }

    fn window(from: &str, to: &str, order: Order) -> Window {
        let bound = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Window {
            column: "day".to_owned(),
            from: bound(from),
            to: bound(to),
            order,
        }
    }

    #[test]
    fn a_window_holds_both_its_ends() {
        let january = window("2024-01-01", "2024-01-31", Order::Text);
        let day = |day: &str| Partition::of([("day", day)]).unwrap();
        assert!(january.contains(&day("2024-01-01")));
        assert!(january.contains(&day("2024-01-31")));
        assert!(!january.contains(&day("2024-02-01")));
        assert!(!january.contains(&Partition::whole()));
        assert!(window("9", "10", Order::Integer).contains(&day("10")));
    }

    #[test]
    fn windows_overlap_unless_one_ends_before_the_other_begins() {
        let january = window("2024-01-01", "2024-01-31", Order::Text);
        assert!(january.overlaps(&window("2024-01-31", "", Order::Text)));
        assert!(january.overlaps(&window("", "", Order::Text)));
        assert!(!january.overlaps(&window("2024-02-01", "", Order::Text)));
        assert!(!january.overlaps(&window("", "2023-12-31", Order::Text)));
        let mut other = window("2024-02-01", "", Order::Text);
        other.column = "month".to_owned();
        assert!(january.overlaps(&other));
    }
}
