//! A table of a `job.toml` with its place, read key by key so that one wrong value hides no other.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section_keys;
use super::section_kind::SectionKind;
use super::toml_document::{SpannedText, TomlDocument};
use crate::name;
use crate::suggestion::suggestion;

/// A table that may have only the keys of its part.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) document: &'a TomlDocument<'a>,
    table: &'a DeTable<'a>,
    /// The place of the table's name, for what is missing from it.
    name: (usize, usize),
}

impl<'a> Section<'a> {
    /// Takes a table and reports the keys that its part does not have.
    pub(super) fn new(
        document: &'a TomlDocument<'a>,
        kind: SectionKind,
        table: &'a DeTable<'a>,
        name: &Range<usize>,
    ) -> Self {
        for key in table.keys() {
            let written = key.get_ref().as_ref();
            if !section_keys::names_in(kind).any(|known| known == written) {
                document.wrong(
                    &key.span(),
                    format!("unknown key `{written}` in {}", kind.heading()),
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

    pub(super) fn name(&self) -> Range<usize> {
        self.name.0..self.name.1
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    pub(super) fn wrong(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.document.wrong(span, message, hint);
    }

    pub(super) fn missing(&self, key: &str, hint: impl Into<String>) {
        self.wrong(&self.name(), format!("`{key}` is missing"), hint);
    }

    pub(super) fn text(&self, key: &str) -> Option<SpannedText> {
        self.text_of(key, self.get(key)?)
    }

    fn text_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<SpannedText> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(SpannedText {
                value: text.as_ref().to_owned(),
                span: value.span(),
            });
        }
        self.not_a(value, key, "a text");
        None
    }

    /// One text or a list of texts.
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
                self.not_a(value, key, "a text or a list of texts");
                None
            }
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        if let DeValue::Boolean(boolean) = value.get_ref() {
            return Some(*boolean);
        }
        self.not_a(value, key, "true or false");
        None
    }

    pub(super) fn count(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        if let DeValue::Integer(integer) = value.get_ref()
            && let Ok(count) = u64::from_str_radix(integer.as_str(), integer.radix())
        {
            return Some(count);
        }
        self.not_a(value, key, "a number from 0 on");
        None
    }

    /// One of a list of words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            self.wrong(
                &text.span,
                format!("`{key}` is `{}`", text.value),
                suggestion(&text.value, words.iter().map(|(word, _)| *word)),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// A table of named things, in the order of the file; names that are not legal are reported and kept.
    pub(super) fn named(&self, key: &str, kind: &str) -> Vec<NamedEntry<'a>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.not_a(value, key, "a table");
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
        // The parser sorts by name; the order of the file is the order of columns, inputs and outputs.
        entries.sort_by_key(|entry| entry.span.start);
        for entry in &entries {
            if !name::is_legal(entry.name) {
                let mut hint = format!(
                    "write `{}`: a lower-case letter, then lower-case letters, digits and `_`",
                    name::legalize(entry.name)
                );
                if kind == "column" {
                    hint.push_str("; `from = \"..\"` names the field of the file");
                }
                self.wrong(
                    &entry.span,
                    format!("`{}` is no name for a {kind}", entry.name),
                    hint,
                );
            }
        }
        entries
    }

    pub(super) fn not_a(&self, value: &Spanned<DeValue<'_>>, key: &str, wanted: &str) {
        self.wrong(
            &value.span(),
            format!("`{key}` is {}, expected {wanted}", kind_of(value.get_ref())),
            "",
        );
    }
}

/// An entry of a table whose keys are names.
#[derive(Clone)]
pub(super) struct NamedEntry<'a> {
    pub(super) name: &'a str,
    pub(super) span: Range<usize>,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

impl<'a> NamedEntry<'a> {
    /// The entry as a table of a part, or as a text that stands for a table with one key.
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
                document.wrong(
                    &self.value.span(),
                    format!(
                        "`{}` is {}, expected a text or a table",
                        self.name,
                        kind_of(other)
                    ),
                    "",
                );
                None
            }
        }
    }

    /// The entry as a table of a part.
    pub(super) fn section(
        &self,
        document: &'a TomlDocument<'a>,
        kind: SectionKind,
    ) -> Option<Section<'a>> {
        if let DeValue::Table(table) = self.value.get_ref() {
            return Some(Section::new(document, kind, table, &self.span));
        }
        document.wrong(
            &self.value.span(),
            format!(
                "`{}` is {}, expected a table",
                self.name,
                kind_of(self.value.get_ref())
            ),
            "",
        );
        None
    }
}

/// What a TOML value is, for a reader who knows no TOML.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
