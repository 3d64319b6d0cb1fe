//! Reads queries, which are files of the job folder or strings in the `job.toml`.

use std::path::Path;

use super::section::Section;
use super::toml_document::SpannedText;
use crate::job::{JobFile, Sql};
use crate::problem::Position;
use crate::suggestion::nearest;

/// Reads the query under `key`. If the key is missing and `default` is set, reads the query from the file
/// `<default>.sql`. A missing file is reported.
pub(super) fn query(
    section: &Section<'_>,
    key: &str,
    files: &[JobFile],
    default: Option<&str>,
) -> Option<Sql> {
    match (section.text(key), default) {
        (Some(text), _) => query_of(section, &text, files),
        (None, Some(default)) if section.get(key).is_none() => {
            let file = format!("{default}.sql");
            let found = file_of(&file, files);
            if found.is_none() {
                section.missing(
                    key,
                    format!("write the query to `{file}`, or name its file: `sql = \"..\"`"),
                );
            }
            found
        }
        (None, _) => None,
    }
}

/// Reads a query from a string, which is the query itself or the name of its file.
pub(super) fn query_of(
    section: &Section<'_>,
    text: &SpannedText,
    files: &[JobFile],
) -> Option<Sql> {
    let value = text.value.trim();
    let is_file = is_sql_file(value) && !value.contains(char::is_whitespace);
    if is_file {
        let found = file_of(value, files);
        if found.is_none() {
            let names = files
                .iter()
                .map(|file| file.name.as_str())
                .filter(|name| is_sql_file(name));
            let hint = nearest(value, names).map_or_else(
                || "create the file, or write the query itself instead of the file name".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            section.report(
                &text.span,
                format!("the job folder has no file `{value}`"),
                hint,
            );
        }
        return found;
    }
    if value.is_empty() {
        section.report(
            &text.span,
            "the query is empty",
            "write a query: `select .. from ..`",
        );
        return None;
    }
    let written = section.document.text;
    let opening = &written[text.span.start..];
    // TOML ignores a line end right after three opening quotes, so the text of the query begins on the next line.
    let next_line = ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"]
        .iter()
        .any(|quotes| opening.starts_with(quotes));
    Some(Sql {
        file: section.document.file.to_owned(),
        line: Position::of(written, &text.span).line + usize::from(next_line),
        text: text.value.clone(),
    })
}

/// `true` if the name ends in `.sql`.
fn is_sql_file(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "sql")
}

/// Returns the text of a file of the job folder as a query, `None` if there is no such file.
fn file_of(name: &str, files: &[JobFile]) -> Option<Sql> {
    files.iter().find(|file| file.name == name).map(|file| Sql {
        file: file.name.clone(),
        line: 1,
        text: file.text.clone(),
    })
}
