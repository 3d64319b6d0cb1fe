//! Reads JSON arguments of the command line: inline, from a file, or from standard input.

use std::io::Read;
use std::path::Path;

use drivetrain_statemachine::duplicate_keys;
use serde_json::Value;

use crate::error::{Context, ErrorKind, Result};
use crate::machines::definition::read_text;
use crate::machines::findings::finding::Finding;
use crate::terminal::stderr::note;

/// Reads the JSON that is the value of a flag, or that a file or standard input (`-`) contains.
///
/// Reports duplicate keys of an object on standard error, because only the last value counts.
///
/// # Errors
/// `InputMissing` if the file does not exist; `Usage` for invalid JSON; `Failed` if standard input cannot be read.
pub fn read_json(flag: &str, given: &str) -> Result<Value> {
    let (text, origin, name) = if given == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context(ErrorKind::Failed, "cannot read standard input")?;
        (text, "standard input".to_owned(), "standard input")
    } else if is_json(given) {
        (given.to_owned(), format!("the value of `{flag}`"), flag)
    } else {
        let path = Path::new(given);
        let text = read_text(path).map_err(|error| match error.kind() {
            ErrorKind::InputMissing => error.hint(format!(
                "`{flag}` takes JSON, a file name, or `-` for standard input"
            )),
            _ => error,
        })?;
        (text, format!("`{given}`"), given)
    };
    let value = serde_json::from_str(&text)
        .context(ErrorKind::Usage, format!("{origin} is not valid JSON"))?;
    for duplicate in duplicate_keys(&text) {
        note(&Finding::of_machine(name, &duplicate).to_string());
    }
    Ok(value)
}

/// Returns `true` if a flag's value is JSON, valid or not, and not a file name.
///
/// Invalid JSON must not be mistaken for a file name, or the user would see the wrong error.
fn is_json(given: &str) -> bool {
    given.trim_start().starts_with(['{', '[', '"']) || serde_json::from_str::<Value>(given).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_distinguished_from_a_file_name() {
        assert_eq!(
            read_json("--input", " {\"a\": 1}").unwrap(),
            json!({"a": 1})
        );
        assert_eq!(read_json("--input", "null").unwrap(), Value::Null);
        let broken = read_json("--input", "{\"a\"").unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::Usage);
        let missing = read_json("--input", "nowhere.json").unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::InputMissing);
    }
}
