//! `[inputs.<name>]`: where a dataset comes from and what its rows must look like.

use super::columns::columns;
use super::constraints::{self, SEVERITIES, UnresolvedReference};
use super::section::{NamedEntry, Section};
use super::section_kind::SectionKind;
use super::toml_document::SpannedText;
use crate::contract::{Column, Contract, CsvFormat, Encoding, Format, Origin, Rule};
use crate::job::InputOrigin;
use crate::name;

/// An input as written, before what it takes from other jobs is looked up.
pub(super) struct UnresolvedInput {
    pub(super) name: String,
    pub(super) name_text: SpannedText,
    pub(super) raw: Option<String>,
    pub(super) min_rows: Option<u64>,
    pub(super) source: ContractSource,
    pub(super) references: Vec<UnresolvedReference>,
}

/// Where the contract comes from.
pub(super) enum ContractSource {
    /// It is written here.
    Here(Contract),
    /// It is that of another job's input.
    Contract(JobLink),
    /// It follows from another job's output.
    Table(JobLink),
}

/// `job.dataset`, and where that is written.
#[derive(Clone)]
pub(super) struct JobLink {
    pub(super) job: String,
    pub(super) dataset: String,
    pub(super) text: SpannedText,
}

impl UnresolvedInput {
    /// The origin that is written here, `None` where it comes with the other job's contract.
    pub(super) fn origin(&self) -> Option<InputOrigin> {
        match (&self.source, &self.raw) {
            (ContractSource::Table(link), _) => Some(InputOrigin::Table {
                job: link.job.clone(),
                table: link.dataset.clone(),
            }),
            (_, Some(raw)) => Some(InputOrigin::Raw(raw.clone())),
            (ContractSource::Here(_), None) => Some(InputOrigin::Raw(self.name.clone())),
            (ContractSource::Contract(_), None) => None,
        }
    }
}

/// Keys that say how rows are read: only where the contract is written here.
const CONTRACT_KEYS: [&str; 11] = [
    "format",
    "header",
    "delimiter",
    "quote",
    "nulls",
    "encoding",
    "trim",
    "columns",
    "key",
    "references",
    "rules",
];

pub(super) fn input(entry: &NamedEntry<'_>, section: &Section<'_>) -> UnresolvedInput {
    let raw = section.text("raw").map(|text| {
        if text.value.is_empty()
            || text
                .value
                .split('/')
                .any(|folder| folder.is_empty() || folder.starts_with('.'))
        {
            section.wrong(
                &text.span,
                format!("`{}` is no folder below `raw/`", text.value),
                "such as `users` or `eu/users`",
            );
        }
        text.value
    });
    let table = section.text("table").and_then(|text| link(section, text));
    let contract = section
        .text("contract")
        .and_then(|text| link(section, text));
    let mut references = Vec::new();
    let source = match (table, contract) {
        (Some(table), contract) => {
            only_here(section, &["raw", "contract"], "table");
            drop(contract);
            only_here(section, &CONTRACT_KEYS, "table");
            ContractSource::Table(table)
        }
        (None, Some(contract)) => {
            only_here(section, &CONTRACT_KEYS, "contract");
            ContractSource::Contract(contract)
        }
        (None, None) => {
            let (contract, written) = written_contract(section);
            references = written;
            ContractSource::Here(contract)
        }
    };
    UnresolvedInput {
        name: entry.name.to_owned(),
        name_text: SpannedText {
            value: entry.name.to_owned(),
            span: entry.span.clone(),
        },
        raw,
        min_rows: section.count("min_rows"),
        source,
        references,
    }
}

fn only_here(section: &Section<'_>, keys: &[&str], by: &str) {
    for key in keys {
        if let Some(value) = section.get(key) {
            section.wrong(
                &value.span(),
                format!("`{key}` does not go with `{by}`"),
                format!("`{by}` brings it along"),
            );
        }
    }
}

fn link(section: &Section<'_>, text: SpannedText) -> Option<JobLink> {
    match text.value.split_once('.') {
        Some((job, dataset)) if name::is_legal(job) && name::is_legal(dataset) => Some(JobLink {
            job: job.to_owned(),
            dataset: dataset.to_owned(),
            text,
        }),
        _ => {
            section.wrong(
                &text.span,
                format!("`{}` names no dataset of a job", text.value),
                "write `job.dataset`",
            );
            None
        }
    }
}

