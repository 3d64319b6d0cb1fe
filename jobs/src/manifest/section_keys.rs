//! Every key of a `job.toml`: the one table that the parser, the documentation and the tests read.

use super::section_kind::SectionKind;

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyInfo {
    /// Where it stands.
    kind: SectionKind,
    /// The key.
    name: &'static str,
    /// What its value looks like.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the test that compares `KEYS.md`")
    )]
    value: &'static str,
    /// What it says.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the test that compares `KEYS.md`")
    )]
    meaning: &'static str,
}

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

/// Every key, in the order in which a `job.toml` is best written.
const KEYS: &[KeyInfo] = &[
    key(
        SectionKind::Job,
        "name",
        "text, required",
        "the job; its tables lie under this folder",
    ),
    key(
        SectionKind::Job,
        "description",
        "text",
        "one sentence for `drivetrain jobs`",
    ),
    key(
        SectionKind::Job,
        "parameters",
        "table",
        "values that a run may set; SQL names them `$name`",
    ),
    key(
        SectionKind::Job,
        "inputs",
        "table, required",
        "the datasets that are read, by their names in SQL",
    ),
    key(
        SectionKind::Job,
        "tables",
        "table",
        "intermediate results, computed once, seen by the SQL after them, never published",
    ),
    key(
        SectionKind::Job,
        "outputs",
        "table, required",
        "the tables that are written; each one's SQL sees those above it",
    ),
    key(
        SectionKind::Job,
        "checks",
        "table",
        "what must hold before anything is published",
    ),
    key(
        SectionKind::Parameter,
        "type",
        "type, required",
        "also alone: `from = \"date\"`",
    ),
    key(
        SectionKind::Parameter,
        "default",
        "text, number or truth value",
        "used where a run sets none; without it the value is NULL",
    ),
    key(
        SectionKind::Parameter,
        "required",
        "true or false",
        "a run must set it",
    ),
    key(
        SectionKind::Parameter,
        "format",
        "pattern",
        "how a date or timestamp is written",
    ),
    key(
        SectionKind::Parameter,
        "description",
        "text",
        "what it means",
    ),
    key(
        SectionKind::Input,
        "raw",
        "text",
        "the folder under `raw/`; the input's name where nothing is said",
    ),
    key(
        SectionKind::Input,
        "table",
        "`job.table`",
        "reads a table that another job writes, with its columns",
    ),
    key(
        SectionKind::Input,
        "contract",
        "`job.input`",
        "takes everything below from another job's input",
    ),
    key(
        SectionKind::Input,
        "format",
        "`csv` (default) or `parquet`",
        "how the objects are read",
    ),
    key(
        SectionKind::Input,
        "header",
        "true (default) or false",
        "whether the first line names the columns",
    ),
    key(
        SectionKind::Input,
        "delimiter",
        "one ASCII character",
        "stands between fields (`,`)",
    ),
    key(
        SectionKind::Input,
        "quote",
        "one ASCII character or empty",
        "stands around fields (`\"`); empty: quotes mean nothing",
    ),
    key(
        SectionKind::Input,
        "nulls",
        "list of texts",
        "unquoted fields that are NULL (`[\"\"]`)",
    ),
    key(
        SectionKind::Input,
        "encoding",
        "`utf-8`, `latin-1` or `windows-1252`",
        "the characters' encoding (`utf-8`)",
    ),
    key(
        SectionKind::Input,
        "trim",
        "true or false (default)",
        "drops white space around unquoted fields",
    ),
    key(
        SectionKind::Input,
        "min_rows",
        "number",
        "fewer data rows than this fail the run (1)",
    ),
    key(
        SectionKind::Input,
        "columns",
        "table, required",
        "in the order of a file without header; see columns",
    ),
    key(
        SectionKind::Input,
        "key",
        "column or list of columns",
        "occurs once; or a table, see keys",
    ),
    key(
        SectionKind::Input,
        "references",
        "list",
        "`\"user_id -> users.user_id\"`; or tables, see references",
    ),
    key(
        SectionKind::Input,
        "rules",
        "table",
        "conditions in SQL over one row, by name; see rules",
    ),
    key(
        SectionKind::InputColumn,
        "type",
        "type, required",
        "also alone: `user_id = \"string not null\"`",
    ),
    key(
        SectionKind::InputColumn,
        "format",
        "pattern",
        "of a date (`%Y-%m-%d`) or timestamp (`%Y-%m-%d %H:%M:%S`)",
    ),
    key(
        SectionKind::InputColumn,
        "zone",
        "`UTC`",
        "the timestamp is a moment in UTC; without it, wall-clock time",
    ),
    key(
        SectionKind::InputColumn,
        "true",
        "text or list of texts",
        "what means true (`true`)",
    ),
    key(
        SectionKind::InputColumn,
        "false",
        "text or list of texts",
        "what means false (`false`)",
    ),
    key(
        SectionKind::InputColumn,
        "from",
        "text",
        "the field's name in the file, where it differs",
    ),
    key(
        SectionKind::InputColumn,
        "path",
        "text",
        "the value stands in the object's key, as `<path>=<value>/`",
    ),
    key(
        SectionKind::InputColumn,
        "description",
        "text",
        "what it means",
    ),
    key(
        SectionKind::Rule,
        "sql",
        "condition, required",
        "also alone: `paid = \"amount > 0\"`; a row breaks it unless it is true",
    ),
    key(
        SectionKind::Rule,
        "severity",
        "`reject` (default) or `warn`",
        "quarantines the row, or counts it",
    ),
    key(
        SectionKind::Reference,
        "columns",
        "text, required",
        "`a, b -> dataset.a, dataset.b`",
    ),
    key(
        SectionKind::Reference,
        "severity",
        "`reject` (default) or `warn`",
        "quarantines the row, or counts it",
    ),
    key(
        SectionKind::Key,
        "columns",
        "column or list of columns, required",
        "occur together once",
    ),
    key(
        SectionKind::Key,
        "severity",
        "`reject` (default) or `warn`",
        "quarantines all but the first row, or counts them",
    ),
    key(
        SectionKind::Table,
        "sql",
        "file or query",
        "`<name>.sql` where nothing is said; also alone: `totals = \"select ..\"`",
    ),
    key(SectionKind::Table, "description", "text", "what it holds"),
    key(SectionKind::Output, "description", "text", "what it holds"),
    key(
        SectionKind::Output,
        "sql",
        "file or query",
        "`<name>.sql` where nothing is said",
    ),
    key(
        SectionKind::Output,
        "columns",
        "table, required",
        "exactly those of the query; see columns",
    ),
    key(
        SectionKind::Output,
        "partition_by",
        "column or list of columns",
        "become `name=value/` folders, outermost first",
    ),
    key(
        SectionKind::Output,
        "order_by",
        "column or list of columns",
        "order of the rows in a partition; `\"amount desc\"`",
    ),
    key(
        SectionKind::Output,
        "key",
        "column or list of columns",
        "occurs once, or nothing is published",
    ),
    key(
        SectionKind::Output,
        "references",
        "list",
        "as for inputs; a check",
    ),
    key(
        SectionKind::Output,
        "mode",
        "`replace` (default) or `append`",
        "what a run does to the rows that are there",
    ),
    key(
        SectionKind::Output,
        "window",
        "partition column",
        "parameters `from` and `to` bound it: a run replaces just that; or a table",
    ),
    key(
        SectionKind::Output,
        "rows_of",
        "input",
        "each accepted row of it gives exactly one row, less `where` and window",
    ),
    key(
        SectionKind::Output,
        "where",
        "condition",
        "rows for which it is not true are left out and counted",
    ),
    key(
        SectionKind::Output,
        "warnings",
        "list of boolean columns",
        "their true values are counted and reported",
    ),
    key(
        SectionKind::OutputColumn,
        "type",
        "type, required",
        "also alone: `revenue = \"decimal(18,2) not null\"`",
    ),
    key(
        SectionKind::OutputColumn,
        "zone",
        "`UTC`",
        "the timestamp is a moment in UTC",
    ),
    key(
        SectionKind::OutputColumn,
        "description",
        "text",
        "what it means",
    ),
    key(
        SectionKind::Window,
        "column",
        "partition column, required",
        "what is bounded",
    ),
    key(
        SectionKind::Window,
        "from",
        "parameter",
        "the least value (`from`)",
    ),
    key(
        SectionKind::Window,
        "to",
        "parameter",
        "the greatest value (`to`)",
    ),
    key(
        SectionKind::Check,
        "expected",
        "file or query of one row",
        "what must come out; goes with `got`",
    ),
    key(
        SectionKind::Check,
        "got",
        "file or query of one row",
        "what came out: the same columns, exactly the same values",
    ),
    key(
        SectionKind::Check,
        "no_rows",
        "file or query",
        "each of its rows is a violation",
    ),
    key(
        SectionKind::Check,
        "severity",
        "`reject` (default) or `warn`",
        "stops the run, or is only reported",
    ),
    key(
        SectionKind::Check,
        "enabled",
        "true (default) or false",
        "`false`: only with `--check <name>`",
    ),
];

/// The names of a section's keys.
pub(super) fn names_in(kind: SectionKind) -> impl Iterator<Item = &'static str> + Clone {
    KEYS.iter()
        .filter(move |key| key.kind == kind)
        .map(|key| key.name)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The table of all keys in Markdown, for the documentation.
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
