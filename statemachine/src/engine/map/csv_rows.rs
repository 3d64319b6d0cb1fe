//! A decoder of CSV by the rules of AWS's ItemReader. The rows include the header, which `item_reader` separates.

use serde_json::{Map, Value};

use crate::java::hash_map_order;

/// A decoder that returns rows from bytes that arrive in pieces.
///
/// Quotes are as in RFC 4180; a line ends with LF or CR LF; empty lines are skipped.
#[derive(Debug)]
pub(crate) struct CsvRows {
    /// The byte between two fields.
    delimiter: u8,
    /// The bytes of the current field.
    field: Vec<u8>,
    /// The complete fields of the current row.
    row: Vec<String>,
    /// The position of the next byte relative to quotes.
    quote: Quote,
    /// The complete rows that were not returned yet.
    ready: Vec<Vec<String>>,
}

/// The position of the decoder relative to quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// At the start of a field, or inside a field without quotes.
    None,
    /// Inside a quoted field.
    Open,
    /// After a quote inside a quoted field: it ends the field, unless another quote follows.
    Closing,
}

impl CsvRows {
    /// Creates a decoder for rows whose fields are separated by `delimiter`.
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            field: Vec::new(),
            row: Vec::new(),
            quote: Quote::None,
            ready: Vec::new(),
        }
    }

    /// Decodes a piece and returns the rows that it completes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Vec<String>> {
        for &byte in bytes {
            self.take(byte);
        }
        std::mem::take(&mut self.ready)
    }

    /// Returns the last row, if no line end completed it.
    pub(crate) fn finish(mut self) -> Vec<Vec<String>> {
        self.end_row();
        self.ready
    }

    /// Decodes one byte, which may complete a field or a row.
    fn take(&mut self, byte: u8) {
        match (self.quote, byte) {
            (Quote::Open, b'"') => self.quote = Quote::Closing,
            (Quote::Open, _) => self.field.push(byte),
            (Quote::Closing, b'"') => {
                self.field.push(byte);
                self.quote = Quote::Open;
            }
            (Quote::None, b'"') if self.field.is_empty() => self.quote = Quote::Open,
            (_, b'\n') => self.end_row(),
            (_, byte) if byte == self.delimiter => self.end_field(),
            (_, byte) => self.field.push(byte),
        }
    }

    /// Completes the current field, in which invalid UTF-8 is replaced.
    fn end_field(&mut self) {
        let bytes = std::mem::take(&mut self.field);
        self.row.push(String::from_utf8_lossy(&bytes).into_owned());
        self.quote = Quote::None;
    }

    /// Completes the current row, unless the line is empty.
    fn end_row(&mut self) {
        if self.field.last() == Some(&b'\r') {
            self.field.pop();
        }
        if self.row.is_empty() && self.field.is_empty() && self.quote == Quote::None {
            return;
        }
        self.end_field();
        self.ready.push(std::mem::take(&mut self.row));
    }
}

/// Builds an item from a row, in the field order of Java's `HashMap`. Missing fields are empty, surplus ones are
/// dropped.
pub(crate) fn item(headers: &[String], row: Vec<String>) -> Value {
    let mut fields = row.into_iter();
    let item: Map<String, Value> = headers
        .iter()
        .map(|header| {
            (
                header.clone(),
                Value::String(fields.next().unwrap_or_default()),
            )
        })
        .collect();
    Value::Object(hash_map_order::sorted(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let mut decoder = CsvRows::new(b',');
        let mut rows = Vec::new();
        // One byte at a time is the hardest split.
        for byte in text.bytes() {
            rows.extend(decoder.push(&[byte]));
        }
        rows.extend(decoder.finish());
        rows
    }

    #[test]
    fn quotes_hide_delimiters_and_line_ends() {
        assert_eq!(
            rows("a,\"b,\"\"c\"\"\n\",d\r\ne"),
            [vec!["a", "b,\"c\"\n", "d"], vec!["e"]]
        );
    }

    #[test]
    fn empty_lines_are_skipped_and_empty_fields_kept() {
        assert_eq!(
            rows("a,b\n\n,\n\"\"\n"),
            [vec!["a", "b"], vec!["", ""], vec![""]]
        );
    }

    #[test]
    fn an_item_has_every_header_and_nothing_else() {
        let headers = ["a".to_owned(), "b".to_owned()];
        let row = |text: &str| rows(text).remove(0);
        assert_eq!(
            item(&headers, row("1,2,3")).to_string(),
            r#"{"a":"1","b":"2"}"#
        );

        assert_eq!(item(&headers, row("1")).to_string(), r#"{"a":"1","b":""}"#);
        let headers = ["0", "True", "{}"].map(str::to_owned);
        assert_eq!(
            item(&headers, row("1,2,3")).to_string(),
            r#"{"0":"1","{}":"3","True":"2"}"#
        );
    }
}
