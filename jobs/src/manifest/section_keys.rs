//! The keys of a `job.toml`, in one table that the parser, the documentation and the tests read.

use super::section_kind::SectionKind;

/// A key that a section of a `job.toml` may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyInfo {
    /// Kind of the sections that may have the key.
    kind: SectionKind,
    /// Name of the key, as it is written in a `job.toml`.
    name: &'static str,
    /// Form of the key's value, as `KEYS.md` shows it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the test that compares `KEYS.md`")
    )]
    value: &'static str,
    /// Meaning of the key's value, as `KEYS.md` explains it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the test that compares `KEYS.md`")
    )]
    meaning: &'static str,
}

/// Builds an entry of [`KEYS`].
const fn key(
    kind: SectionKind,
    name: &'static str,
    value: &'static str,
    meaning: &'static str,
) -> KeyInfo {
    KeyInfo {
        kind,
        name,
        value,
        meaning,
    }
}

/// All keys of all sections, in the recommended order of a `job.toml`.
const KEYS: &[KeyInfo] = &[
    key(
        SectionKind::Job,
        "name",
        "string, required",
        "name of the job, and of the folder that holds its tables",
    ),
    key(
        SectionKind::Job,
        "description",
        "string",
        "one sentence about the job, shown by `drivetrain jobs`",
    ),
    key(
        SectionKind::Job,
        "parameters",
        "table",
        "values that a run may set; SQL reads them as `$name`",
    ),
    key(
        SectionKind::Job,
        "inputs",
        "table, required",
        "datasets that the job reads, by name; SQL reads each as a table of this name",
    ),
    key(
        SectionKind::Job,
        "tables",
        "table",
        "intermediate results, by name: each is computed once, can be read by the SQL declared after it, and is never published",
    ),
    key(
        SectionKind::Job,
        "outputs",
        "table, required",
        "tables that the job writes, by name; the SQL of an output can read the outputs above it",
    ),
    key(
        SectionKind::Job,
        "checks",
        "table",
        "conditions, by name, that a run checks before it publishes anything",
    ),
    key(
        SectionKind::Parameter,
        "type",
        "type, required",
        "type of the values; short form: `from = \"date\"`",
    ),
    key(
        SectionKind::Parameter,
        "default",
        "string, number, boolean or date",
        "value that applies if a run does not set the parameter; without a default, the parameter is then NULL",
    ),
    key(
        SectionKind::Parameter,
        "required",
        "true or false (default)",
        "whether a run must set a value",
    ),
    key(
        SectionKind::Parameter,
        "format",
        "pattern",
        "pattern of a date or timestamp, as for columns of inputs",
    ),
    key(
        SectionKind::Parameter,
        "description",
        "string",
        "meaning of the parameter",
    ),
    key(
        SectionKind::Input,
        "raw",
        "string",
        "folder below `raw/` that holds the objects; default: the name of the input",
    ),
    key(
        SectionKind::Input,
        "table",
        "`job.table`",
        "table of another job that this input reads; the input has exactly the columns of this table",
    ),
    key(
        SectionKind::Input,
        "contract",
        "`job.input`",
        "input of another job whose contract this input takes; the keys below are then invalid, except `min_rows`",
    ),
    key(
        SectionKind::Input,
        "format",
        "`csv` (default) or `parquet`",
        "format of the objects",
    ),
    key(
        SectionKind::Input,
        "header",
        "true (default) or false",
        "whether the first line of each object holds the names of the columns",
    ),
    key(
        SectionKind::Input,
        "delimiter",
        "one ASCII character",
        "character between fields; default: `,`",
    ),
    key(
        SectionKind::Input,
        "quote",
        "one ASCII character or empty",
        "character around fields; default: `\"`; if empty, quotes have no special meaning",
    ),
    key(
        SectionKind::Input,
        "nulls",
        "array of strings",
        "unquoted fields that mean NULL; default: `[\"\"]`, only the empty field",
    ),
    key(
        SectionKind::Input,
        "encoding",
        "`utf-8` (default), `latin-1` or `windows-1252`",
        "character encoding of the objects",
    ),
    key(
        SectionKind::Input,
        "trim",
        "true or false (default)",
        "whether to remove white space around unquoted fields",
    ),
    key(
        SectionKind::Input,
        "min_rows",
        "number",
        "minimum number of data rows in all objects together: a run with fewer fails; default: 1",
    ),
    key(
        SectionKind::Input,
        "columns",
        "table, required",
        "columns by name; their order matters only for files without a header",
    ),
    key(
        SectionKind::Input,
        "key",
        "column or array of columns",
        "columns whose values are unique together; the table form also sets a severity",
    ),
    key(
        SectionKind::Input,
        "references",
        "array",
        "columns whose values must occur in another input: `\"user_id -> users.user_id\"`; the table form also sets a severity",
    ),
    key(
        SectionKind::Input,
        "rules",
        "table",
        "conditions in SQL over a single row, by name",
    ),
    key(
        SectionKind::InputColumn,
        "type",
        "type, required",
        "type of the values; short form: `user_id = \"string not null\"`",
    ),
    key(
        SectionKind::InputColumn,
        "format",
        "pattern",
        "pattern of a date (default: `%Y-%m-%d`) or timestamp (default: `%Y-%m-%d %H:%M:%S`)",
    ),
    key(
        SectionKind::InputColumn,
        "zone",
        "`UTC`",
        "the timestamps are UTC; without a zone they are wall-clock times",
    ),
    key(
        SectionKind::InputColumn,
        "true",
        "string or array of strings",
        "texts that mean true; default: `true`",
    ),
    key(
        SectionKind::InputColumn,
        "false",
        "string or array of strings",
        "texts that mean false; default: `false`",
    ),
    key(
        SectionKind::InputColumn,
        "from",
        "string",
        "name of the field in the file, if it differs from the column's name",
    ),
    key(
        SectionKind::InputColumn,
        "path",
        "string",
        "name of the folder `<path>=<value>/` in the object's path from which the value comes, instead of from the file",
    ),
    key(
        SectionKind::InputColumn,
        "description",
        "string",
        "meaning of the column",
    ),
    key(
        SectionKind::Rule,
        "sql",
        "condition, required",
        "a row breaks the rule unless the condition is true; short form: `paid = \"amount > 0\"`",
    ),
    key(
        SectionKind::Rule,
        "severity",
        "`reject` (default) or `warn`",
        "whether a row that breaks the rule is quarantined, or only counted",
    ),
    key(
        SectionKind::Reference,
        "columns",
        "string, required",
        "columns of this dataset, and the columns to which they refer: `a, b -> dataset.a, dataset.b`",
    ),
    key(
        SectionKind::Reference,
        "severity",
        "`reject` (default) or `warn`",
        "whether a row whose values do not occur in the other input is quarantined, or only counted",
    ),
    key(
        SectionKind::Key,
        "columns",
        "column or array of columns, required",
        "columns whose values are unique together",
    ),
    key(
        SectionKind::Key,
        "severity",
        "`reject` (default) or `warn`",
        "whether each row that repeats the values of an earlier row is quarantined, or only counted",
    ),
    key(
        SectionKind::Table,
        "sql",
        "file or query",
        "query, or the name of its file; default: the file `<name>.sql`; short form: `totals = \"select ..\"`",
    ),
    key(
        SectionKind::Table,
        "description",
        "string",
        "description of the table's content",
    ),
    key(
        SectionKind::Output,
        "description",
        "string",
        "description of the table's content",
    ),
    key(
        SectionKind::Output,
        "sql",
        "file or query",
        "query of the table, or the name of its file; default: the file `<name>.sql`",
    ),
    key(
        SectionKind::Output,
        "columns",
        "table, required",
        "columns by name: exactly the columns that the query returns",
    ),
    key(
        SectionKind::Output,
        "partition_by",
        "column or array of columns",
        "columns that become `name=value/` folders, outermost first",
    ),
    key(
        SectionKind::Output,
        "order_by",
        "column or array of columns",
        "order of the rows in a partition, for example `\"amount desc\"`",
    ),
    key(
        SectionKind::Output,
        "key",
        "column or array of columns",
        "columns whose values must be unique together; if they are not, nothing is published",
    ),
    key(
        SectionKind::Output,
        "references",
        "array",
        "columns whose values must occur in an input or an output; if a value does not, nothing is published; the syntax is that of an input's `references`",
    ),
    key(
        SectionKind::Output,
        "mode",
        "`replace` (default) or `append`",
        "whether a run replaces the existing rows or adds to them",
    ),
    key(
        SectionKind::Output,
        "window",
        "partition column",
        "partition column that the parameters `from` and `to` bound: if a run sets either, it replaces only the partitions from `from` to `to`; write `window` as a TOML table to use other parameters",
    ),
    key(
        SectionKind::Output,
        "rows_of",
        "input",
        "input of which each accepted row must give exactly one row of the output, unless `where` or the window leaves the row out",
    ),
    key(
        SectionKind::Output,
        "where",
        "condition",
        "rows for which the condition is not true are left out; they are counted if `rows_of` is set",
    ),
    key(
        SectionKind::Output,
        "warnings",
        "array of boolean columns",
        "boolean columns: a run counts and reports the rows in which such a column is true, and publishes these rows like all others",
    ),
    key(
        SectionKind::Output,
        "totals",
        "table",
        "control totals by name: columns of an integer or decimal type, for example `revenue = \"total_amount\"`; a run reports the sum of each over the whole table",
    ),
    key(
        SectionKind::OutputColumn,
        "type",
        "type, required",
        "type of the values; short form: `revenue = \"decimal(18,2) not null\"`",
    ),
    key(
        SectionKind::OutputColumn,
        "zone",
        "`UTC`",
        "the timestamps are UTC",
    ),
    key(
        SectionKind::OutputColumn,
        "description",
        "string",
        "meaning of the column",
    ),
    key(
        SectionKind::Window,
        "column",
        "partition column, required",
        "column whose values the parameters limit",
    ),
    key(
        SectionKind::Window,
        "from",
        "parameter",
        "parameter that holds the lowest value; default: `from`",
    ),
    key(
        SectionKind::Window,
        "to",
        "parameter",
        "parameter that holds the highest value; default: `to`",
    ),
    key(
        SectionKind::Check,
        "expected",
        "file or query of one row",
        "query that returns the expected row; requires `got`",
    ),
    key(
        SectionKind::Check,
        "got",
        "file or query of one row",
        "query that returns the actual row, which must have the same number of columns and exactly the same values",
    ),
    key(
        SectionKind::Check,
        "no_rows",
        "file or query",
        "query that returns the violations: the check fails if it returns a row",
    ),
    key(
        SectionKind::Check,
        "severity",
        "`reject` (default) or `warn`",
        "whether a failed check fails the run, or is only reported",
    ),
    key(
        SectionKind::Check,
        "enabled",
        "true (default) or false",
        "if `false`, the check runs only with `--check <name>`",
    ),
];

/// Returns the names of all keys that a section of this kind may have.
pub(super) fn names_in(kind: SectionKind) -> impl Iterator<Item = &'static str> + Clone {
    KEYS.iter()
        .filter(move |key| key.kind == kind)
        .map(|key| key.name)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Formats all keys as Markdown tables, one per kind of section.
    fn keys_as_markdown() -> String {
        let mut text = String::new();
        for kind in SectionKind::ALL {
            let _ = writeln!(
                text,
                "\n{}\n\n| key | value | meaning |\n|---|---|---|",
                capitalized(kind.heading())
            );
            for key in KEYS.iter().filter(|key| key.kind == kind) {
                let _ = writeln!(text, "| `{}` | {} | {} |", key.name, key.value, key.meaning);
            }
        }
        text
    }

    fn capitalized(text: &str) -> String {
        let mut characters = text.chars();
        match characters.next() {
            Some(first) => first.to_uppercase().chain(characters).collect(),
            None => String::new(),
        }
    }

    #[test]
    fn the_documentation_lists_every_key() {
        let written = include_str!("../../KEYS.md");
        assert_eq!(
            written,
            keys_as_markdown(),
            "write this into `jobs/KEYS.md`:\n{}",
            keys_as_markdown()
        );
    }
}
