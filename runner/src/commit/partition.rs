//! Partitions of a table, and windows over them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// One partition, named by its folders as Hive writes them: `day=2024-01-01/city=a%2Fb`; empty if the table is not
/// partitioned.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(String);

impl Partition {
    /// Returns the only partition of a table without partition columns.
    #[must_use]
    pub fn whole() -> Self {
        Self::default()
    }

    /// Builds the partition of these columns and values, outermost first.
    ///
    /// # Errors
    /// `QualityGate` for an empty value, which Hive would read as NULL.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut folders = Vec::new();
        for (column, value) in values {
            if value.is_empty() {
                let message = format!("partition column `{column}` has an empty value");
                return Err(Error::new(ErrorKind::QualityGate, message)
                    .hint("let the contract reject rows in which this column is empty: Hive reads an empty partition value as NULL"));
            }
            folders.push(format!("{}={}", escaped(column), escaped(value)));
        }
        Ok(Self(folders.join("/")))
    }

    /// Returns the partition's folders, such as `day=2024-01-01/city=Rome`; empty if the table is not partitioned.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the unescaped value of a column; `None` if the column does not partition the table.
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

/// Percent-encodes the characters that Hive encodes: control characters, and those with a meaning in a path or a
/// pattern.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(character) {
            out.push('%');
            let code = u32::from(character);
            let digits = [code >> 4, code & 15].map(|digit| char::from_digit(digit, 16));
            out.extend(
                digits
                    .into_iter()
                    .flatten()
                    .map(|digit| digit.to_ascii_uppercase()),
            );
        } else {
            out.push(character);
        }
    }
    out
}

/// Decodes percent-encoded bytes; a `%` without two hexadecimal digits is kept.
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

/// The order in which the values of a window's column are compared with its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The order of texts: for strings, and for dates and times in ISO 8601.
    #[default]
    Text,
    /// The order of numbers: for the integer types.
    Integer,
}

impl Order {
    /// Compares two values. In integer order, a value that is not an integer counts as equal to every other value: this
    /// can report a conflict that does not exist, but never hides one.
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

/// A range of partitions: those whose value of `column` is between `from` and `to`, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The partition column that the bounds apply to.
    pub column: String,
    /// The smallest value in the window, unescaped; `None` if the window has no lower bound.
    pub from: Option<String>,
    /// The largest value in the window, unescaped; `None` if the window has no upper bound.
    pub to: Option<String>,
    /// The order in which values are compared with the bounds.
    #[serde(default)]
    pub order: Order,
}

impl Window {
    /// Returns `true` if the partition has a value for the window's column, and the value is within both bounds.
    #[must_use]
    pub fn contains(&self, partition: &Partition) -> bool {
        let Some(value) = partition.value(&self.column) else {
            return false;
        };
        let not_below = |from: &String| self.order.compare(&value, from).is_ge();
        let not_above = |to: &String| self.order.compare(&value, to).is_le();
        self.from.as_ref().is_none_or(not_below) && self.to.as_ref().is_none_or(not_above)
    }

    /// Returns `true` if the same partition can be in both windows. Windows over different columns or orders count as
    /// overlapping, because they cannot be compared.
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
        let bound =
            |bound: &Option<String>, none: &str| bound.clone().unwrap_or_else(|| none.to_owned());
        write!(
            f,
            "`{}` from {} to {}",
            self.column,
            bound(&self.from, "the first value"),
            bound(&self.to, "the last value")
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
