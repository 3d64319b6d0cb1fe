//! `[inputs.<name>]`: the origin of a dataset and the contract of its rows.

use super::columns::columns;
use super::constraints::{self, SEVERITIES, UnresolvedReference};
use super::section::{NamedEntry, Section};
use super::section_kind::SectionKind;
use super::toml_document::SpannedText;
use crate::contract::{Column, Contract, CsvFormat, Encoding, Format, Origin, Rule};
use crate::job::InputOrigin;
use crate::name;

/// An input as its own `job.toml` declares it, before links to other jobs are resolved.
pub(super) struct UnresolvedInput {
    /// Name of the input, which is also its table in SQL.
    pub(super) name: String,
    /// Name of the input, with the span at which problems are reported.
    pub(super) name_text: SpannedText,
    /// Value of the key `raw`, a folder below `raw/`; `None` if the key is missing.
    pub(super) raw: Option<String>,
    /// Value of the key `min_rows`; `None` if the key is missing.
    pub(super) min_rows: Option<u64>,
    /// Source of the input's contract: its own keys, or a link to another job.
    pub(super) source: ContractSource,
    /// References of a contract that the input declares itself; empty if the contract comes from another job.
    pub(super) references: Vec<UnresolvedReference>,
}

/// Source of an input's contract.
pub(super) enum ContractSource {
    /// The input declares the contract itself.
    Here(Contract),
    /// The contract is that of another job's input.
    Contract(JobLink),
    /// The contract follows from the columns of another job's output.
    Table(JobLink),
}

/// A link `job.dataset` to another job.
#[derive(Clone)]
pub(super) struct JobLink {
    /// Name of the other job.
    pub(super) job: String,
    /// Name of the other job's input or output.
    pub(super) dataset: String,
    /// Text of the link, with the span at which problems are reported.
    pub(super) text: SpannedText,
}

impl UnresolvedInput {
    /// Returns the source of the input's objects; `None` if `contract` takes it from another job's input.
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

/// Keys that declare a contract. An input that takes its contract from another job must not have them.
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

/// Reads an input: the source of its objects, and its contract or the link to it.
pub(super) fn input(entry: &NamedEntry<'_>, section: &Section<'_>) -> UnresolvedInput {
    let raw = section.text("raw").map(|text| {
        if text.value.is_empty()
            || text
                .value
                .split('/')
                .any(|folder| folder.is_empty() || folder.starts_with('.'))
        {
            section.report(
                &text.span,
                format!("`{}` is not a valid folder below `raw/`", text.value),
                "write a relative path, for example `users` or `eu/users`",
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
            refuse_keys(section, &["raw", "contract"], "table");
            drop(contract);
            refuse_keys(section, &CONTRACT_KEYS, "table");
            ContractSource::Table(table)
        }
        (None, Some(contract)) => {
            refuse_keys(section, &CONTRACT_KEYS, "contract");
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
        name_text: entry.name_text(),
        raw,
        min_rows: section.count("min_rows"),
        source,
        references,
    }
}

/// Reports each key of `keys` that the section has, because the key `by` excludes them.
fn refuse_keys(section: &Section<'_>, keys: &[&str], by: &str) {
    for key in keys {
        if let Some(value) = section.get(key) {
            section.report(
                &value.span(),
                format!("`{key}` cannot be combined with `{by}`"),
                format!("remove `{key}`, which the other job determines, or remove `{by}`"),
            );
        }
    }
}

/// Parses a link `job.dataset`. Any other text is reported.
fn link(section: &Section<'_>, text: SpannedText) -> Option<JobLink> {
    match text.value.split_once('.') {
        Some((job, dataset)) if name::is_legal(job) && name::is_legal(dataset) => Some(JobLink {
            job: job.to_owned(),
            dataset: dataset.to_owned(),
            text,
        }),
        _ => {
            section.report(
                &text.span,
                format!(
                    "`{}` is not a valid link to a dataset of another job",
                    text.value
                ),
                "write `job.dataset`, for example `sales.days`",
            );
            None
        }
    }
}

/// Reads the contract that an input declares itself, and its references with their spans.
fn written_contract(section: &Section<'_>) -> (Contract, Vec<UnresolvedReference>) {
    // An invalid link to another job was already reported, and explains why the input has no columns.
    let linked = section.get("table").is_some() || section.get("contract").is_some();
    let columns = columns(section, SectionKind::InputColumn);
    if section.get("columns").is_none() && !linked {
        section.missing(
            "columns",
            "list the columns of the input, or take them from another job: `contract = \"job.input\"`",
        );
    } else if columns.is_empty() && !linked {
        section.report(
            &section.name(),
            "an input needs at least one column",
            "list the columns of the input's objects",
        );
    }
    check_fields(section, &columns);
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

/// Reports each column that reads the same field or folder as an earlier column.
fn check_fields(section: &Section<'_>, columns: &[Column]) {
    for (at, column) in columns.iter().enumerate() {
        if let Some(first) = columns[..at]
            .iter()
            .find(|first| first.origin == column.origin)
        {
            let source = match &column.origin {
                Origin::Field(field) => format!("field `{field}`"),
                Origin::Path(folder) => format!("folder `{folder}=`"),
            };
            section.report(
                &section.name(),
                format!(
                    "columns `{}` and `{}` both read the {source}",
                    first.name, column.name
                ),
                "remove one of the two columns, or give it another `from` or `path`",
            );
        }
    }
}

/// Reads the format of the objects, and the dialect if they are delimited text.
fn format(section: &Section<'_>, columns: &[Column]) -> Format {
    let parquet = section
        .word("format", &[("csv", false), ("parquet", true)])
        .unwrap_or(false);
    if parquet {
        for key in ["header", "delimiter", "quote", "nulls", "encoding", "trim"] {
            if let Some(value) = section.get(key) {
                section.report(
                    &value.span(),
                    format!("`{key}` cannot be combined with `format = \"parquet\"`"),
                    "remove the key: it applies only to `format = \"csv\"`",
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
                section.report(
                    &section.name(),
                    format!(
                        "column `{}` has `from`, but the files have no header",
                        column.name
                    ),
                    "remove `from`: without a header, columns are matched by their order",
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
        section.report(
            &section.name(),
            "`delimiter` and `quote` are the same character",
            "choose another character for one of the two",
        );
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

/// Encodings by their names in a `job.toml`.
const ENCODINGS: &[(&str, Encoding)] = &[
    ("utf-8", Encoding::Utf8),
    ("latin-1", Encoding::Latin1),
    ("windows-1252", Encoding::Windows1252),
];

/// Parses a delimiter or quote: a single ASCII character that is not a line end. Any other text is reported.
fn character(section: &Section<'_>, key: &str, text: &SpannedText) -> Option<u8> {
    match text.value.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Some(*byte),
        _ => {
            section.report(
                &text.span,
                format!("`{key}` must be a single ASCII character and not a line end"),
                "write one character, such as `;` or `\\t`",
            );
            None
        }
    }
}

/// Reads the row rules, in the order of the file.
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
                        rule.missing("sql", "add the key, for example `sql = \"amount >= 0\"`");
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