fn written_contract(section: &Section<'_>) -> (Contract, Vec<UnresolvedReference>) {
    // A link that is written but wrong was reported already: missing columns would be a second report of it.
    let linked = section.get("table").is_some() || section.get("contract").is_some();
    let columns = columns(section, SectionKind::InputColumn);
    if section.get("columns").is_none() && !linked {
        section.missing(
            "columns",
            "list them, or take them from another job: `contract = \"job.input\"`",
        );
    } else if columns.is_empty() && !linked {
        section.wrong(&section.name(), "a dataset has at least one column", "");
    }
    fields_differ(section, &columns);
    let references = constraints::references(section, &columns);
    let contract = Contract {
        format: format(section, &columns),
        key: constraints::key(section, &columns),
        references: references
            .iter()
            .map(|written| written.reference.clone())
            .collect(),
        rules: rules(section),
        columns,
        min_rows: 1,
    };
    (contract, references)
}

fn fields_differ(section: &Section<'_>, columns: &[Column]) {
    for (at, column) in columns.iter().enumerate() {
        if let Some(first) = columns[..at]
            .iter()
            .find(|first| first.origin == column.origin)
        {
            let (Origin::Field(field) | Origin::Path(field)) = &column.origin;
            section.wrong(
                &section.name(),
                format!(
                    "columns `{}` and `{}` both read `{field}`",
                    first.name, column.name
                ),
                "",
            );
        }
    }
}

fn format(section: &Section<'_>, columns: &[Column]) -> Format {
    let parquet = section
        .word("format", &[("csv", false), ("parquet", true)])
        .unwrap_or(false);
    if parquet {
        for key in ["header", "delimiter", "quote", "nulls", "encoding", "trim"] {
            if let Some(value) = section.get(key) {
                section.wrong(
                    &value.span(),
                    format!("`{key}` does not go with `format = \"parquet\"`"),
                    "",
                );
            }
        }
        return Format::Parquet;
    }
    let plain = CsvFormat::default();
    let header = section.boolean("header").unwrap_or(plain.header);
    if !header {
        for column in columns {
            if matches!(&column.origin, Origin::Field(field) if *field != column.name) {
                section.wrong(
                    &section.name(),
                    format!(
                        "column `{}` names its field, and the files have no header",
                        column.name
                    ),
                    "without a header, columns are found by their order",
                );
            }
        }
    }
    let delimiter = section
        .text("delimiter")
        .and_then(|text| character(section, "delimiter", &text))
        .unwrap_or(plain.delimiter);
    let quote = match section.text("quote") {
        Some(text) if text.value.is_empty() => None,
        Some(text) => character(section, "quote", &text),
        None => plain.quote,
    };
    if quote == Some(delimiter) {
        section.wrong(&section.name(), "the delimiter is the quote", "");
    }
    Format::Csv(CsvFormat {
        delimiter,
        quote,
        header,
        nulls: section.texts("nulls").map_or(plain.nulls, |texts| {
            texts.into_iter().map(|text| text.value).collect()
        }),
        encoding: section.word("encoding", ENCODINGS).unwrap_or_default(),
        trim: section.boolean("trim").unwrap_or(plain.trim),
    })
}

const ENCODINGS: &[(&str, Encoding)] = &[
    ("utf-8", Encoding::Utf8),
    ("latin-1", Encoding::Latin1),
    ("windows-1252", Encoding::Windows1252),
];

fn character(section: &Section<'_>, key: &str, text: &SpannedText) -> Option<u8> {
    match text.value.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Some(*byte),
        _ => {
            section.wrong(
                &text.span,
                format!("`{key}` is not one ASCII character"),
                "",
            );
            None
        }
    }
}

fn rules(section: &Section<'_>) -> Vec<Rule> {
    section
        .named("rules", "rule")
        .iter()
        .filter_map(
            |entry| match entry.section_or_text(section.document, SectionKind::Rule)? {
                Err(sql) => Some(Rule {
                    name: entry.name.to_owned(),
                    sql: sql.value,
                    severity: crate::contract::Severity::Reject,
                }),
                Ok(rule) => {
                    if rule.get("sql").is_none() {
                        rule.missing("sql", "such as `sql = \"amount >= 0\"`");
                    }
                    Some(Rule {
                        name: entry.name.to_owned(),
                        sql: rule.text("sql")?.value,
                        severity: rule.word("severity", SEVERITIES).unwrap_or_default(),
                    })
                }
            },
        )
        .collect()
}
