//! Drafts a job from a sample: the contract, and a query that returns the rows unchanged.

use std::fmt::Write as _;

use arrow::datatypes::{DataType, Schema};

use super::type_inference::{InferredType, infer_type};
use crate::contract::ColumnType;
use crate::job::{JOB_FILE, JobFile};
use crate::name::legalize;

/// Beginning of a file of delimited text, split into fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvSample {
    /// Byte between fields.
    pub delimiter: u8,
    /// Column names, which are the fields of the first line.
    pub header: Vec<String>,
    /// Fields of the first rows after the header; `None` is an empty, unquoted field. Rows whose number of fields
    /// differs from the header's are ignored.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Drafts the files of a job whose input `dataset` reads CSV files like the sample.
#[must_use]
pub fn from_csv(job: &str, dataset: &str, sample: &CsvSample) -> Vec<JobFile> {
    let rows = sample
        .rows
        .iter()
        .filter(|row| row.len() == sample.header.len())
        .collect::<Vec<_>>();
    let columns = sample.header.iter().enumerate().map(|(at, field)| {
        let values = rows
            .iter()
            .map(|row| row[at].as_deref())
            .collect::<Vec<_>>();
        (field.as_str(), infer_type(&values))
    });
    let mut dialect = String::new();
    if sample.delimiter != b',' {
        let _ = writeln!(
            dialect,
            "delimiter = {}",
            quoted(&char::from(sample.delimiter).to_string())
        );
    }
    let source = format!("the first {} rows of a CSV file", rows.len());
    files(
        job,
        dataset,
        &dialect,
        &source,
        &columns.collect::<Vec<_>>(),
    )
}

/// Drafts the files of a job whose input `dataset` reads Parquet files with the given schema.
#[must_use]
pub fn from_parquet(job: &str, dataset: &str, schema: &Schema) -> Vec<JobFile> {
    let columns = schema.fields().iter().map(|field| {
        let (kind, remark) = stored(field.data_type());
        (
            field.name().as_str(),
            InferredType {
                kind,
                nullable: field.is_nullable(),
                remark,
            },
        )
    });
    files(
        job,
        dataset,
        "format = \"parquet\"\n",
        "a Parquet file",
        &columns.collect::<Vec<_>>(),
    )
}

/// Returns the contract's type for an Arrow type of a Parquet file. If there is none, returns `string` and a remark for
/// the person who corrects the draft.
fn stored(kind: &DataType) -> (ColumnType, Option<String>) {
    let date = || ColumnType::Date {
        format: "%Y-%m-%d".to_owned(),
    };
    let exact = match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::String,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            ColumnType::Int
        }
        DataType::Int64 | DataType::UInt32 => ColumnType::Bigint,
        DataType::UInt64 => ColumnType::Decimal {
            precision: 20,
            scale: 0,
        },
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Double,
        DataType::Decimal128(precision, scale) if *scale >= 0 => ColumnType::Decimal {
            precision: *precision,
            scale: scale.unsigned_abs(),
        },
        DataType::Date32 => date(),
        DataType::Timestamp(_, zone) => ColumnType::Timestamp {
            format: "%Y-%m-%d %H:%M:%S".to_owned(),
            utc: zone.is_some(),
        },
        DataType::Boolean => ColumnType::Boolean {
            yes: vec!["true".to_owned()],
            no: vec!["false".to_owned()],
        },
        DataType::Dictionary(_, values) => return stored(values),
        other => {
            return (
                ColumnType::String,
                Some(format!(
                    "the type in the file is `{other}`, which a contract does not support"
                )),
            );
        }
    };
    (exact, None)
}

/// Builds the files of a drafted job: its `job.toml` and its query.
fn files(
    job: &str,
    dataset: &str,
    dialect: &str,
    source: &str,
    columns: &[(&str, InferredType)],
) -> Vec<JobFile> {
    let names = names(columns);
    let output = format!("clean_{dataset}");
    let mut toml = format!(
        "name = {job}\ndescription = \"Rows of {dataset} that satisfy their contract\"\n\n\
         # Drafted from {source}: correct the types, add `not null` if a value is always present, and name the key.\n\
         [inputs.{dataset}]\n{dialect}# key = {key}\n\n[inputs.{dataset}.columns]\n",
        job = quoted(job),
        key = quoted(names.first().map_or("", String::as_str)),
    );
    for (name, (field, guess)) in names.iter().zip(columns) {
        let remark = guess
            .remark
            .as_ref()
            .map_or(String::new(), |remark| format!(" # {remark}"));
        let _ = writeln!(
            toml,
            "{name} = {}{remark}",
            input_column(name, field, guess)
        );
    }
    let _ = write!(
        toml,
        "\n# A row for which a rule is not true is quarantined.\n# [inputs.{dataset}.rules]\n# amount_is_not_negative = \"amount >= 0\"\n\n\
         [outputs.{output}]\nrows_of = {dataset_name}\n\n[outputs.{output}.columns]\n",
        dataset_name = quoted(dataset),
    );
    for (name, (_, guess)) in names.iter().zip(columns) {
        let _ = writeln!(toml, "{name} = {}", output_column(guess));
    }
    let list = names
        .iter()
        .map(|name| format!("    \"{name}\""))
        .collect::<Vec<_>>()
        .join(",\n");
    let sql = format!("select\n{list}\nfrom {dataset}\n");
    vec![
        JobFile {
            name: JOB_FILE.to_owned(),
            text: toml,
        },
        JobFile {
            name: format!("{output}.sql"),
            text: sql,
        },
    ]
}

