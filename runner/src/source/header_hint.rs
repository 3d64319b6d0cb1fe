//! Why a header does not have the columns of a contract, and what to do about it.

/// What is known of a header that lacks columns.
pub(crate) struct Mismatch<'a> {
    /// The names that the contract asks for and the header lacks.
    pub(crate) missing: &'a [&'a str],
    /// The names in the header.
    pub(crate) found: &'a [String],
    /// Whether the header has any other column of the contract.
    pub(crate) has_others: bool,
}

/// Delimiters that a file may have instead, and how a contract writes them.
const DELIMITERS: [(char, &str); 4] = [(',', ","), (';', ";"), ('\t', "\\t"), ('|', "|")];

/// What to do about a first line that cannot be split into names, most often one of quoted names with another delimiter.
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
        None => "look at the file's first line: it should hold the names of the columns".to_owned(),
    }
}

impl Mismatch<'_> {
    /// What to do about the header of a text.
    pub(crate) fn hint_of_text(&self) -> String {
        self.line_ends()
            .or_else(|| self.delimiter())
            .or_else(|| self.spelling())
            .unwrap_or_else(|| {
                if self.has_others {
                    other_name()
                } else {
                    "if the file has no header, say `header = false` in the contract".to_owned()
                }
            })
    }

    /// What to do about the columns of a Parquet file.
    pub(crate) fn hint_of_parquet(&self) -> String {
        self.spelling().unwrap_or_else(other_name)
    }

    fn line_ends(&self) -> Option<String> {
        let has_ends = self.found.iter().any(|name| name.contains('\r'));
        has_ends.then(|| {
            "the file's lines seem to end with CR alone: write it with LF or CRLF".to_owned()
        })
    }

    fn delimiter(&self) -> Option<String> {
        let first = self.found.first()?;
        if first.starts_with("sep=") {
            return Some(
                "the file's first line is a mark for spreadsheets, no header: remove that line"
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
                "names in the header have spaces around them: say `trim = true` in the contract"
                    .to_owned(),
            );
        }
        let (name, found) =
            like(&|name, found| found.trim().to_lowercase() == name.to_lowercase())?;
        Some(format!(
            "names are told apart by case: say `from = \"{found}\"` with the column `{name}` in the contract"
        ))
    }
}

fn other_delimiter(written: &str) -> String {
    format!(
        "the file's delimiter seems to be another: say `delimiter = \"{written}\"` in the contract"
    )
}

fn other_name() -> String {
    "a column may have another name in the file: say `from = \"..\"` with it in the contract"
        .to_owned()
}
