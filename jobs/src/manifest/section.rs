//! A section of a `job.toml`: a TOML table that is read key by key, so that one invalid value does not hide another.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section_keys;
use super::section_kind::SectionKind;
use super::toml_document::{SpannedText, TomlDocument};
use crate::name;
use crate::suggestion::suggestion;

/// A TOML table in a `job.toml`, together with the span of its name. Its kind determines which keys it may have.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    /// The document that contains the table, to which problems are reported.
    pub(super) document: &'a TomlDocument<'a>,
    /// The table, as the TOML parser returns it.
    table: &'a DeTable<'a>,
    /// Start and end of the table's name in bytes; missing keys are reported there.
    name: (usize, usize),
}

impl<'a> Section<'a> {
    /// Wraps a table, and reports each key that a section of this kind cannot have.
    pub(super) fn new(
        document: &'a TomlDocument<'a>,
        kind: SectionKind,
        table: &'a DeTable<'a>,
        name: &Range<usize>,
    ) -> Self {
        for key in table.keys() {
            let written = key.get_ref().as_ref();
            if !section_keys::names_in(kind).any(|known| known == written) {
                document.report(
                    &key.span(),
                    format!("`{written}` is not a valid key in {}", kind.heading()),
                    suggestion(written, section_keys::names_in(kind)),
                );
            }
        }
        Self {
            document,
            table,
            name: (name.start, name.end),
        }
    }

    /// Returns the span of the table's name, in bytes.
    pub(super) fn name(&self) -> Range<usize> {
        self.name.0..self.name.1
    }

    /// Returns the value of a key, `None` if the key is missing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// Reports a problem at a span. If `hint` is empty, the problem has no hint.
    pub(super) fn report(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.document.report(span, message, hint);
    }

    /// Reports, at the section's name, that a required key is missing.
    pub(super) fn missing(&self, key: &str, hint: impl Into<String>) {
        self.report(&self.name(), format!("`{key}` is missing"), hint);
    }

    /// Reads the string under a key, `None` if the key is missing. A value of another type is reported.
    pub(super) fn text(&self, key: &str) -> Option<SpannedText> {
        self.text_of(key, self.get(key)?)
    }

    /// Returns a value as a string. A value of another type is reported.
    fn text_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<SpannedText> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(SpannedText {
                value: text.as_ref().to_owned(),
                span: value.span(),
            });
        }
        self.report_type(value, key, "a string");
        None
    }

    /// Reads the string or the array of strings under a key. A value of another type is reported.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<SpannedText>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(_) => self.text_of(key, value).map(|text| vec![text]),
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.text_of(key, item))
                    .collect(),
            ),
            _ => {
                self.report_type(value, key, "a string or an array of strings");
                None
            }
        }
    }

    /// Reads the boolean under a key. A value of another type is reported.
    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        if let DeValue::Boolean(boolean) = value.get_ref() {
            return Some(*boolean);
        }
        self.report_type(value, key, "`true` or `false`");
        None
    }

    /// Reads the integer under a key. A negative number and a value of another type are reported.
    pub(super) fn count(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        if let DeValue::Integer(integer) = value.get_ref()
            && let Ok(count) = u64::from_str_radix(integer.as_str(), integer.radix())
        {
            return Some(count);
        }
        self.report_type(value, key, "a whole number of at least 0");
        None
    }

    /// Reads a string that must be one of `words`, and returns the value paired with that word. Any other string is
    /// reported.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            self.report(
                &text.span,
                format!("`{}` is not a valid `{key}`", text.value),
                suggestion(&text.value, words.iter().map(|(word, _)| *word)),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// Reads the table under a key and returns its entries in the order of the file. Entries with an invalid name are
    /// reported, but returned as well. `kind` is the word for an entry in messages, such as `column`.
    pub(super) fn named(&self, key: &str, kind: &str) -> Vec<NamedEntry<'a>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.report_type(value, key, "a table");
            return Vec::new();
        };
        let mut entries = table
            .iter()
            .map(|(name, value)| NamedEntry {
                name: name.get_ref().as_ref(),
                span: name.span(),
                value,
            })
            .collect::<Vec<_>>();
        // The parser sorts entries by name, but columns, inputs and outputs keep the order of the file.
        entries.sort_by_key(|entry| entry.span.start);
        for entry in &entries {
            if !name::is_legal(entry.name) {
                let mut hint = format!(
                    "write `{}`: a name begins with a lower-case letter and has only lower-case letters, digits and `_`",
                    name::legalize(entry.name)
                );
                if kind == "column" {
                    hint.push_str("; for an input, add `from = \"..\"` with the name of the field in the file");
                }
                self.report(
                    &entry.span,
                    format!("`{}` is not a valid {kind} name", entry.name),
                    hint,
                );
            }
        }
        entries
    }

    /// Reports that the value of a key has the wrong type; `wanted` names the expected type.
    pub(super) fn report_type(&self, value: &Spanned<DeValue<'_>>, key: &str, wanted: &str) {
        self.report(
            &value.span(),
            format!(
                "`{key}` is {}, expected {wanted}",
                toml_type(value.get_ref())
            ),
            "",
        );
    }
}

/// An entry of a table whose keys are names that the author chooses, such as `[inputs]`.
#[derive(Clone)]
pub(super) struct NamedEntry<'a> {
    /// Name of the entry, which the author of the job chose.
    pub(super) name: &'a str,
    /// Span of the name, in bytes.
    pub(super) span: Range<usize>,
    /// Value of the entry: a string or a table; any other type is a mistake that is yet to be reported.
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> NamedEntry<'a> {
    /// Returns the name with its span, at which problems with the entry are reported.
    pub(super) fn name_text(&self) -> SpannedText {
        SpannedText {
            value: self.name.to_owned(),
            span: self.span.clone(),
        }
    }

    /// Returns the entry as a section (`Ok`), or as a string (`Err`), which is the short form of a section. A value of
    /// another type is reported.
    pub(super) fn section_or_text(
        &self,
        document: &'a TomlDocument<'a>,
        kind: SectionKind,
    ) -> Option<Result<Section<'a>, SpannedText>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(Ok(Section::new(document, kind, table, &self.span))),
            DeValue::String(text) => Some(Err(SpannedText {
                value: text.as_ref().to_owned(),
                span: self.value.span(),
            })),
            other => {
                document.report(
                    &self.value.span(),
                    format!(
                        "`{}` is {}, expected a string or a table",
                        self.name,
                        toml_type(other)
                    ),
                    "",
                );
                None
            }
        }
    }

    /// Returns the entry as a section. A value of another type is reported.
    pub(super) fn section(
        &self,
        document: &'a TomlDocument<'a>,
        kind: SectionKind,
    ) -> Option<Section<'a>> {
        if let DeValue::Table(table) = self.value.get_ref() {
            return Some(Section::new(document, kind, table, &self.span));
        }
        document.report(
            &self.value.span(),
            format!(
                "`{}` is {}, expected a table",
                self.name,
                toml_type(self.value.get_ref())
            ),
            "",
        );
        None
    }
}

/// Returns the type of a TOML value with its article, such as `a string`, for messages.
pub(super) fn toml_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
