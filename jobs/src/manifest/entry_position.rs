//! Positions of entries in the `job.toml`, for problems that are found after the file was read.

use toml::de::DeTable;

use crate::job::{JOB_FILE, JobFile};
use crate::problem::Position;

/// Returns the position of an entry of the `job.toml`, such as `["outputs", "daily", "columns", "revenue"]`. If the
/// entry does not exist, returns the position of the last entry on the path that exists.
pub(crate) fn entry_position(files: &[JobFile], path: &[&str]) -> Position {
    let Some(file) = files.iter().find(|file| file.name == JOB_FILE) else {
        return Position::START;
    };
    let (table, _) = DeTable::parse_recoverable(&file.text);
    let mut at = 0..0;
    let mut entries = Some(table.get_ref());
    for step in path {
        let Some((key, value)) = entries.and_then(|entries| entries.get_key_value(*step)) else {
            break;
        };
        at = key.span();
        entries = value.get_ref().as_table();
        if entries.is_none() {
            at = value.span();
        }
    }
    Position::of(&file.text, &at)
}

/// Returns the position of the first character after the opening quotes of the string at `path`. Returns `None` if the
/// value at `path` is not the string `text`.
pub(crate) fn text_position(files: &[JobFile], path: &[&str], text: &str) -> Option<Position> {
    let file = files.iter().find(|file| file.name == JOB_FILE)?;
    let (table, _) = DeTable::parse_recoverable(&file.text);
    let (last, tables) = path.split_last()?;
    let mut entries = table.get_ref();
    for step in tables {
        entries = entries.get(*step)?.get_ref().as_table()?;
    }
    let value = entries.get(*last)?;
    if value.get_ref().as_str() != Some(text) {
        return None;
    }
    let span = value.span();
    let written = &file.text[span.start..];
    let quotes = if written.starts_with("\"\"\"") || written.starts_with("'''") {
        3
    } else {
        1
    };
    let line_end = match &written.as_bytes()[quotes..] {
        [b'\r', b'\n', ..] if quotes == 3 => 2,
        [b'\n', ..] if quotes == 3 => 1,
        _ => 0,
    };
    let start = span.start + quotes + line_end;
    Some(Position::of(&file.text, &(start..start)))
}