/// Returns a legal and unique name for each column, in the order of the columns.
fn names(columns: &[(&str, InferredType)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (field, _) in columns {
        let plain = legalize(field);
        let free = std::iter::once(plain.clone())
            .chain((2..=columns.len()).map(|number| format!("{plain}_{number}")))
            .find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

/// Formats a type as a contract spells it, in quotes.
fn type_text(inferred: &InferredType) -> String {
    quoted(&format!(
        "{}{}",
        inferred.kind,
        if inferred.nullable { "" } else { " not null" }
    ))
}

/// Formats the TOML value that declares a column of the input: its type, or a table with the type and other keys.
fn input_column(name: &str, field: &str, inferred: &InferredType) -> String {
    let mut parts = vec![format!("type = {}", type_text(inferred))];
    match &inferred.kind {
        ColumnType::Date { format } if format != "%Y-%m-%d" => {
            parts.push(format!("format = {}", quoted(format)));
        }
        ColumnType::Timestamp { format, utc } => {
            if format != "%Y-%m-%d %H:%M:%S" {
                parts.push(format!("format = {}", quoted(format)));
            }
            if *utc {
                parts.push("zone = \"UTC\"".to_owned());
            }
        }
        ColumnType::Boolean { yes, no } if yes != &["true"] || no != &["false"] => {
            parts.push(format!(
                "true = {}, false = {}",
                quoted(&yes[0]),
                quoted(&no[0])
            ));
        }
        _ => {}
    }
    if field != name {
        parts.push(format!("from = {}", quoted(field)));
    }
    if parts.len() == 1 {
        type_text(inferred)
    } else {
        format!("{{ {} }}", parts.join(", "))
    }
}

/// Formats the TOML value that declares a column of the output: its type, or a table with the type and the zone.
fn output_column(inferred: &InferredType) -> String {
    match &inferred.kind {
        ColumnType::Timestamp { utc: true, .. } => {
            format!("{{ type = {}, zone = \"UTC\" }}", type_text(inferred))
        }
        _ => type_text(inferred),
    }
}

/// Formats a text as a TOML string, in quotes.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use arrow::datatypes::{Field, TimeUnit};

    fn sample(rows: &[&[&str]]) -> CsvSample {
        let field = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
        CsvSample {
            delimiter: b';',
            header: rows[0].iter().map(|name| (*name).to_owned()).collect(),
            rows: rows[1..]
                .iter()
                .map(|row| row.iter().map(field).collect())
                .collect(),
        }
    }

    #[tokio::test]
    async fn a_draft_of_any_file_is_valid() {
        let files = from_csv(
            "first_draft",
            "orders",
            &sample(&[
                &[
                    "Order No",
                    "order_no",
                    "say \"when\"",
                    "Paid?",
                    "zip",
                    "at",
                    "",
                ],
                &[
                    "1",
                    "0001",
                    "01-02-2024",
                    "1",
                    "00501",
                    "2024-01-01T00:00:00Z",
                    "x",
                ],
                &[
                    "2",
                    "0002",
                    "03-04-2024",
                    "0",
                    "",
                    "2024-01-01T00:00:00Z",
                    "y",
                ],
                &["too", "short"],
            ]),
        );
        let text = files[0].text.clone();
        let columns = text
            .split("columns]\n")
            .nth(1)
            .unwrap()
            .lines()
            .take(7)
            .collect::<Vec<_>>();
        assert_eq!(
            columns,
            [
                "order_no = { type = \"int not null\", from = \"Order No\" }",
                "order_no_2 = { type = \"string not null\", from = \"order_no\" } # the values have only digits, but leading zeros or too many digits for a number",
                "say_when = { type = \"date not null\", format = \"%d-%m-%Y\", from = 'say \"when\"' } # the pattern may also be `%m-%d-%Y`: the sample matches both",
                "paid = { type = \"boolean not null\", true = \"1\", false = \"0\", from = \"Paid?\" } # the type may also be a number: the sample has only 0 and 1",
                "zip = \"string\" # the values have only digits, but leading zeros or too many digits for a number",
                "at = { type = \"timestamp not null\", format = \"%Y-%m-%dT%H:%M:%S%.f%z\", zone = \"UTC\" }",
                "column = { type = \"string not null\", from = \"\" }",
            ]
        );
        let checked = Job::check(files, &|_| None)
            .await
            .map_err(|problems| problems.to_string());
        assert_eq!(
            checked.map(|job| job.inputs[0].contract.columns.len()),
            Ok(7),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_draft_of_parquet_keeps_the_types_of_the_file() {
        let schema = Schema::new(vec![
            Field::new("id", DataType::UInt64, false),
            Field::new(
                "At",
                DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
                true,
            ),
            Field::new("select", DataType::Float32, true),
        ]);
        let files = from_parquet("second_draft", "events", &schema);
        let job = Job::check(files, &|_| None)
            .await
            .map_err(|problems| problems.to_string())
            .unwrap();
        let kinds = job.inputs[0]
            .contract
            .columns
            .iter()
            .map(|column| column.kind.to_string())
            .collect::<Vec<_>>();
        assert_eq!(kinds, ["decimal(20,0)", "timestamp", "double"]);
    }
}
