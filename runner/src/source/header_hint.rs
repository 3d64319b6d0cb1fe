//! Suggests the cause and the remedy if a header lacks columns of a contract.

/// A header that lacks columns of the contract.
pub(crate) struct Mismatch<'a> {
    /// The names that the contract requires and the header lacks.
    pub(crate) missing: &'a [&'a str],
    /// The names in the header.
    pub(crate) found: &'a [String],
    /// `true` if the header has at least one column of the contract.
    pub(crate) has_others: bool,
}

/// Delimiters that a file may use instead of the declared one, with their spelling in a contract.
const DELIMITERS: [(char, &str); 4] = [(',', ","), (';', ";"), ('\t', "\\t"), ('|', "|")];

/// Returns the hint for a first line that cannot be split into names.
///
/// The usual cause is quoted names with another delimiter between them.
pub(crate) fn hint_of_broken(text: &[u8], delimiter: u8) -> String {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let others = DELIMITERS
        .iter()
        .filter(|(other, _)| *other != char::from(delimiter));
    match others
        .into_iter()
        .find(|(other, _)| line.contains(&format!("\"{other}")))
    {
        Some((_, written)) => other_delimiter(written),
        None => "check that the file's first line contains only the column names, and that every quote is closed".to_owned(),
    }
}

impl Mismatch<'_> {
    /// Returns the hint for the header of delimited text; the most specific cause is tried first.
    pub(crate) fn hint_of_text(&self) -> String {
        self.line_ends()
            .or_else(|| self.delimiter())
            .or_else(|| self.spelling())
            .unwrap_or_else(|| {
                if self.has_others {
                    other_name()
                } else {
                    "if the file has no header, set `header = false` in the contract".to_owned()
                }
            })
    }

    /// Returns the hint for the columns of a Parquet file.
    pub(crate) fn hint_of_parquet(&self) -> String {
        self.spelling().unwrap_or_else(other_name)
    }

    /// Recognizes lines that end with CR alone, which are read as one line.
    fn line_ends(&self) -> Option<String> {
        let has_ends = self.found.iter().any(|name| name.contains('\r'));
        has_ends.then(|| {
            "the file's lines seem to end with CR alone: write the file with LF or CRLF line ends".to_owned()
        })
    }

    /// Recognizes a `sep=` line of a spreadsheet, and a delimiter that would split the header into names of the
    /// contract.
    fn delimiter(&self) -> Option<String> {
        let first = self.found.first()?;
        if first.starts_with("sep=") {
            return Some(
                "the file's first line is a `sep=` line for spreadsheets, not a header: remove that line"
                    .to_owned(),
            );
        }
        let (_, written) = DELIMITERS.iter().find(|(delimiter, _)| {
            let parts = self.found.iter().flat_map(|name| name.split(*delimiter));
            let parts: Vec<&str> = parts.map(|part| part.trim_matches(['"', ' '])).collect();
            parts.len() > self.found.len() && self.missing.iter().any(|name| parts.contains(name))
        })?;
        Some(other_delimiter(written))
    }

    /// Recognizes a missing name that the header spells with spaces around it or in another case.
    fn spelling(&self) -> Option<String> {
        let like = |same: &dyn Fn(&str, &str) -> bool| {
            let mut pairs = self.missing.iter().flat_map(|name| {
                let found = self.found.iter().map(move |found| (*name, found.as_str()));
                found.filter(|(name, found)| same(name, found))
            });
            pairs.next()
        };
        if like(&|name, found| found.trim() == name).is_some() {
            return Some(
                "names in the header have spaces around them: set `trim = true` in the contract"
                    .to_owned(),
            );
        }
        let (name, found) =
            like(&|name, found| found.trim().to_lowercase() == name.to_lowercase())?;
        Some(format!(
            "names are case-sensitive: set `from = \"{found}\"` on the column `{name}` in the contract"
        ))
    }
}

/// Returns the hint for a file with another delimiter.
fn other_delimiter(written: &str) -> String {
    format!(
        "the file seems to use another delimiter: set `delimiter = \"{written}\"` in the contract"
    )
}

/// Returns the hint for a column of the contract that no column of the file resembles by name.
fn other_name() -> String {
    "if a column has another name in the file, set `from = \"<name in the file>\"` on that column in the contract"
        .to_owned()
}
